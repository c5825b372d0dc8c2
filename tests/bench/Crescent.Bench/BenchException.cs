namespace Crescent.Bench;

/// <summary>An expected failure: one line for the person at the terminal.</summary>
internal class BenchException(string message) : Exception(message);

/// <summary>Other processes are busy: nothing more is measured. What was measured is kept.</summary>
internal sealed class BusyException(string message) : BenchException(message);
