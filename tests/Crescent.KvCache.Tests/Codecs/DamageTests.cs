using System.Buffers.Binary;
using Crescent.KvCache.Codecs;
using Crescent.Testing;

namespace Crescent.KvCache.Tests.Codecs;

/// <summary>Whatever bytes are decoded, the answer is a layer or an <see cref="InvalidDataException"/>.</summary>
public sealed class DamageTests
{
    private static readonly string[] Kinds = ["like KV", "one outlier", "sinks", "zero", "random bits"];

    public static TheoryData<string, int> Cases
    {
        get
        {
            var data = new TheoryData<string, int>();
            foreach (var codec in KvCodecs.All)
            {
                for (int seed = 1; seed <= LongProofs.Count(usual: 4, full: 60); seed++)
                {
                    data.Add(codec.Name, seed);
                }
            }

            return data;
        }
    }

    [Theory]
    [MemberData(nameof(Cases))]
    public void FlippedBits(string name, int seed) => Fuzz(name, seed, (random, encoded) =>
    {
        for (int flips = random.Next(1, 4); flips > 0; flips--)
        {
            // Half of them where the tables, steps and counts are.
            int range = random.Next(2) == 0 ? encoded.Length : Math.Min(encoded.Length, 300);
            encoded[random.Next(range)] ^= (byte)(1 << random.Next(8));
        }

        return encoded;
    });

    [Theory]
    [MemberData(nameof(Cases))]
    public void Truncations(string name, int seed) =>
        Fuzz(name, seed, (random, encoded) => encoded[..random.Next(random.Next(2) == 0 ? Math.Min(encoded.Length, 300) : encoded.Length)]);

    [Theory]
    [MemberData(nameof(Cases))]
    public void RandomBytes(string name, int seed) => Fuzz(name, seed, (random, encoded) =>
    {
        var bytes = new byte[random.Next(encoded.Length + 100)];
        random.NextBytes(bytes);
        encoded.AsSpan(0, Math.Min(bytes.Length, random.Next(encoded.Length))).CopyTo(bytes);
        return bytes;
    });

    [Theory]
    [MemberData(nameof(Cases))]
    public void SplicedParts(string name, int seed) => Fuzz(name, seed, (random, encoded) =>
    {
        int cut = random.Next(encoded.Length);
        int skipped = random.Next(Math.Min(encoded.Length - cut, 64));
        return [.. encoded[..cut], .. encoded[(cut + skipped)..], .. encoded[..random.Next(Math.Min(encoded.Length, 64))]];
    });

    /// <summary>A stream that was cut, or whose symbols changed, does not end where it should.</summary>
    [Theory]
    [InlineData("exponents")]
    [InlineData("delta")]
    public void EntropyCodedStreamsNoticeMostDamage(string name)
    {
        var codec = KvCodecs.Find(name)!;
        var layout = LayerSample.Layouts[0];
        byte[] encoded = Coding.Encode(codec, layout, 0, LayerSample.Create(layout, "like KV"));
        var random = new Random(5);
        int noticed = 0;
        for (int i = 0; i < 100; i++)
        {
            byte[] damaged = [.. encoded];
            damaged[random.Next(encoded.Length * 7 / 8, encoded.Length)] ^= (byte)(1 << random.Next(8));
            noticed += Decodes(codec, layout, damaged) ? 0 : 1;
        }

        Assert.Equal(100, noticed);
        Assert.False(Decodes(codec, layout, encoded[..^2]));
        Assert.False(Decodes(codec, layout, [.. encoded, 0, 0]));
        Assert.True(Decodes(codec, layout, encoded));
    }

    /// <summary>What a checksum over the stream would not show: the parts before it say something impossible.</summary>
    [Theory]
    [InlineData("int8", 1, 0x7f80)] // an infinite step of K
    [InlineData("int4", 1 + (3 * 64), 0xffc0)] // a step of V that is not a number
    [InlineData("delta", 3, 0x7f80)] // an infinite scale
    [InlineData("delta", 5, 0xffff)] // the spreads of two channels
    [InlineData("delta", 1 + (2 * (4 + (2 * 64))) + 2, 8192)] // a patch behind the last element
    [InlineData("exponents", 2, 0)] // a frequency of a symbol that occurs
    public void ImpossibleValuesAreNoticed(string name, int offset, int value)
    {
        var codec = KvCodecs.Find(name)!;
        var layout = LayerSample.Layouts[0];
        byte[] encoded = Coding.Encode(codec, layout, 0, LayerSample.Create(layout, "one outlier"));
        Assert.True(Decodes(codec, layout, encoded));

        BinaryPrimitives.WriteUInt16LittleEndian(encoded.AsSpan(offset), (ushort)value);

        Assert.False(Decodes(codec, layout, encoded));
    }

    private static void Fuzz(string name, int seed, Func<Random, byte[], byte[]> damage)
    {
        var codec = KvCodecs.Find(name)!;
        var random = new Random(seed);
        foreach (var layout in LayerSample.Layouts)
        {
            foreach (string kind in Kinds)
            {
                byte[] encoded = Coding.Encode(codec, layout, 0, LayerSample.Create(layout, kind, seed));
                for (int i = 0; i < 10; i++)
                {
                    Decodes(codec, layout, damage(random, [.. encoded]));
                }
            }
        }
    }

    /// <summary>Whether these bytes are a layer; any other exception than the one for bad data fails the test.</summary>
    private static bool Decodes(IKvCodec codec, KvLayout layout, byte[] encoded)
    {
        try
        {
            Coding.Decode(codec, layout, 0, encoded);
            return true;
        }
        catch (InvalidDataException)
        {
            return false;
        }
    }
}
