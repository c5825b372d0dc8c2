using Crescent.KvCache.Codecs.Rans;

namespace Crescent.KvCache.Tests.Codecs;

public sealed class RansTests
{
    public static TheoryData<uint[]> Counts()
    {
        var random = new Random(1);
        var one = new uint[256];
        one[7] = 100;
        var first = new uint[256];
        first[0] = 1;
        var dominated = new uint[256];
        (dominated[3], dominated[200]) = (1_000_000_000, 1);
        return
        [
            one,
            first,
            dominated,
            [.. Enumerable.Repeat(1u, 256)],
            [.. Enumerable.Range(0, 256).Select(i => i == 255 ? 1_000_000u : 1u)],
            [.. Enumerable.Range(0, 256).Select(_ => (uint)random.Next(1000))],
            [.. Enumerable.Range(0, 256).Select(i => i % 50 == 3 ? (uint)random.Next(1, 1000) : 0)],
        ];
    }

    [Theory]
    [MemberData(nameof(Counts))]
    public void FrequenciesAreADistributionOverWhatOccurs(uint[] counts)
    {
        var frequencies = new ushort[256];
        RansTables.Normalise(counts, frequencies);

        Assert.Equal(RansTables.Total, frequencies.Sum(f => f));
        Assert.True(frequencies.Max() < RansTables.Total);
        Assert.All(Enumerable.Range(0, 256).Where(i => counts[i] > 0), i => Assert.True(frequencies[i] > 0));
        Assert.True(frequencies.Count(f => f > 0) <= Math.Max(2, counts.Count(c => c > 0)));
    }

    [Theory]
    [MemberData(nameof(Counts))]
    public void DistributionsAreReadAsTheyWereWritten(uint[] counts)
    {
        var frequencies = new ushort[256];
        RansTables.Normalise(counts, frequencies);
        var bytes = new byte[3 * 256];
        int length = RansTables.Write(frequencies, bytes);
        var read = new ushort[256];

        Assert.Equal(length, RansTables.Read(bytes, read));
        Assert.Equal(frequencies, read);
        Assert.Throws<InvalidDataException>(() => RansTables.Read(bytes.AsSpan(0, length - 1), read));
    }

    /// <summary>A stream is as long as the entropy says, but for the states.</summary>
    [Fact]
    public void SymbolsTakeTheBitsTheirFrequenciesSay()
    {
        const int count = 64 * 1024;
        var frequencies = new ushort[256];
        RansTables.Normalise([.. Enumerable.Range(0, 256).Select(i => i < 10 ? 1u << i : 0)], frequencies);
        var (codes, slots) = (new uint[256], new uint[RansTables.Total]);
        RansTables.FillCodes(frequencies, codes);
        RansTables.FillSlots(frequencies, slots);
        var random = new Random(2);
        byte[] symbols = [.. Enumerable.Range(0, count).Select(_ => (byte)slots[random.Next(RansTables.Total)])];
        int[] pattern = new int[RansDecoder.Lanes];
        double bits = symbols.Sum(symbol => -Math.Log2(frequencies[symbol] / (double)RansTables.Total));

        var buffer = new byte[count];
        var encoder = new RansEncoder(buffer, codes, stackalloc uint[RansDecoder.Lanes]);
        Assert.True(encoder.TryPrepend(symbols, pattern));
        Assert.True(encoder.TryFinish(out int length));
        var decoded = new byte[count];
        var decoder = new RansDecoder(buffer.AsSpan(^length..), slots, vectors: false);
        decoder.Read(decoded, pattern);
        decoder.Finish();

        Assert.Equal(symbols, decoded);
        Assert.InRange(length, bits / 8, (bits / 8 * 1.001) + RansDecoder.StateBytes);
    }

    [Fact]
    public void AStreamWithoutRoomIsRefused()
    {
        var frequencies = new ushort[256];
        RansTables.Normalise([.. Enumerable.Repeat(1u, 256)], frequencies);
        var codes = new uint[256];
        RansTables.FillCodes(frequencies, codes);
        var symbols = new byte[1024];

        for (int room = 0; room < 1024; room += 31)
        {
            var encoder = new RansEncoder(new byte[room], codes, new uint[RansDecoder.Lanes]);
            Assert.False(encoder.TryPrepend(symbols, new int[RansDecoder.Lanes]) && encoder.TryFinish(out _));
        }
    }
}
