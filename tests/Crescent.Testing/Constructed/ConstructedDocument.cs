using System.Collections;

namespace Crescent.Testing;

/// <summary>A fact of a document: its value follows its key.</summary>
/// <param name="Position">Where the key begins.</param>
/// <param name="Key"><see cref="ConstructedModel.ContextTokens"/> tokens: the question.</param>
/// <param name="Value">The answer.</param>
public sealed record ConstructedPair(int Position, int[] Key, int[] Value);

/// <summary>
/// A text for the <see cref="ConstructedModel"/>: pairs of key and value in random tokens, where every run of three tokens is
/// there once. So the key has one continuation, and so has each part of the answer. Half of the keys differ in
/// one token from an earlier key.
/// </summary>
/// <param name="Pairs">By ascending position, from the first place after the beginning to the last of the text.</param>
public sealed record ConstructedDocument(int[] Tokens, IReadOnlyList<ConstructedPair> Pairs)
{
    public const int ValueTokens = 4;
    private const int PairTokens = ConstructedModel.ContextTokens + ValueTokens;

    /// <summary>A (seed, length, pairs) is one document.</summary>
    /// <param name="length">Tokens in all.</param>
    /// <param name="pairs">At least 2, and as many as have room.</param>
    public static ConstructedDocument Make(int seed, int length, int pairs)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(pairs, 2);
        ArgumentOutOfRangeException.ThrowIfLessThan(length, 1 + (pairs * PairTokens));
        var text = new Text(seed, length);
        var made = new ConstructedPair[pairs];
        for (int i = 0; i < pairs; i++)
        {
            text.FillTo(1 + (int)((long)i * (length - 1 - PairTokens) / (pairs - 1)));
            int position = text.Length;
            int[] key = text.AddKey(made.AsSpan(0, i));
            made[i] = new ConstructedPair(position, key, text.FillTo(position + PairTokens));
        }

        return new ConstructedDocument(text.Tokens, made);
    }

    /// <summary>Pairs spread evenly over the text, the first and the last among them.</summary>
    public IEnumerable<ConstructedPair> AtDepths(int count) => Enumerable.Range(0, count).Select(i => Pairs[i * (Pairs.Count - 1) / (count - 1)]);

    private sealed class Text
    {
        private const int Size = ConstructedModel.VocabularySize;
        private const int TwinAttempts = 8;
        private readonly Random _random;
        private readonly BitArray _seen = new(Size * Size * Size);

        public Text(int seed, int length)
        {
            _random = new Random(seed);
            Tokens = new int[length];
            Tokens[Length++] = ConstructedModel.Bos;
        }

        public int[] Tokens { get; }

        public int Length { get; private set; }

        /// <summary>Random tokens up to a length; returns them.</summary>
        public int[] FillTo(int length)
        {
            int from = Length;
            while (Length < length)
            {
                while (!TryAdd(_random.Next(1, Size)))
                {
                }
            }

            return Tokens[from..Length];
        }

        public int[] AddKey(ReadOnlySpan<ConstructedPair> earlier)
        {
            bool twin = earlier.Length > 0 && _random.Next(2) == 0;
            for (int attempt = 0; twin && attempt < TwinAttempts; attempt++)
            {
                int[] key = [.. earlier[_random.Next(earlier.Length)].Key];
                key[_random.Next(key.Length)] = _random.Next(1, Size);
                if (TryAdd(key))
                {
                    return key;
                }
            }

            return FillTo(Length + ConstructedModel.ContextTokens);
        }

        /// <summary>All of them or none.</summary>
        private bool TryAdd(int[] tokens)
        {
            int length = Length;
            foreach (int token in tokens)
            {
                if (!TryAdd(token))
                {
                    for (; Length > length; Length--)
                    {
                        _seen[LastRun(Tokens[Length - 1], Length - 1)] = false;
                    }

                    return false;
                }
            }

            return true;
        }

        private bool TryAdd(int token)
        {
            int run = LastRun(token, Length);
            if (Length >= 2 && _seen[run])
            {
                return false;
            }

            _seen[run] = true;
            Tokens[Length++] = token;
            return true;
        }

        /// <summary>Index of the three tokens that end with this one at a position.</summary>
        private int LastRun(int token, int position) =>
            position < 2 ? 0 : (((Tokens[position - 2] * Size) + Tokens[position - 1]) * Size) + token;
    }
}
