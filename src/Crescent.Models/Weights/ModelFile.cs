namespace Crescent.Models.Weights;

/// <summary>
/// A model on disk, memory-mapped: a Hugging Face folder (config.json, safetensors whole or sharded, tokenizer and
/// generation settings) or a .gguf file. Everything the architecture needs is checked when it is opened. Weights
/// stay in the mapping: pages are read when they are touched, pointers are valid until <see cref="Dispose"/> and
/// need not be aligned to their element, and a file that is truncated meanwhile faults on access.
/// </summary>
public sealed class ModelFile : IDisposable
{
    private static readonly IReadOnlyDictionary<string, object> NoMetadata =
        System.Collections.Frozen.FrozenDictionary<string, object>.Empty;

    private readonly ModelContents _contents;
    private readonly WeightTable _table;
    private readonly List<MappedFile> _files;
    private bool _disposed;

    private ModelFile(string path, ModelContents contents, List<MappedFile> files)
    {
        contents.Check();
        Path = path;
        Metadata = contents.Metadata;
        _contents = contents with { Metadata = NoMetadata };
        _files = files;
        _table = new WeightTable(_contents);
    }

    /// <summary>Absolute.</summary>
    public string Path { get; }

    public DecoderConfig Config => _contents.Config;

    /// <summary>The model's own name: GGUF's general.name, or the folder's.</summary>
    public string Name => _contents.Name;

    /// <summary>Jinja source, or null.</summary>
    public string? ChatTemplate => _contents.ChatTemplate;

    public int? BosToken => _contents.BosToken;

    /// <summary>Every end-of-sequence token the files name, ascending.</summary>
    public int[] EosTokens => _contents.EosTokens;

    /// <summary>generation_config.json's temperature, top_p, top_k, min_p and repetition_penalty, unless do_sample is false.</summary>
    public SamplingParameters DefaultSampling => _contents.DefaultSampling;

    /// <summary>
    /// GGUF's key-value pairs: string, bool, a boxed number of the stored type, or an array of one of these
    /// (string[], bool[], float[], int[], uint[], ...). Empty for a folder, and after <see cref="ForgetMetadata"/>.
    /// </summary>
    public IReadOnlyDictionary<string, object> Metadata { get; private set; }

    /// <summary>A folder's tokenizer.json; null when it has none, and for GGUF.</summary>
    public string? TokenizerJsonPath => _contents.TokenizerJsonPath;

    /// <summary>Bytes of the weights the decoder uses; a tied head counts once.</summary>
    public long WeightBytes => _table.Bytes;

    internal IReadOnlyList<MappedFile> Files => _files;

    internal IReadOnlyDictionary<string, WeightSource> Weights => _table.Weights;

    internal IReadOnlyList<(long Start, int Length)> TokenizerRanges => _contents.TokenizerRanges;

    /// <param name="path">A folder, or a GGUF file.</param>
    /// <exception cref="ModelFormatException">Names the file and what is missing, broken or unsupported.</exception>
    public static ModelFile Open(string path)
    {
        path = System.IO.Path.GetFullPath(path);
        var files = new List<MappedFile>();
        try
        {
            var contents = Directory.Exists(path)
                ? HuggingFaceFolder.Read(path, files) : GgufModel.Read(path, files);
            return new ModelFile(path, contents, files);
        }
        catch
        {
            files.ForEach(file => file.Dispose());
            throw;
        }
    }

    /// <summary>A weight by its name in <see cref="TensorNames"/>; vectors have one row.</summary>
    /// <exception cref="KeyNotFoundException">The architecture has no such weight.</exception>
    public WeightSource GetMatrix(string name)
    {
        ObjectDisposedException.ThrowIf(_disposed, this);
        return _table.Weights[name];
    }

    /// <summary>Lets go of the metadata: the spellings and merges in it are megabytes once the tokenizer is made.</summary>
    public void ForgetMetadata() => Metadata = NoMetadata;

    public void Dispose()
    {
        _disposed = true;
        _files.ForEach(file => file.Dispose());
    }
}
