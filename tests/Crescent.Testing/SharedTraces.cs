using Xunit;

namespace Crescent.Testing;

/// <summary>Recorded request traces beside the repository: shared/data/traces in the folder above the one with Cluster.sln.</summary>
public static class SharedTraces
{
    public const string MooncakeConversation = "mooncake_conversation_trace.jsonl";

    private static string PathTo(string trace) => Path.GetFullPath(Path.Combine(Repository.Root, "..", "shared", "data", "traces", trace));

    /// <summary>A trace's file, or null when it is not there.</summary>
    public static string? Find(string trace) => File.Exists(PathTo(trace)) ? PathTo(trace) : null;

    /// <summary>Why a test of it is skipped.</summary>
    public static string Missing(string trace) => $"The trace shared/data/traces/{trace} is not beside the repository.";
}

/// <summary>A fact that is skipped where the trace is missing.</summary>
[AttributeUsage(AttributeTargets.Method)]
public sealed class SharedTraceFactAttribute : FactAttribute
{
    public SharedTraceFactAttribute(string trace)
    {
        Skip = SharedTraces.Find(trace) is null ? SharedTraces.Missing(trace) : null;
    }
}

/// <summary>A theory that is skipped where the trace is missing.</summary>
[AttributeUsage(AttributeTargets.Method)]
public sealed class SharedTraceTheoryAttribute : TheoryAttribute
{
    public SharedTraceTheoryAttribute(string trace)
    {
        Skip = SharedTraces.Find(trace) is null ? SharedTraces.Missing(trace) : null;
    }
}
