namespace Crescent.Models.Weights;

/// <summary>
/// A model on disk, memory-mapped: a Hugging Face folder (config.json, safetensors whole or sharded, tokenizer and
/// generation settings) or a .gguf file. Everything the architecture needs is checked when it is opened. Weights
/// stay in the mapping: pages are read when they are touched, pointers are valid until <see cref="Dispose"/> and
/// need not be aligned to their element, and a file that is truncated meanwhile faults on access.
/// </summary>
public sealed class ModelFile : IDisposable
{
    /// <param name="path">A folder, or a GGUF file.</param>
    /// <exception cref="ModelFormatException">Names the file and what is missing, broken or unsupported.</exception>
    public static ModelFile Open(string path) => throw new NotImplementedException();

    public string Path => throw new NotImplementedException();

    public DecoderConfig Config => throw new NotImplementedException();

    /// <summary>The model's own name: GGUF's general.name, or the folder's.</summary>
    public string Name => throw new NotImplementedException();

    /// <summary>Jinja source, or null.</summary>
    public string? ChatTemplate => throw new NotImplementedException();

    public int? BosToken => throw new NotImplementedException();

    /// <summary>Every end-of-sequence token the files name, ascending.</summary>
    public int[] EosTokens => throw new NotImplementedException();

    /// <summary>generation_config.json's temperature, top_p, top_k, min_p and repetition_penalty, unless do_sample is false.</summary>
    public SamplingParameters DefaultSampling => throw new NotImplementedException();

    /// <summary>
    /// GGUF's key-value pairs: string, bool, a boxed number of the stored type, or an array of one of these
    /// (string[], bool[], float[], int[], uint[], ...). Empty for a folder.
    /// </summary>
    public IReadOnlyDictionary<string, object> Metadata => throw new NotImplementedException();

    /// <summary>A folder's tokenizer.json; null when it has none, and for GGUF.</summary>
    public string? TokenizerJsonPath => throw new NotImplementedException();

    /// <summary>Bytes of the weights the decoder uses; a tied head counts once.</summary>
    public long WeightBytes => throw new NotImplementedException();

    /// <summary>A weight by its name in <see cref="TensorNames"/>; vectors have one row.</summary>
    /// <exception cref="KeyNotFoundException">The architecture has no such weight.</exception>
    public WeightSource GetMatrix(string name) => throw new NotImplementedException();

    public void Dispose() => throw new NotImplementedException();
}
