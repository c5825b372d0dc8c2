using Crescent.Testing;

namespace Crescent.Backends.Torch.Tests.Support;

internal static class Libtorch
{
    /// <summary>Why it cannot be used here, or null. It may ask for a newer C++ runtime than the machine has.</summary>
    public static string? Missing { get; } = Try();

    private static string? Try()
    {
        try
        {
            new TorchBackend().Dispose();
            return null;
        }
        catch (NotSupportedException e)
        {
            return e.Message;
        }
    }
}

/// <summary>A fact that is skipped where libtorch cannot be loaded.</summary>
[AttributeUsage(AttributeTargets.Method)]
internal sealed class TorchFactAttribute : FactAttribute
{
    public TorchFactAttribute()
    {
        Skip = Libtorch.Missing;
    }
}

/// <summary>A theory that is skipped where libtorch cannot be loaded, or the reference model it asks for is missing.</summary>
[AttributeUsage(AttributeTargets.Method)]
internal sealed class TorchTheoryAttribute : TheoryAttribute
{
    public TorchTheoryAttribute(string? model = null)
    {
        Skip = Libtorch.Missing ?? (model is not null && SharedModels.Find(model) is null ? SharedModels.Missing(model) : null);
    }
}
