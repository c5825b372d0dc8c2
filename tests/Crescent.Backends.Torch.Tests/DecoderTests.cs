using Crescent.Backends.Torch.Tests.Support;
using Crescent.Testing;

namespace Crescent.Backends.Torch.Tests;

/// <summary>The decoder on libtorch against the double-precision one that shares no code with either.</summary>
public sealed class DecoderTests
{
    private const double Tolerance = 1e-3;

    [TorchTheory]
    [MemberData(nameof(ReferenceLogits.Models), MemberType = typeof(ReferenceLogits))]
    public void LogitsOfEveryPositionEqualTheReference(string architecture, ModelFormat format, DType type) =>
        Assert.InRange(ReferenceLogits.LargestError(new TorchBackend(), RandomModel.Config(architecture), format, type), 0, Tolerance);

    [TorchTheory]
    [InlineData("llama", ModelFormat.Folder, DType.BF16)]
    [InlineData("qwen3", ModelFormat.Folder, DType.BF16)]
    [InlineData("llama", ModelFormat.Gguf, DType.Q8_0)]
    public void NarrowWeightsStayNear(string architecture, ModelFormat format, DType type) => Assert.InRange(
        ReferenceLogits.LargestError(new TorchBackend(new() { Weights = TorchWeights.Narrow }), RandomModel.Config(architecture), format, type), 0, 0.2);

    [TorchFact]
    public void NarrowKvStaysNear() => Assert.InRange(
        ReferenceLogits.LargestError(new TorchBackend(), RandomModel.Config(), ModelFormat.Folder, DType.F32, DType.BF16), 1e-4, 0.1);

    [TorchTheory]
    [InlineData("llama")]
    [InlineData("qwen3")]
    public void TiedHeadEqualsTheReference(string architecture) => Assert.InRange(
        ReferenceLogits.LargestError(new TorchBackend(), RandomModel.Config(architecture) with { TiedHead = true }, ModelFormat.Folder, DType.BF16), 0, Tolerance);
}
