using System.Text.Json;

namespace Crescent.Bench.Engine;

/// <summary>What a child process is asked to do; its answer is one JSON array of numbers on standard output.</summary>
internal sealed record ChildWork(string Kind)
{
    public string Model { get; init; } = "";

    public int Threads { get; init; } = 1;

    public int Repeats { get; init; } = 1;

    /// <summary>Prompt tokens of a prefill, positions before a decode, or rows of a matrix product.</summary>
    public int Size { get; init; }

    public int Sequences { get; init; } = 1;

    public int Tokens { get; init; } = 64;

    /// <summary>Of a matrix.</summary>
    public DType Format { get; init; }

    public DType Kv { get; init; } = DType.BF16;

    /// <summary>Name of a KV codec.</summary>
    public string Codec { get; init; } = "";

    public int Inputs { get; init; }

    public int Outputs { get; init; }

    public static async Task<int> RunAsync(string json)
    {
        var work = JsonSerializer.Deserialize<ChildWork>(json)!;
        Console.WriteLine(JsonSerializer.Serialize(await work.MeasureAsync()));
        return 0;
    }

    private async Task<double[]> MeasureAsync() => Kind switch
    {
        "prefill" => await EngineTimings.PrefillAsync(Model, Threads, Size, Repeats),
        "decode" => await EngineTimings.DecodeAsync(Model, Threads, Kv, Size, Repeats),
        "concurrent" => await EngineTimings.ConcurrentAsync(Model, Threads, Sequences, Size, Tokens, Repeats),
        "answer" => await EngineTimings.AnswerAsync(Model, Threads, Size, Tokens, likely: Sequences),
        "read" => MachineLimits.ReadBandwidth(Threads, Repeats),
        "fma" => MachineLimits.FmaPeak(Threads, Repeats),
        "gemm" => KernelTimings.Gemm(Threads, Format, Size, Inputs, Outputs, Repeats),
        "gemv" => KernelTimings.Gemv(Threads, Format, Inputs, Outputs, Repeats),
        "codec-encode" => CodecTimings.Encode(Codec, Repeats),
        "codec-decode" => CodecTimings.Decode(Codec, Repeats),
        _ => throw new BenchException($"there is no work '{Kind}'"),
    };
}
