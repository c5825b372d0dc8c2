namespace Crescent.Models;

/// <summary>
/// Shape and constants of a decoder. Values come from a model file and are checked there: every dimension is at
/// least 1, <see cref="Heads"/> is a multiple of <see cref="KvHeads"/>, and <see cref="HeadDim"/> is even.
/// </summary>
public sealed record DecoderConfig
{
    /// <summary>"llama" or "qwen3".</summary>
    public required string Architecture { get; init; }

    public required int VocabularySize { get; init; }

    public required int HiddenSize { get; init; }

    public required int IntermediateSize { get; init; }

    public required int Layers { get; init; }

    public required int Heads { get; init; }

    public required int KvHeads { get; init; }

    /// <summary>Elements of one head; Heads · HeadDim need not be <see cref="HiddenSize"/>.</summary>
    public required int HeadDim { get; init; }

    /// <summary>The most positions the model was made for.</summary>
    public required int ContextLength { get; init; }

    public required float RmsNormEpsilon { get; init; }

    /// <summary>Base of the rotation frequencies. Default: 10,000.</summary>
    public double RopeTheta { get; init; } = 10_000;

    public Llama3RopeScaling? RopeScaling { get; init; }

    /// <summary>
    /// [HeadDim / 2] divisors of the frequencies, from GGUF's rope_freqs.weight; they replace <see cref="RopeScaling"/>.
    /// </summary>
    public float[]? RopeDivisors { get; init; }

    /// <summary>
    /// Whether rotation pairs are (2i, 2i + 1), as in GGUF llama files, rather than (i, i + HeadDim / 2).
    /// </summary>
    public bool RopeInterleaved { get; init; }

    /// <summary>Whether q and k heads are normalised (RMS, one weight vector per layer) before rotation.</summary>
    public bool QkNorm { get; init; }

    /// <summary>Whether the output matrix is the token embedding.</summary>
    public bool TiedHead { get; init; }

    /// <summary>
    /// [HeadDim / 2] rotation frequencies in radians per position: theta^(-2i / HeadDim), then scaled. The scaling
    /// is llama3's: wavelengths over original / low are stretched by the factor, those under original / high are
    /// kept, and those between are interpolated (transformers' modeling_rope_utils).
    /// </summary>
    public double[] InverseFrequencies()
    {
        var frequencies = new double[HeadDim / 2];
        for (var i = 0; i < frequencies.Length; i++)
        {
            var frequency = Math.Pow(RopeTheta, -2.0 * i / HeadDim);
            frequencies[i] = RopeDivisors is not null ? frequency / RopeDivisors[i]
                : RopeScaling is not null ? RopeScaling.Apply(frequency)
                : frequency;
        }

        return frequencies;
    }
}

/// <summary>Llama 3.1's frequency scaling. All values are positive and the low factor is below the high one.</summary>
public sealed record Llama3RopeScaling(
    double Factor, double LowFrequencyFactor, double HighFrequencyFactor, int OriginalContextLength)
{
    internal double Apply(double frequency)
    {
        var turns = OriginalContextLength * frequency / (2 * Math.PI);
        if (turns < LowFrequencyFactor)
        {
            return frequency / Factor;
        }

        if (turns > HighFrequencyFactor)
        {
            return frequency;
        }

        var smooth = (turns - LowFrequencyFactor) / (HighFrequencyFactor - LowFrequencyFactor);
        return ((1 - smooth) * frequency / Factor) + (smooth * frequency);
    }
}
