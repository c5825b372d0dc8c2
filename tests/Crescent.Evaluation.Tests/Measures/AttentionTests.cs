using Crescent.Evaluation.Measures;
using Crescent.Testing;

namespace Crescent.Evaluation.Tests.Measures;

public sealed class AttentionTests
{
    private static readonly AttentionOptions Options = new() { Length = 150, Windows = 2, Rows = 3 };

    /// <summary>32, 100, 1%, 2% and 10% of the 148 to 150 keys that the rows see.</summary>
    private static readonly int[] Budgets = [32, 100, 2, 3, 15];

    [Fact]
    public void MassesEqualThoseOfTheReferenceDecoder()
    {
        using var model = new MeasuredModel(textLength: 170);
        var result = AttentionMasses.Measure(model.Input, MeasuredModel.F32, Options);
        var expected = ReferenceWeights(model, ends: [150, 170]);

        Assert.Equal(expected.Count, result.Heads.Count);
        Assert.All(result.Heads, head =>
        {
            var rows = expected[(head.Layer, head.Head)];
            double[] masses = [.. Budgets.Select(keys => rows.Average(row => row.OrderDescending().Take(keys).Sum()))];
            Assert.Equal(["32", "100", "1%", "2%", "10%"], head.Top.Select(top => top.Keys));
            Assert.Equal(masses, head.Top.Select(top => top.Mass), (a, b) => Math.Abs(a - b) < 1e-4);
            Assert.Equal(rows.Average(row => Math.Exp(-row.Sum(weight => weight * Math.Log(weight)))), head.EffectiveKeys, 0.01);
            Assert.Equal(1, head.AttendedMass, 1e-9);
        });
    }

    [Theory]
    [InlineData(DType.BF16, 0.02)]
    [InlineData(DType.Q8_0, 0.05)]
    public void KeysAreReadInEveryType(DType kv, double tolerance)
    {
        using var model = new MeasuredModel(textLength: 170);
        var exact = AttentionMasses.Measure(model.Input, MeasuredModel.F32, Options);
        var stored = AttentionMasses.Measure(model.Input, new MeasuredSetup(kv), Options);

        Assert.All(exact.Heads.Zip(stored.Heads), pair => Assert.Equal(
            pair.First.Top.Select(top => top.Mass), pair.Second.Top.Select(top => top.Mass), (a, b) => Math.Abs(a - b) < tolerance));
        Assert.NotEqual(exact.Heads[0].Top[0].Mass, stored.Heads[0].Top[0].Mass);
    }

    [Fact]
    public void ATallyOfHandMadeWeights()
    {
        // 200 keys: one of 0.5, two of 0.1, and 197 that share 0.3.
        double[] weights = [.. Enumerable.Repeat(0.3 / 197, 200)];
        (weights[7], weights[150], weights[199]) = (0.1, 0.5, 0.1);
        var tally = new HeadTally(2, 4);
        tally.Add(weights, attended: [7, 150]);
        var head = tally.ToHead();

        Assert.Equal((2, 4), (head.Layer, head.Head));
        double[] expected = [0.7 + (29 * 0.3 / 197), 0.7 + (97 * 0.3 / 197), 0.6, 0.7 + (0.3 / 197), 0.7 + (17 * 0.3 / 197)];
        Assert.Equal(expected, head.Top.Select(top => top.Mass), (a, b) => Math.Abs(a - b) < 1e-12);
        Assert.Equal(0.6, head.AttendedMass, 1e-12);
        double entropy = -(0.5 * Math.Log(0.5)) - (2 * 0.1 * Math.Log(0.1)) - (0.3 * Math.Log(0.3 / 197));
        Assert.Equal(Math.Exp(entropy), head.EffectiveKeys, 1e-9);
    }

    [Fact]
    public void ASetupHasNoErrorAgainstItselfAndCoarserKvHasMore()
    {
        using var model = new MeasuredModel(textLength: 170);
        var bf16 = AttentionErrors.Measure(model.Input, MeasuredModel.F32, MeasuredModel.BF16, Options);
        var q8 = AttentionErrors.Measure(model.Input, MeasuredModel.F32, MeasuredModel.Q8, Options);

        Assert.All(AttentionErrors.Measure(model.Input, MeasuredModel.Q8, MeasuredModel.Q8, Options).Layers, error => Assert.Equal(0, error));
        Assert.Equal(3, q8.Layers.Count);
        Assert.All(bf16.Layers.Zip(q8.Layers), pair =>
        {
            Assert.InRange(pair.First, 1e-4, pair.Second);
            Assert.InRange(pair.Second, pair.First, 0.1);
        });
    }

    [Fact]
    public void AnErrorIsRelativeToTheWholeBaseline()
    {
        var error = default(RelativeError);
        error.Add([3, 0], [3, 1]);
        error.Add([4, 0], [4, -2]);

        Assert.Equal(Math.Sqrt(5) / 5, error.Value, 1e-12);
    }

    /// <summary>Softmax weights of the last rows, by layer and query head.</summary>
    private static Dictionary<(int Layer, int Head), List<double[]>> ReferenceWeights(MeasuredModel model, int[] ends)
    {
        var weights = new Dictionary<(int, int), List<double[]>>();
        foreach (int end in ends)
        {
            var sequence = new ReferenceDecoder(model.File).Start();
            int[] window = model.Input.Text.Span[(end - Options.Length)..end].ToArray();
            sequence.Append(window[..^Options.Rows]);
            sequence.Attended = (layer, head, row) =>
            {
                weights.TryAdd((layer, head), []);
                weights[(layer, head)].Add(row);
            };
            sequence.Append(window[^Options.Rows..]);
        }

        return weights;
    }
}
