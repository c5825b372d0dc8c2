using Crescent.Models.Weights;

namespace Crescent.Cli;

/// <summary>What can be wrong with a model, said in one line that names it.</summary>
internal static class ModelLoading
{
    /// <exception cref="CliException">The model cannot be served, or the options do not fit it.</exception>
    public static T Load<T>(string path, Func<T> load)
    {
        try
        {
            return load();
        }
        catch (ModelFormatException e)
        {
            throw new CliException(e.Message);
        }
        catch (Exception e) when (e is InvalidDataException or NotSupportedException)
        {
            throw new CliException($"'{path}': {e.Message}");
        }
        catch (ArgumentException e)
        {
            throw new CliException(e.Message, ExitCodes.Usage);
        }
    }
}
