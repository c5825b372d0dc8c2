using System.Runtime.CompilerServices;

namespace Crescent.KvCache.Codecs;

internal static class Hot
{
    /// <summary>
    /// For loops over the elements of a layer: compiled well at once. A tier's first blocks would else be decoded at a twentieth
    /// of the speed, for seconds where the compiler's own thread has to wait for a busy core.
    /// </summary>
    public const MethodImplOptions Loop = MethodImplOptions.AggressiveOptimization;
}
