using System.Text.Json.Nodes;
using Crescent.Testing;

namespace Crescent.Bench.Models;

/// <summary>
/// A byte-level BPE of any size: the 256 bytes, then merges of ever longer runs of small letters, then begin and end of
/// text. It spells any text, and both engines load it.
/// </summary>
public sealed class InventedTokenizer
{
    private const string Begin = "<|begin_of_text|>";
    private const string End = "<|end_of_text|>";
    private const int NormalType = 1;
    private const int ControlType = 3;

    private readonly List<string> _tokens;
    private readonly List<(string Left, string Right)> _merges;

    /// <param name="size">Of the vocabulary; at least 258.</param>
    public InventedTokenizer(int size)
    {
        _tokens = [.. ByteSpellings()];
        _merges = [.. Merges().Take(size - _tokens.Count - 2)];
        _tokens.AddRange(_merges.Select(merge => merge.Left + merge.Right));
        _tokens.Add(Begin);
        _tokens.Add(End);
    }

    public void SetMetadata(GgufWriter file)
    {
        int begin = _tokens.Count - 2, end = _tokens.Count - 1;
        file["tokenizer.ggml.model"] = "gpt2";
        file["tokenizer.ggml.pre"] = "llama-bpe";
        file["tokenizer.ggml.tokens"] = _tokens.ToArray();
        file["tokenizer.ggml.token_type"] = _tokens.Select((_, id) => id < begin ? NormalType : ControlType).ToArray();
        file["tokenizer.ggml.merges"] = _merges.Select(merge => $"{merge.Left} {merge.Right}").ToArray();
        file["tokenizer.ggml.bos_token_id"] = (uint)begin;
        file["tokenizer.ggml.eos_token_id"] = (uint)end;
    }

    public void WriteJson(string path)
    {
        var vocabulary = new JsonObject();
        for (var id = 0; id < _tokens.Count - 2; id++)
        {
            vocabulary.Add(_tokens[id], id);
        }

        var json = new JsonObject
        {
            ["added_tokens"] = new JsonArray(Special(Begin, _tokens.Count - 2), Special(End, _tokens.Count - 1)),
            ["pre_tokenizer"] = new JsonObject { ["type"] = "ByteLevel", ["add_prefix_space"] = false, ["use_regex"] = true },
            ["decoder"] = new JsonObject { ["type"] = "ByteLevel" },
            ["model"] = new JsonObject
            {
                ["type"] = "BPE",
                ["ignore_merges"] = true,
                ["vocab"] = vocabulary,
                ["merges"] = new JsonArray([.. _merges.Select(merge => JsonValue.Create($"{merge.Left} {merge.Right}"))]),
            },
        };
        File.WriteAllText(path, json.ToJsonString());
    }

    private static JsonObject Special(string content, int id) => new() { ["id"] = id, ["content"] = content, ["special"] = true };

    /// <summary>GPT-2's: a printable byte is its own character, the others follow from U+0100 on.</summary>
    private static IEnumerable<string> ByteSpellings()
    {
        var next = 0x100;
        for (var value = 0; value < 256; value++)
        {
            var printable = value is (> 0x20 and < 0x7F) or (> 0xA0 and < 0x100 and not 0xAD);
            yield return ((char)(printable ? value : next++)).ToString();
        }
    }

    /// <summary>Every run of two letters, then of three, and so on: the run before and one more letter.</summary>
    private static IEnumerable<(string Left, string Right)> Merges()
    {
        var shorter = Letters().ToList();
        while (true)
        {
            var longer = shorter.SelectMany(left => Letters().Select(right => (left, right)));
            foreach (var merge in longer)
            {
                yield return merge;
            }

            shorter = [.. longer.Select(merge => merge.left + merge.right)];
        }
    }

    private static IEnumerable<string> Letters() => Enumerable.Range('a', 26).Select(letter => ((char)letter).ToString());
}
