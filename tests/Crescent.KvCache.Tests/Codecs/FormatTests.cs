using System.Runtime.InteropServices;
using System.Runtime.Intrinsics.X86;
using System.Security.Cryptography;
using Crescent.KvCache.Codecs;

namespace Crescent.KvCache.Tests.Codecs;

/// <summary>What is stored by one build on one machine is read by others: the bytes and values of an encoding are its id's for ever.</summary>
public sealed class FormatTests
{
    private static readonly KvLayout Layout = new(6, 3, 20, 32, DType.BF16);

    [Theory]
    [InlineData("raw/1", "45F670626D68CA1A", "45F670626D68CA1A")]
    [InlineData("exponents/1", "B857EB80E9706357", "45F670626D68CA1A")]
    [InlineData("int8/1", "9255375CE112EDFE", "57814827D0C9850E")]
    [InlineData("int4/1", "F170C91EBADD073C", "EBD030371A6AA079")]
    [InlineData("delta/1-k8-v6", "9F7474A9F0AF02AD", "14B9C68F17D9BB7F")]
    public void AnEncodingIsWhatItsIdSays(string id, string encodedHash, string decodedHash)
    {
        var codec = KvCodecs.All.Single(codec => codec.EncodingId == id);
        byte[] encoded = Coding.Encode(codec, Layout, 2, Layer());

        Assert.Equal((encodedHash, decodedHash), (Hash(encoded), Hash(Coding.Decode(codec, Layout, 2, encoded))));
    }

    [Fact]
    public void TheDistributionsOfDifferencesArePartOfTheFormat() =>
        Assert.Equal("BD95537296098ABF", Hash(MemoryMarshal.AsBytes(DeltaTables.Slots.AsSpan())));

    [Fact]
    public void VectorsAndScalarsDecodeTheSame()
    {
        if (!Avx2.IsSupported)
        {
            return;
        }

        foreach (var layout in LayerSample.Layouts)
        {
            foreach (string kind in LayerSample.Finite)
            {
                byte[] layer = LayerSample.Create(layout, kind);
                byte[] differences = Coding.Encode(new DeltaCodec(), layout, 0, layer)[1..];
                byte[] exponents = Coding.Encode(new ExponentCodec(), layout, 0, layer)[1..];
                byte[] expected = new byte[layer.Length];
                byte[] actual = new byte[layer.Length];
                if (differences.Length < layer.Length)
                {
                    DeltaCodec.Decode(layout, 0, differences, expected, vectors: false);
                    DeltaCodec.Decode(layout, 0, differences, actual, vectors: true);
                    Assert.Equal(expected, actual);
                }

                if (exponents.Length < layer.Length)
                {
                    ExponentCodec.Decode(layout, exponents, actual, vectors: false);
                    Assert.Equal(layer, actual);
                    ExponentCodec.Decode(layout, exponents, actual, vectors: true);
                    Assert.Equal(layer, actual);
                }
            }
        }
    }

    [Theory]
    [InlineData(DType.F32)]
    [InlineData(DType.BF16)]
    public void ValuesAreRoundedAfterEachOperation(DType type)
    {
        var random = new Random(3);
        sbyte[] codes = [.. Enumerable.Range(0, 480).Select(_ => (sbyte)random.Next(-128, 128))];
        float[] steps = [.. Enumerable.Range(0, 48).Select(_ => random.NextSingle() * 3)];
        float[] offsets = [.. Enumerable.Range(0, 48).Select(_ => random.NextSingle() - 0.5f)];
        (codes[0], steps[0], offsets[0]) = (1, 1, 1f / 256); // half way between two of BF16: to the even one below
        (codes[1], steps[1], offsets[1]) = (1, 1, 3f / 256); // to the even one above
        var stored = new byte[codes.Length * type.ElementBytes()];

        Elements.Store(codes, steps, offsets, type, stored);

        float[] actual = LayerSample.Values(Layout with { Type = type }, stored);
        for (int i = 0; i < codes.Length; i++)
        {
            float product = codes[i] * steps[i % 48];
            float sum = product + offsets[i % 48];
            Assert.Equal(type == DType.F32 ? sum : NearestBF16(sum), actual[i]);
        }
    }

    /// <summary>Made without transcendental functions, so that it is the same everywhere.</summary>
    private static byte[] Layer()
    {
        var random = new Random(9);
        var layer = new byte[Layout.LayerBytes];
        foreach (ref ushort element in MemoryMarshal.Cast<byte, ushort>(layer.AsSpan()))
        {
            float value = random.NextSingle() + random.NextSingle() + random.NextSingle() - 1.5f;
            element = (ushort)(BitConverter.SingleToUInt32Bits(random.Next(200) == 0 ? value * 50 : value) >> 16);
        }

        return layer;
    }

    private static string Hash(ReadOnlySpan<byte> bytes) => Convert.ToHexString(SHA256.HashData(bytes))[..16];

    private static float NearestBF16(float value)
    {
        float below = BitConverter.UInt32BitsToSingle(BitConverter.SingleToUInt32Bits(value) & 0xffff0000);
        float above = BitConverter.UInt32BitsToSingle((BitConverter.SingleToUInt32Bits(value) & 0xffff0000) + 0x10000);
        bool even = (BitConverter.SingleToUInt32Bits(below) & 0x10000) == 0;
        double down = Math.Abs((double)value - below), up = Math.Abs((double)above - value);
        return down < up || (down == up && even) ? below : above;
    }
}
