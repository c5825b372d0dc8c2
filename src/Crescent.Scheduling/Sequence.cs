using System.Runtime.InteropServices;
using Crescent.KvCache.Blocks;
using Crescent.KvCache.Prefix;

namespace Crescent.Scheduling;

/// <summary>
/// One generation in progress: its tokens, how many of them have KV, and where that lies. There is no prefill phase
/// and no decode phase: a sequence has <see cref="Tokens"/>, some of them computed, and each step computes more.
/// <code>
/// tokens    | prompt ........................ | generated ..... |
/// computed  | ######################################          |   the last generated token is never computed yet
/// blocks    | 0      | 1      | 2      | 3      | 4      |
/// </code>
/// </summary>
public sealed class Sequence
{
    private const int MostReserved = 4096;

    private readonly List<int> _tokens;
    private readonly List<BlockHash> _chain = [];
    private readonly BlockHash _root;

    /// <param name="id">Never reused; also the order of arrival.</param>
    /// <param name="request">What is generated.</param>
    /// <param name="root">Hash of the root record this sequence's blocks belong to.</param>
    public Sequence(SequenceId id, GenerateRequest request, BlockHash root)
    {
        Id = id;
        Request = request;
        _root = root;
        _tokens = new List<int>(request.PromptTokens.Count + ReservedTokens);
        _tokens.AddRange(request.PromptTokens);
        _tokens.AddRange(request.GeneratedTokens);
    }

    public SequenceId Id { get; }

    public GenerateRequest Request { get; }

    /// <summary>Whether its root is what the same request will have another time: else its blocks are of use in this process only.</summary>
    public bool RootLasts { get; init; }

    /// <summary>Prompt, then generated tokens.</summary>
    public ReadOnlySpan<int> Tokens => CollectionsMarshal.AsSpan(_tokens);

    public int Count => _tokens.Count;

    public int PromptTokens => Request.PromptTokens.Count;

    public int GeneratedTokens => Count - PromptTokens;

    /// <summary>
    /// Output tokens there is room for from the start, so that a decode step allocates nothing: all that the request
    /// allows, but at most 4,096, for many allow far more than they use.
    /// </summary>
    public int ReservedTokens => Math.Min(Request.MaxTokens, MostReserved);

    /// <summary>Positions that have KV. Set by the scheduler.</summary>
    public int Computed { get; internal set; }

    public int Remaining => Count - Computed;

    /// <summary>
    /// Prompt tokens that the sequence did not compute when it first came to them: the prefix cache had them, or another
    /// sequence computed them meanwhile. Null until it has run.
    /// </summary>
    public int? CachedTokens { get; internal set; }

    public BlockTable Blocks { get; } = new();

    /// <summary>Whether it is among the scheduler's running sequences.</summary>
    internal bool Runs { get; set; }

    /// <summary>Positions it has ever had KV for, and so computed or counted in <see cref="CachedTokens"/>.</summary>
    internal int Reached { get; set; }

    /// <summary>Full blocks of the table that answer for their hash.</summary>
    internal int PublishedBlocks { get; set; }

    /// <summary>Makes room for the blocks of the prompt and the <see cref="ReservedTokens"/>.</summary>
    internal void Reserve(int blockSize)
    {
        int blocks = ((PromptTokens + ReservedTokens) / blockSize) + 1;
        _chain.EnsureCapacity(blocks);
        Blocks.Reserve(blocks);
    }

    /// <summary>What a block's hash follows: that of the block before, or the root record's.</summary>
    public BlockHash ParentOf(int block) => block == 0 ? _root : _chain[block - 1];

    internal void Append(int token) => _tokens.Add(token);

    /// <summary>The hashes of the first <paramref name="blocks"/> blocks, computed once each.</summary>
    public ReadOnlySpan<BlockHash> Chain(int blocks, int blockSize)
    {
        for (int i = _chain.Count; i < blocks; i++)
        {
            var parent = i == 0 ? _root : _chain[i - 1];
            _chain.Add(BlockChain.Next(parent, Tokens.Slice(i * blockSize, blockSize)));
        }

        return CollectionsMarshal.AsSpan(_chain)[..blocks];
    }
}
