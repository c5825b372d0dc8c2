namespace Crescent;

/// <summary>What the gateway sees of everything behind it: one process or many.</summary>
public interface ICluster
{
    /// <summary>The models that can be asked for now. A model that is still loading is not among them.</summary>
    IReadOnlyList<ServedModel> Models { get; }

    /// <summary>
    /// Runs one generation. The last frame, and only the last, has a <see cref="FinishReason"/>; cancelling
    /// <paramref name="cancellationToken"/> ends the stream with <see cref="FinishReason.Cancelled"/>, frees its
    /// blocks within one engine step, and does not throw.
    /// </summary>
    /// <exception cref="RequestException">Refused: thrown by the first move of the enumerator, before any frame.</exception>
    IAsyncEnumerable<TokenFrame> GenerateAsync(GenerateRequest request, CancellationToken cancellationToken);

    ClusterStatus GetStatus();
}

/// <summary>One device's worker. Token ids in, token ids out.</summary>
public interface IWorker
{
    /// <inheritdoc cref="ICluster.GenerateAsync"/>
    IAsyncEnumerable<TokenFrame> GenerateAsync(GenerateRequest request, CancellationToken cancellationToken);

    /// <summary>
    /// Stops admitting, lets what runs finish until <paramref name="cancellationToken"/> fires, then ends the rest
    /// with <see cref="FinishReason.Drained"/>. Completes when nothing runs.
    /// </summary>
    Task DrainAsync(CancellationToken cancellationToken);

    WorkerStatus GetStatus();
}

/// <summary>Text to token ids and back. Safe for concurrent use.</summary>
public interface ITokenizer
{
    /// <summary>Token ids are below this.</summary>
    int VocabularySize { get; }

    /// <summary>Linear in the length of the text; any text encodes.</summary>
    /// <param name="text">Unpaired surrogates are read as U+FFFD.</param>
    /// <param name="addSpecialTokens">Whether the model's own prefix and suffix tokens (BOS) are added.</param>
    /// <param name="parseSpecialTokens">
    /// Whether special tokens spelled in the text become their ids. False for text that a user wrote.
    /// </param>
    int[] Encode(ReadOnlySpan<char> text, bool addSpecialTokens, bool parseSpecialTokens);

    /// <summary>The id of a token spelled exactly so (added and special tokens included), or null.</summary>
    int? FindToken(string text);

    /// <summary>A token's bytes as they would appear in the middle of a text; special tokens give their spelling.</summary>
    ReadOnlyMemory<byte> GetBytes(int token);

    /// <summary>Starts an incremental decoding of one stream of tokens.</summary>
    /// <param name="skipSpecialTokens">Whether special tokens decode to nothing.</param>
    ITokenDecoder CreateDecoder(bool skipSpecialTokens);
}

/// <summary>Turns one stream of tokens into text; never emits half a character. Not safe for concurrent use.</summary>
public interface ITokenDecoder
{
    /// <summary>The characters that became complete with this token; may be empty.</summary>
    string Append(int token);

    /// <summary>What is left at the end: incomplete bytes come out as U+FFFD.</summary>
    string Flush();
}
