using System.Buffers.Binary;
using System.Security.Cryptography;
using System.Text;

namespace Crescent.Evaluation.Tasks;

/// <summary>
/// Random numbers named by a text: the same on every machine and every runtime, which <see cref="Random"/> does not
/// promise. The generator is SplitMix64.
/// </summary>
internal sealed class Draws(string name)
{
    private ulong _state = BinaryPrimitives.ReadUInt64LittleEndian(SHA256.HashData(Encoding.UTF8.GetBytes(name)));

    /// <summary>From 0 to <paramref name="below"/> − 1.</summary>
    public int Next(int below) => (int)Math.BigMul(NextBits(), (ulong)below, out _);

    public T[] Shuffle<T>(IEnumerable<T> items)
    {
        T[] shuffled = [.. items];
        for (int i = shuffled.Length - 1; i > 0; i--)
        {
            int other = Next(i + 1);
            (shuffled[i], shuffled[other]) = (shuffled[other], shuffled[i]);
        }

        return shuffled;
    }

    /// <summary>Endless decimal numbers of so many digits, the first not 0, none twice.</summary>
    public IEnumerable<string> Numbers(int digits)
    {
        int least = (int)Math.Pow(10, digits - 1);
        return Distinct(() => (least + Next(9 * least)).ToString(System.Globalization.CultureInfo.InvariantCulture), 9 * least);
    }

    /// <summary>Endless names of three different capital letters, none twice.</summary>
    public IEnumerable<string> Letters()
    {
        const string Alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZ";
        return Distinct(() => string.Concat(Shuffle(Alphabet).Take(3)), 26 * 25 * 24);
    }

    /// <param name="count">How many different ones there are.</param>
    private static IEnumerable<string> Distinct(Func<string> draw, int count)
    {
        var seen = new HashSet<string>();
        while (seen.Count < count)
        {
            string drawn = draw();
            if (seen.Add(drawn))
            {
                yield return drawn;
            }
        }

        throw new EvaluationException($"one document cannot have more than {count:N0} different values");
    }

    private ulong NextBits()
    {
        ulong bits = _state += 0x9E3779B97F4A7C15;
        bits = (bits ^ (bits >> 30)) * 0xBF58476D1CE4E5B9;
        bits = (bits ^ (bits >> 27)) * 0x94D049BB133111EB;
        return bits ^ (bits >> 31);
    }
}
