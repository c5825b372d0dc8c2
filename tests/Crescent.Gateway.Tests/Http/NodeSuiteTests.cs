using System.Diagnostics;

namespace Crescent.Gateway.Tests.Http;

/// <summary>
/// Runs tests/Node/openai (npm's openai client and hostile sockets), which is written for any real server, against
/// the gateway in front of a fake cluster.
/// </summary>
public sealed class NodeSuiteTests
{
    [NodeFact]
    public Task The_openai_suite_passes_with_a_chat_template() => RunAsync(new FakeCluster());

    [NodeFact]
    public Task The_openai_suite_passes_without_a_chat_template() => RunAsync(new FakeCluster(chatTemplate: null));

    private static async Task RunAsync(FakeCluster cluster)
    {
        await using GatewayServer server = await GatewayServer.StartAsync(cluster);
        var start = new ProcessStartInfo("node", ["--test", "--test-concurrency=1"])
        {
            WorkingDirectory = NodeFactAttribute.Folder!,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        start.Environment["CRESCENT_HTTP"] = server.Address.ToString();
        using Process process = Process.Start(start)!;
        Task<string> errors = process.StandardError.ReadToEndAsync();
        string output = await process.StandardOutput.ReadToEndAsync();
        await process.WaitForExitAsync();
        Assert.True(process.ExitCode == 0, output + await errors);
    }
}

/// <summary>A test that needs tests/Node/openai to be installed.</summary>
public sealed class NodeFactAttribute : FactAttribute
{
    public NodeFactAttribute()
    {
        if (Folder is null || !Directory.Exists(Path.Combine(Folder, "node_modules", "openai")))
        {
            Skip = "npm's openai is not installed: run npm ci in tests/Node/openai";
        }
    }

    public static string? Folder { get; } = Find();

    private static string? Find()
    {
        var folder = new DirectoryInfo(AppContext.BaseDirectory);
        while (folder is not null && !File.Exists(Path.Combine(folder.FullName, "Cluster.sln")))
        {
            folder = folder.Parent;
        }

        return folder is null ? null : Path.Combine(folder.FullName, "tests", "Node", "openai");
    }
}
