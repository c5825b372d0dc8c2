using System.Text;
using Crescent.Models.Weights;
using Crescent.Testing;

namespace Crescent.Models.Tests.Weights;

/// <summary>A mutated file opens or gives a <see cref="ModelFormatException"/>, and what opens can be read in full.</summary>
public sealed class ModelFileFuzzTests : IDisposable
{
    private static readonly int Rounds = Environment.GetEnvironmentVariable("CRESCENT_LONG") == "1" ? 5000 : 200;

    private static readonly byte[][] Fragments =
    [
        [0], [0xFF], "\""u8.ToArray(), "{"u8.ToArray(), "]"u8.ToArray(), "-1"u8.ToArray(), "1e999"u8.ToArray(),
        "null"u8.ToArray(), "\\ud800"u8.ToArray(), "99999999999999999999"u8.ToArray(), "9223372036854775807"u8.ToArray(),
        BitConverter.GetBytes(long.MaxValue), BitConverter.GetBytes(-1L), BitConverter.GetBytes(0L),
        BitConverter.GetBytes(int.MaxValue), BitConverter.GetBytes(int.MinValue), BitConverter.GetBytes(1L << 32),
        BitConverter.GetBytes(float.NaN),
    ];

    private readonly TemporaryFolder _folder = new();

    private static DecoderConfig Small(int round) => RandomModel.Config(round % 2 == 0 ? "llama" : "qwen3") with
    {
        VocabularySize = 5,
        HiddenSize = 8,
        IntermediateSize = 6,
        Layers = 1,
        Heads = 2,
        KvHeads = 1,
        HeadDim = 4,
        RopeScaling = new Llama3RopeScaling(8, 1, 4, 64),
    };

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void Mutated_safetensors_open_or_are_refused() => Fuzz("model.safetensors", round =>
        RandomModel.Folder(Small(round), round).Write(_folder.Path));

    [Fact]
    public void Mutated_configs_open_or_are_refused() => Fuzz("config.json", round =>
        RandomModel.Folder(Small(round), round).Write(_folder.Path));

    [Fact]
    public void Mutated_shard_indexes_open_or_are_refused() => Fuzz("model.safetensors.index.json", round =>
        RandomModel.Folder(Small(round), round).Write(_folder.Path, shards: 2));

    [Fact]
    public void Mutated_gguf_files_open_or_are_refused() => Fuzz("model.gguf", round =>
    {
        var writer = RandomModel.Gguf(Small(round), round);
        writer["tokenizer.ggml.tokens"] = new[] { "a", "b", "c" };
        writer["tokenizer.ggml.scores"] = new[] { 1f, 2f, 3f };
        File.WriteAllBytes(_folder["model.gguf"], writer.ToBytes());
    });

    private void Fuzz(string file, Action<int> write)
    {
        var refused = 0;
        for (var round = 0; round < Rounds; round++)
        {
            write(round);
            var bytes = Mutate(File.ReadAllBytes(_folder[file]), new Random(round));
            File.WriteAllBytes(_folder[file], bytes);
            try
            {
                using var model = ModelFile.Open(file.EndsWith(".gguf", StringComparison.Ordinal) ? _folder[file] : _folder.Path);
                Assert.All(model.Weights.Values, ReadAll);
            }
            catch (ModelFormatException)
            {
                refused++;
            }
            catch (Exception e)
            {
                Assert.Fail($"Round {round} gives {e}");
            }
        }

        Assert.InRange(refused, Rounds / 4, Rounds);
    }

    /// <summary>Up to four edits, most of them in the first kilobytes, where headers are.</summary>
    private static byte[] Mutate(byte[] original, Random random)
    {
        var bytes = original.ToList();
        for (var edits = random.Next(1, 5); edits > 0 && bytes.Count > 0; edits--)
        {
            var position = random.Next(random.Next(4) == 0 ? bytes.Count : Math.Min(bytes.Count, random.Next(2) == 0 ? 64 : 2048));
            var fragment = Fragments[random.Next(Fragments.Length)];
            switch (random.Next(8))
            {
                case 0:
                    bytes[position] ^= (byte)(1 << random.Next(8));
                    break;
                case 1:
                    bytes.RemoveRange(position, bytes.Count - position);
                    break;
                case 2:
                    bytes.RemoveRange(position, Math.Min(random.Next(1, 20), bytes.Count - position));
                    break;
                case 3:
                    bytes.InsertRange(position, fragment);
                    break;
                case 4:
                    bytes.InsertRange(position, bytes.GetRange(position, Math.Min(random.Next(1, 200), bytes.Count - position)));
                    break;
                case 5:
                    ReplaceNumber(bytes, position, random);
                    break;
                default:
                    for (var i = 0; i < fragment.Length && position + i < bytes.Count; i++)
                    {
                        bytes[position + i] = fragment[i];
                    }

                    break;
            }
        }

        return [.. bytes];
    }

    /// <summary>Puts another number in the place of the next one spelled in digits.</summary>
    private static void ReplaceNumber(List<byte> bytes, int position, Random random)
    {
        var start = bytes.FindIndex(position, value => char.IsAsciiDigit((char)value));
        if (start < 0)
        {
            return;
        }

        var end = bytes.FindIndex(start, value => !char.IsAsciiDigit((char)value));
        bytes.RemoveRange(start, (end < 0 ? bytes.Count : end) - start);
        bytes.InsertRange(start, Encoding.ASCII.GetBytes($"{random.NextInt64() >> random.Next(64)}"));
    }

    private static unsafe void ReadAll(WeightSource weight)
    {
        var sum = 0;
        for (var i = 0L; i < weight.Bytes; i++)
        {
            sum += ((byte*)weight.Data)[i];
        }

        Assert.True(sum >= 0);
    }
}
