namespace Crescent.Models.Weights;

/// <summary>Reading of the small files beside the weights, with their failures as <see cref="ModelFormatException"/>.</summary>
internal static class ModelFiles
{
    /// <summary>Larger configuration files than this are refused: 100 MB.</summary>
    public const long MaxHeaderBytes = 100_000_000;

    public static byte[] ReadAll(string path)
    {
        try
        {
            using var stream = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.Read);
            if (stream.Length > MaxHeaderBytes)
            {
                throw new ModelFormatException(path, $"{stream.Length} bytes are over the limit of {MaxHeaderBytes}");
            }

            var bytes = new byte[stream.Length];
            stream.ReadExactly(bytes);
            return bytes;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw CannotRead(path, e);
        }
    }

    public static ModelFormatException CannotRead(string path, Exception e) => new(
        path,
        e is FileNotFoundException or DirectoryNotFoundException
            ? "the file does not exist" : $"cannot be read ({e.Message.TrimEnd('.')})",
        e);
}
