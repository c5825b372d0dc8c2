using Xunit;

namespace Crescent.Testing;

/// <summary>Reference models beside the repository: shared/models in the folder above the one with Cluster.sln.</summary>
public static class SharedModels
{
    public const string Stories260K = "stories260K";

    /// <summary>A model's folder, or null when it is not there.</summary>
    public static string? Find(string model)
    {
        var path = Path.GetFullPath(Path.Combine(Repository.Root, "..", "shared", "models", model));
        return Directory.Exists(path) ? path : null;
    }

    /// <summary>A file of a model that is there, as a <see cref="SharedModelFactAttribute"/> makes sure.</summary>
    public static string PathOf(string model, string file = "") =>
        Path.Combine(Find(model) ?? throw new InvalidOperationException(Missing(model)), file);

    /// <summary>Why a test of it is skipped.</summary>
    public static string Missing(string model) => $"The reference model shared/models/{model} is not beside the repository.";
}

/// <summary>A fact that is skipped where the reference model is missing.</summary>
[AttributeUsage(AttributeTargets.Method)]
public sealed class SharedModelFactAttribute : FactAttribute
{
    public SharedModelFactAttribute(string model = SharedModels.Stories260K)
    {
        Skip = SharedModels.Find(model) is null ? SharedModels.Missing(model) : null;
    }
}

/// <summary>A theory that is skipped where the reference model is missing.</summary>
[AttributeUsage(AttributeTargets.Method)]
public sealed class SharedModelTheoryAttribute : TheoryAttribute
{
    public SharedModelTheoryAttribute(string model = SharedModels.Stories260K)
    {
        Skip = SharedModels.Find(model) is null ? SharedModels.Missing(model) : null;
    }
}
