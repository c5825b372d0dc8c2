using Crescent.Backends.Cpu;
using Crescent.Evaluation.Measures;
using Crescent.Testing;

namespace Crescent.Evaluation.Tests.Measures;

public sealed class AgreementTests
{
    private static readonly AgreementOptions Options = new() { PromptLength = 50, Prompts = 6, Generated = 40 };

    [Fact]
    public void ASetupAgreesWithItself()
    {
        using var model = new MeasuredModel(textLength: 200);
        var result = Agreement.Measure(model.Input, MeasuredModel.Q8, MeasuredModel.Q8, Options);

        Assert.Equal(1, result.SameArgmax);
        Assert.Equal(1, result.TextsUnchanged);
        Assert.Equal(0, result.MeanKl);
        Assert.Equal(0, result.MaxKl);
        Assert.Equal(6, result.Texts.Count);
    }

    [Fact]
    public void CoarserKvAgreesLess()
    {
        using var model = new MeasuredModel(textLength: 200);
        var bf16 = Agreement.Measure(model.Input, MeasuredModel.F32, MeasuredModel.BF16, Options);
        var q8 = Agreement.Measure(model.Input, MeasuredModel.F32, MeasuredModel.Q8, Options);

        Assert.InRange(bf16.MeanKl, 1e-9, q8.MeanKl);
        Assert.InRange(q8.MeanKl, bf16.MeanKl, q8.MaxKl);
        Assert.InRange(q8.SameArgmax, 0.9, 0.9999);
        Assert.Equal(q8.Texts.Average(text => text.SameArgmax == 1 ? 1.0 : 0.0), q8.TextsUnchanged);
    }

    /// <summary>The baseline's text and distributions are those of the reference decoder, the candidate's those after the same tokens.</summary>
    [Fact]
    public void TheBaselineIsContinuedGreedilyAndTheCandidateFollowsIt()
    {
        using var model = new MeasuredModel(textLength: 60);
        var options = Options with { Prompts = 1, PromptLength = 60, Generated = 10 };
        int[] prompt = model.Input.Text.ToArray();
        int[] continued = [.. prompt, .. new ReferenceDecoder(model.File).Greedy(prompt, 10)];
        double[] kl = [.. Enumerable.Range(60, 10).Select(length => Divergence(Logits(DType.F32, continued[..length]), Logits(DType.Q8_0, continued[..length])))];

        var result = Agreement.Measure(model.Input, MeasuredModel.F32, MeasuredModel.Q8, options);

        Assert.Equal(kl.Average(), result.MeanKl, kl.Average() * 1e-3);
        Assert.Equal(kl.Max(), result.MaxKl, kl.Max() * 1e-3);

        float[] Logits(DType kv, int[] tokens)
        {
            using var run = new DecoderRun<CpuTensor>(model.File.Path, CpuBackend.Create(threads: 2), kv);
            return run.Run(tokens, chunk: 64).Logits[^model.File.Config.VocabularySize..];
        }
    }

    private static double Divergence(float[] p, float[] q)
    {
        double sumP = p.Sum(logit => Math.Exp(logit)), sumQ = q.Sum(logit => Math.Exp(logit));
        return p.Zip(q, (a, b) => Math.Exp(a) / sumP * Math.Log(Math.Exp(a) / sumP / (Math.Exp(b) / sumQ))).Sum();
    }
}
