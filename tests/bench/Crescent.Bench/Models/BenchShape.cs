using Crescent.Models;
using Crescent.Testing;

namespace Crescent.Bench.Models;

/// <summary>A shape that is measured.</summary>
/// <param name="Name">One letter, as in the tables.</param>
/// <param name="Description">What it is, for a reader of the tables.</param>
public sealed record BenchShape(string Name, string Description, DecoderConfig Config)
{
    public const int Seed = 20260;

    public static IReadOnlyList<BenchShape> All { get; } =
    [
        new("S", "76 M: 768 wide, 12 layers, 12/4 heads of 64, ffn 2,048, vocabulary 512", new DecoderConfig
        {
            Architecture = "llama",
            VocabularySize = 512,
            HiddenSize = 768,
            IntermediateSize = 2048,
            Layers = 12,
            Heads = 12,
            KvHeads = 4,
            HeadDim = 64,
            ContextLength = 262_144,
            RmsNormEpsilon = 1e-5f,
        }),
        new("B", "1.24 B, Llama-3.2-1B: 2,048 wide, 16 layers, 32/8 heads of 64, ffn 8,192, vocabulary 128,256, tied", new DecoderConfig
        {
            Architecture = "llama",
            VocabularySize = 128_256,
            HiddenSize = 2048,
            IntermediateSize = 8192,
            Layers = 16,
            Heads = 32,
            KvHeads = 8,
            HeadDim = 64,
            ContextLength = 131_072,
            RmsNormEpsilon = 1e-5f,
            RopeTheta = 500_000,
            RopeScaling = new Llama3RopeScaling(32, 1, 4, 8192),
            TiedHead = true,
        }),
        new("G", "0.6 B, Qwen3-0.6B: 1,024 wide, 28 layers, 16/8 heads of 128, ffn 3,072, vocabulary 151,936, tied", new DecoderConfig
        {
            Architecture = "qwen3",
            VocabularySize = 151_936,
            HiddenSize = 1024,
            IntermediateSize = 3072,
            Layers = 28,
            Heads = 16,
            KvHeads = 8,
            HeadDim = 128,
            ContextLength = 40_960,
            RmsNormEpsilon = 1e-6f,
            RopeTheta = 1_000_000,
            QkNorm = true,
            TiedHead = true,
        }),
    ];

    public static BenchShape Named(string name) =>
        All.FirstOrDefault(shape => shape.Name == name) ?? throw new BenchException($"there is no shape '{name}' (S, B and G are)");

    /// <summary>The file or folder of this shape under the cache folder; made if it is not there.</summary>
    /// <param name="folder">safetensors in a Hugging Face folder rather than GGUF.</param>
    /// <param name="progress">Told what is being made.</param>
    public string Model(string cache, DType type, bool folder, Action<string> progress)
    {
        var path = Path.Combine(cache, "models", $"{Name}-{type}-{Seed}{(folder ? "" : ".gguf")}");
        if (Path.Exists(path))
        {
            return path;
        }

        progress($"making {Path.GetFileName(path)} ({Description})");
        var unfinished = path + ".unfinished";
        Directory.CreateDirectory(Path.GetDirectoryName(path)!);
        var tokenizer = new InventedTokenizer(Config.VocabularySize);
        if (folder)
        {
            RandomModel.StreamedFolder(Config, Seed, type).Write(unfinished);
            tokenizer.WriteJson(Path.Combine(unfinished, "tokenizer.json"));
            Directory.Move(unfinished, path);
            return path;
        }

        var gguf = RandomModel.StreamedGguf(Config, Seed, type);
        gguf["general.name"] = $"{Name}-{type}";
        tokenizer.SetMetadata(gguf);
        using (var file = File.Create(unfinished))
        {
            gguf.WriteTo(file);
        }

        File.Move(unfinished, path);
        return path;
    }
}
