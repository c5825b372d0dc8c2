using System.CommandLine;
using Crescent.Server;

namespace Crescent.Cli.Commands;

/// <summary>Which model runs in this process, and on what.</summary>
internal sealed class EngineOptions
{
    private const int MaxThreads = 1024;

    private readonly Option<string?> _model = new("--model")
    {
        HelpName = "PATH",
        Description = $"A Hugging Face folder or a .gguf file. [default: {BundledModel.Variable}, or the bundled model]",
    };

    private readonly Option<int?> _threads = Values.Number(
        "--threads", "N", "Threads that compute. [default: one per processor]", 1, MaxThreads);

    private readonly Option<long?> _deviceCache = Values.Size(
        "--device-cache", "Memory for KV. [default: room for 4 contexts, at most a quarter of the memory]");

    private readonly Option<string?> _kvType = Values.Choice(
        "--kv-type", "How KV is kept; f32 takes twice the memory, q8_0 half of it. [default: bf16]", "bf16", "f32", "q8_0");

    public IReadOnlyList<Option> All => [_model, _threads, _deviceCache, _kvType];

    /// <exception cref="CliException">No model is named and none is bundled.</exception>
    public NodeOptions Read(ParseResult parsed) => new()
    {
        ModelPath = parsed.GetValue(_model) ?? BundledModel.Find(),
        Threads = parsed.GetValue(_threads),
        DeviceCacheBytes = parsed.GetValue(_deviceCache),
        KvType = Enum.Parse<DType>(parsed.GetValue(_kvType) ?? nameof(DType.BF16), ignoreCase: true),
    };
}
