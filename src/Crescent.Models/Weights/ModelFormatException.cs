namespace Crescent.Models.Weights;

/// <summary>A model file that cannot be served: missing, broken or of a kind that is not supported.</summary>
/// <param name="file">The file at fault.</param>
/// <param name="problem">What in it is wrong, without the file's name and a full stop.</param>
public sealed class ModelFormatException(string file, string problem, Exception? inner = null)
    : Exception($"'{file}': {problem}.", inner)
{
    public string File { get; } = file;
}
