using Crescent.Testing;

namespace Crescent.Bench.Tests;

/// <summary>What the benchmark's models are made of: encoded weights are what they say, to the step of their format.</summary>
public class WeightEncodingTests
{
    [Fact]
    public void Q4_K_is_within_a_step_of_every_element()
    {
        var values = Normal(256 * 5);
        values.AsSpan(256, 32).Fill(0.25f);
        values.AsSpan(512, 256).Clear();
        var bytes = WeightEncoding.Encode(values, DType.Q4_K);

        for (var run = 0; run < values.Length / 256; run++)
        {
            var decoded = new double[256];
            Q4KEncoding.DecodeRun(bytes.AsSpan(run * 144, 144), decoded);
            for (var group = 0; group < 8; group++)
            {
                var original = values.AsSpan((run * 256) + (group * 32), 32).ToArray();
                var whole = values.AsSpan(run * 256, 256).ToArray();

                // Half a step of the group, and what rounding scale and minimum to 6 bits of the run's largest adds.
                var step = (original.Max() - Math.Min(original.Min(), 0)) / 15;
                var unit = (whole.Max() - Math.Min(whole.Min(), 0)) / 63;
                for (var i = 0; i < 32; i++)
                {
                    Assert.InRange(decoded[(group * 32) + i], original[i] - (step / 2) - unit, original[i] + (step / 2) + unit);
                }
            }
        }
    }

    /// <summary>A run by hand: scale 2, minimum 1, every field of its own.</summary>
    [Fact]
    public void Q4_K_is_laid_out_as_in_GGUF()
    {
        var run = new byte[144];
        run[1] = 0x40; // 2.0
        run[3] = 0x3C; // 1.0
        run[4 + 1] = 3 | (2 << 6); // s of group 1; two high bits of s of group 5
        run[4 + 5] = 7 | (1 << 6); // m of group 1; two high bits of m of group 5
        run[4 + 9] = 5 | (9 << 4); // low bits of s and m of group 5
        run[16] = 0xA4; // first element of groups 0 and 1
        run[16 + 64 + 31] = 0xB0; // last element of group 5
        var values = new double[256];
        Q4KEncoding.DecodeRun(run, values);

        Assert.Equal(0, values[0]);
        Assert.Equal((2 * 3 * 10) - 7, values[32]);
        Assert.Equal((2 * (5 + 32) * 11) - (9 + 16), values[(5 * 32) + 31]);
    }

    [Fact]
    public void Q8_0_rounds_as_llama_cpp_does()
    {
        var values = new float[32];
        values[0] = 127;
        values[1] = 2.5f;
        values[2] = -2.5f;
        var bytes = WeightEncoding.Encode(values, DType.Q8_0);

        Assert.Equal([0x00, 0x3C, 127, 3, 0xFD], bytes[..5]);
    }

    private static float[] Normal(int count)
    {
        var random = new Random(5);
        return [.. Enumerable.Range(0, count).Select(_ => (float)((random.NextDouble() + random.NextDouble() + random.NextDouble() - 1.5) * 0.1))];
    }
}
