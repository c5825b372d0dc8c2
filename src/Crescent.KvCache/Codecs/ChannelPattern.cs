using Crescent.KvCache.Codecs.Rans;

namespace Crescent.KvCache.Codecs;

/// <summary>
/// What belongs to the channels of a head, repeated until it fills whole steps of the kernels. A head's [position][dim] is a
/// whole number of such patterns, as its positions are a multiple of the step.
/// </summary>
internal static class ChannelPattern
{
    /// <summary>The least common multiple of a head's dims and the lanes.</summary>
    public static int Length(KvLayout layout)
    {
        int length = layout.HeadDim;
        while (length % RansDecoder.Lanes != 0)
        {
            length += layout.HeadDim;
        }

        return length;
    }
}
