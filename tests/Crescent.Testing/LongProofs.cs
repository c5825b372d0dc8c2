namespace Crescent.Testing;

/// <summary>Proofs by many cases: the environment variable CRESCENT_LONG=1 asks for the full counts.</summary>
public static class LongProofs
{
    private static readonly bool Wanted = Environment.GetEnvironmentVariable("CRESCENT_LONG") == "1";

    public static int Count(int usual, int full) => Wanted ? full : usual;
}
