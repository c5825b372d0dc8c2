namespace Crescent.Bench;

/// <summary>An expected failure: one line for the person at the terminal.</summary>
internal sealed class BenchException(string message) : Exception(message);
