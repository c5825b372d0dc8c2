using Crescent.Backends.Cpu;
using Crescent.Testing;

namespace Crescent.Models.Tests;

/// <summary>The constructed model does what its description says, so that others can be tested with it.</summary>
public sealed class ConstructedModelTests
{
    private const int Million = 1 << 20;
    private const int Depths = 11;

    [Fact]
    public void CodesOfTwoTokensHaveAnInnerProductOfFourAtMost()
    {
        for (int a = 0; a < ConstructedModel.VocabularySize; a++)
        {
            for (int b = 0; b <= a; b++)
            {
                double product = Product(a, b);
                Assert.True(a == b ? product == ConstructedModel.CodeLength : product <= 4, $"{a} and {b}: {product}");
            }
        }
    }

    [Fact]
    public void PreviousTokenHeadsSeeNothingButTheirDistance()
    {
        double[] frequencies = ConstructedModel.Config.InverseFrequencies()[..ConstructedModel.TurningPairs];
        double others = 0;
        for (int offset = -ConstructedModel.ContextTokens; offset < Million; offset++)
        {
            double deficit = frequencies.Sum(frequency => 1 - Math.Cos(offset * frequency));
            others += offset == 0 ? 0 : Math.Exp(-ConstructedModel.DistanceScore * deficit);
        }

        Assert.InRange(others, 0, 8.3e-8);
    }

    [Fact]
    public void PairsOfTheInductionHeadsHardlyTurn()
    {
        double[] angles = [.. ConstructedModel.Config.InverseFrequencies()[ConstructedModel.TurningPairs..].Select(frequency => frequency * Million)];

        Assert.True(angles[0] < 0.034);
        // Two codes' elements of a pair make at most 2 · sin of the angle.
        double margin = ConstructedModel.MatchScore * (ConstructedModel.CodeLength - 4 - (2 * angles.Sum()));
        Assert.InRange(margin, 29.8, 30);
        Assert.True(Million * Math.Exp(-margin) < 1.2e-7);
    }

    [Fact]
    public void EveryRunOfThreeTokensOfADocumentIsThereOnceAndKeysResembleEachOther()
    {
        var document = ConstructedDocument.Make(seed: 1, length: 65_536, pairs: 4_096);
        var runs = Enumerable.Range(0, document.Tokens.Length - 2).Select(i => (document.Tokens[i], document.Tokens[i + 1], document.Tokens[i + 2]));

        Assert.Equal(document.Tokens.Length - 2, runs.Distinct().Count());
        Assert.Equal(1, document.Pairs[0].Position);
        Assert.Equal(document.Tokens.Length, document.Pairs[^1].Position + 7);
        Assert.All(document.Pairs, pair => Assert.Equal(document.Tokens.AsSpan(pair.Position, 7), [.. pair.Key, .. pair.Value]));
        var endings = document.Pairs.GroupBy(pair => (pair.Key[1], pair.Key[2])).Sum(group => group.Count() - 1);
        Assert.InRange(endings, 500, 900);
    }

    [Theory]
    [InlineData(DType.F32)]
    [InlineData(DType.BF16)]
    [InlineData(DType.Q8_0)]
    public void DenseAttentionRecallsWhatItHasRead(DType kv)
    {
        using var run = Run(seed: 2, length: LongProofs.Count(2_048, 32_768), pairs: LongProofs.Count(200, 2_048), kv);
        run.Prefill();

        AssertRecalls(run);
    }

    [Theory]
    [InlineData(DType.F32, 1e-4)]
    [InlineData(DType.BF16, 0.01)]
    [InlineData(DType.Q8_0, 0.01)]
    public void KvWrittenByCodeIsTheOneTheDecoderWrites(DType kv, double tolerance)
    {
        using var run = Run(seed: 3, length: 256, pairs: 16, kv);
        run.Prefill();
        byte[][] computed = [.. Enumerable.Range(0, 4).Select(run.ReadBlock)];
        run.WriteKv();

        Assert.All(computed, (block, i) => AssertClose(block, run.ReadBlock(i), run.Layout, tolerance));
    }

    [Theory]
    [InlineData(DType.F32)]
    [InlineData(DType.BF16)]
    [InlineData(DType.Q8_0)]
    public void AMillionTokensOfWrittenKvAreRecalledAtEveryDepth(DType kv)
    {
        using var run = Run(seed: 4, LongProofs.Count(65_536, Million), pairs: 4_096, kv);
        run.WriteKv();
        AssertRecalls(run);

        // The question's own KV, so far out.
        var document = run.Document;
        int[] all = [.. document.Tokens, .. document.Pairs[^1].Key, .. document.Pairs[^1].Value[..^1]];
        byte[] expected = new byte[run.Layout.BlockBytes];
        int block = document.Tokens.Length / run.Layout.BlockSize;
        new ConstructedKv(run.Layout).Fill(all, block, expected);
        AssertClose(expected, run.ReadBlock(block), run.Layout, tolerance: 0.01, positions: 6);
    }

    private static double Product(int a, int b)
    {
        double product = 0;
        for (int i = 0; i < ConstructedModel.CodeLength; i++)
        {
            product += ConstructedModel.Code(a)[i] * ConstructedModel.Code(b)[i];
        }

        return product;
    }

    private static ConstructedRun<CpuTensor> Run(int seed, int length, int pairs, DType kv) =>
        new(CpuBackend.Create(threads: 2), ConstructedDocument.Make(seed, length, pairs), kv);

    /// <summary>Logits as the model's description has them: 16 for the right token, 4 at most for another.</summary>
    private static void AssertRecalls(ConstructedRun<CpuTensor> run)
    {
        Assert.All(run.Document.AtDepths(Depths), pair =>
        {
            var answer = run.Ask(pair);
            Assert.Equal(pair.Value, answer.Tokens);
            Assert.InRange(answer.LowestLogit, 15.99f, 16.01f);
            Assert.InRange(answer.HighestOther, float.MinValue, 4.01f);
        });
    }

    /// <param name="positions">So many of the block are compared.</param>
    private static unsafe void AssertClose(byte[] expected, byte[] actual, KvLayout layout, double tolerance, int positions = int.MaxValue)
    {
        double[] Decode(byte[] block)
        {
            fixed (byte* data = block)
            {
                return WeightEncoding.Decode(new WeightSource("kv", layout.Type, layout.Layers * 2 * layout.KvHeads * layout.BlockSize, layout.HeadDim, (nint)data));
            }
        }

        var (a, b) = (Decode(expected), Decode(actual));
        for (int i = 0; i < a.Length; i++)
        {
            if (i / layout.HeadDim % layout.BlockSize < positions && Math.Abs(a[i] - b[i]) > tolerance)
            {
                Assert.Fail($"element {i} is {b[i]}, not {a[i]}");
            }
        }
    }
}
