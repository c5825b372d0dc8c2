using Crescent.Backends.Torch.Tests.Support;
using Crescent.Testing;
using TorchSharp;

namespace Crescent.Backends.Torch.Tests;

/// <summary>What is refused, what is declared, and that nothing is left behind.</summary>
public sealed class TorchBackendTests
{
    [TorchTheory]
    [InlineData("gpu")]
    [InlineData("cuda:")]
    [InlineData("cuda:x")]
    [InlineData("")]
    public void ADeviceThatIsNoneIsRefused(string device) =>
        Assert.Contains($"'{device}'", Assert.Throws<ArgumentException>(() => new TorchBackend(new() { Device = device })).Message);

    [TorchFact]
    public void ADeviceThatIsNotThereIsRefused() =>
        Assert.Contains("cuda:99", Assert.Throws<NotSupportedException>(() => new TorchBackend(new() { Device = "cuda:99" })).Message);

    [TorchTheory]
    [InlineData(DType.F16)]
    [InlineData(DType.Q8_0)]
    public void AKvTypeWithoutKernelsIsRefused(DType type)
    {
        using var backend = new TorchBackend();
        var layout = new KvLayout(Layers: 1, KvHeads: 1, HeadDim: 4, BlockSize: 16, type);
        Assert.Throws<NotSupportedException>(() => backend.CreateKvPool(layout, 1));
    }

    [TorchFact]
    public void AWeightTypeThatCannotBeReadIsRefusedByName()
    {
        using var backend = new TorchBackend();
        var matrix = new StoredMatrix(new float[4], DType.F32, 2, 2);
        var source = matrix.Source with { Name = "blk.0.attn_q", Type = (DType)99 };
        Assert.Contains("blk.0.attn_q", Assert.Throws<NotSupportedException>(() => backend.LoadWeight(source)).Message);
    }

    [TorchFact]
    public void ItDeclaresWhatItComputesWith()
    {
        using var wide = new TorchBackend();
        using var narrow = new TorchBackend(new() { Weights = TorchWeights.Narrow });
        Assert.Equal("torch", wide.Info.Name);
        Assert.True(wide.Info.HostMemory);
        Assert.False(wide.Info.RowInvariant);
        Assert.NotEqual(wide.Info.NumericsId, narrow.Info.NumericsId);
    }

    [TorchFact]
    public void ThreadsAreThoseAskedFor()
    {
        using var one = new TorchBackend(new() { Threads = 1 });
        Assert.Equal(1, torch.get_num_threads());
        using var all = new TorchBackend();
        Assert.Equal(Environment.ProcessorCount, torch.get_num_threads());
    }

    [TorchFact]
    public void TicketsAscendAndTheDefaultOneIsDone()
    {
        using var backend = new TorchBackend();
        backend.Wait(default);
        var first = backend.Fence();
        var second = backend.Fence();
        Assert.True(default(FenceTicket).Value < first.Value && first.Value < second.Value);
        backend.Wait(second);
        backend.Wait(first);
    }

    [TorchFact]
    public void StepsLeaveNoTensorsBehind()
    {
        using var folder = new TemporaryFolder();
        RandomModel.Write(RandomModel.Config("qwen3"), seed: 1, folder["model"]);
        long before = Live();
        using (var run = new DecoderRun<TorchTensor>(folder["model"], new TorchBackend()))
        {
            run.Run([1, 2, 3], chunk: 2);
            long started = Live();
            Assert.True(started > before);
            for (int step = 0; step < 5; step++)
            {
                run.Run([.. Enumerable.Range(0, 40)], chunk: 9);
                Assert.Equal(started, Live());
            }
        }

        Assert.Equal(before, Live());
    }

    [TorchFact]
    public void HandlesOutliveTheCallersScope()
    {
        using var backend = new TorchBackend();
        TorchTensor activation;
        using (torch.NewDisposeScope())
        {
            activation = backend.CreateActivation(1, 2);
        }

        backend.Upload([1, 2], activation);
        backend.Release(activation);
        Assert.True(activation.Value.IsInvalid);
    }

    /// <summary>Tensors this thread made and nobody disposed.</summary>
    private static long Live() => DisposeScopeManager.Statistics.ThreadTotalLiveCount;
}
