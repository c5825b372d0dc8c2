namespace Crescent.Models.Sampling;

/// <summary>Random numbers without state: each is a function of its coordinates, so no draw depends on what else is in a batch.</summary>
internal static class Draws
{
    /// <summary>Uniform in [0, 1).</summary>
    public static double Uniform(ulong seed, int choice, int position)
    {
        ulong mixed = Mix(Mix(Mix(seed) ^ (uint)choice) ^ (uint)position);
        return (mixed >> 11) * (1.0 / (1ul << 53));
    }

    /// <summary>The finaliser of SplitMix64 (Steele, Lea and Flood 2014).</summary>
    private static ulong Mix(ulong value)
    {
        value += 0x9e3779b97f4a7c15;
        value = (value ^ (value >> 30)) * 0xbf58476d1ce4e5b9;
        value = (value ^ (value >> 27)) * 0x94d049bb133111eb;
        return value ^ (value >> 31);
    }
}
