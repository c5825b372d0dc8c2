"""Byte-level BPE: training, encoding, and the tokenizer.json file.

The pre-tokenizer regex is the Llama 3 one (three digits at most to a token) or
the Qwen 2 one (one digit). The corpus is plain ASCII, where `pattern` below
(Python's `re` knows no \\p classes) means the same thing.
"""
import collections
import json
import re

SPLIT = (r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}%s"
         r"| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+")
DIGITS = {3: "{1,3}", 1: ""}        # how many to a token, and how the regex says it


def pattern(digits):
    """SPLIT in Python's own regex language, for ASCII."""
    return re.compile(
        r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|(?:[^\r\n\w]|_)?[^\W\d_]+|\d%s"
        r"| ?(?:[^\s\w]|_)+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+" % DIGITS[digits])


SPECIALS = ["<|begin|>", "<|end|>", "<|im_start|>", "<|im_end|>"]
SPECIAL_SPLIT = re.compile("(" + "|".join(map(re.escape, SPECIALS)) + ")")


def byte_symbols():
    """The printable character that stands for each byte in the vocabulary."""
    kept = [*range(33, 127), *range(161, 173), *range(174, 256)]
    table, extra = {}, 256
    for byte in range(256):
        if byte in kept:
            table[byte] = chr(byte)
        else:
            table[byte], extra = chr(extra), extra + 1
    return table


SYMBOLS = byte_symbols()
BYTES = {symbol: byte for byte, symbol in SYMBOLS.items()}


def pieces(text, split):
    """The pre-tokens of plain text, spelled in byte symbols."""
    for word in split.findall(text):
        yield "".join(SYMBOLS[byte] for byte in word.encode())


def pair_index(words):
    """Count each adjacent pair, and note the words it occurs in."""
    counts, where = collections.Counter(), collections.defaultdict(set)
    for at, (symbols, count) in enumerate(words):
        for pair in zip(symbols, symbols[1:]):
            counts[pair] += count
            where[pair].add(at)
    return counts, where


def join_pair(symbols, pair):
    """Replace each occurrence of the pair by one joined symbol."""
    out, at = [], 0
    while at < len(symbols):
        if at + 1 < len(symbols) and (symbols[at], symbols[at + 1]) == pair:
            out.append(pair[0] + pair[1])
            at += 2
        else:
            out.append(symbols[at])
            at += 1
    return out


def learn_merges(texts, wanted, digits=3):
    """The `wanted` most useful merges, most frequent pair first."""
    split, tally = pattern(digits), collections.Counter()
    for text in texts:
        for part in SPECIAL_SPLIT.split(text):
            if part not in SPECIALS:
                tally.update(pieces(part, split))
    words = [(list(word), count) for word, count in sorted(tally.items())]
    counts, where = pair_index(words)
    merges = []
    while len(merges) < wanted:
        best = max(counts, key=lambda pair: (counts[pair], pair))
        merges.append(best)
        for at in sorted(where.pop(best)):
            old, count = words[at]
            new = join_pair(old, best)
            words[at] = (new, count)
            for pair in zip(old, old[1:]):
                counts[pair] -= count
            for pair in zip(new, new[1:]):
                counts[pair] += count
                where[pair].add(at)
        counts.pop(best, None)
    return merges


class Tokenizer:
    """Encodes and decodes with a vocabulary of bytes, merges and specials."""

    def __init__(self, merges, digits=3):
        self.digits, self.split = digits, pattern(digits)
        self.merges = [tuple(pair) for pair in merges]
        self.ranks = {pair: rank for rank, pair in enumerate(self.merges)}
        names = [SYMBOLS[byte] for byte in range(256)]
        names += [a + b for a, b in self.merges] + SPECIALS
        self.names, self.ids = names, {name: i for i, name in enumerate(names)}
        self.cache = {}

    def word(self, word):
        """The ids of one pre-token."""
        if word not in self.cache:
            symbols = list(word)
            while len(symbols) > 1:
                pair = min(zip(symbols, symbols[1:]),
                           key=lambda p: self.ranks.get(p, len(self.ranks)))
                if pair not in self.ranks:
                    break
                symbols = join_pair(symbols, pair)
            self.cache[word] = [self.ids[symbol] for symbol in symbols]
        return self.cache[word]

    def encode(self, text):
        """Ids of the text; special tokens spelled out in it are recognised."""
        ids = []
        for part in SPECIAL_SPLIT.split(text):
            if part in SPECIALS:
                ids.append(self.ids[part])
            else:
                for word in pieces(part, self.split):
                    ids += self.word(word)
        return ids

    def decode(self, ids):
        """Text of the ids, special tokens spelled out."""
        data = b""
        for name in (self.names[i] for i in ids):
            data += name.encode() if name in SPECIALS else bytes(BYTES[c] for c in name)
        return data.decode("utf-8", "replace")

    def save(self, path):
        """Write the Hugging Face tokenizer.json."""
        added = [{"id": self.ids[name], "content": name, "single_word": False,
                  "lstrip": False, "rstrip": False, "normalized": False,
                  "special": True} for name in SPECIALS]
        level = {"type": "ByteLevel", "add_prefix_space": False,
                 "trim_offsets": True, "use_regex": False}
        split = {"type": "Split", "pattern": {"Regex": SPLIT % DIGITS[self.digits]},
                 "behavior": "Isolated", "invert": False}
        begin = {"SpecialToken": {"id": "<|begin|>", "type_id": 0}}
        first, second = ({"Sequence": {"id": k, "type_id": n}} for n, k in enumerate("AB"))
        post = {"type": "TemplateProcessing", "single": [begin, first],
                "pair": [begin, first, second],
                "special_tokens": {"<|begin|>": {"id": "<|begin|>", "ids": [self.ids["<|begin|>"]],
                                                 "tokens": ["<|begin|>"]}}}
        model = {"type": "BPE", "dropout": None, "unk_token": None,
                 "continuing_subword_prefix": None, "end_of_word_suffix": None,
                 "fuse_unk": False, "byte_fallback": False, "ignore_merges": False,
                 "vocab": {n: i for n, i in self.ids.items() if n not in SPECIALS},
                 "merges": [" ".join(pair) for pair in self.merges]}
        whole = {"version": "1.0", "truncation": None, "padding": None,
                 "added_tokens": added, "normalizer": None,
                 "pre_tokenizer": {"type": "Sequence", "pretokenizers": [split, level]},
                 "post_processor": post, "decoder": level, "model": model}
        with open(path, "w", encoding="utf-8") as handle:
            json.dump(whole, handle, ensure_ascii=False, separators=(",", ":"))


def load(path):
    """The tokenizer of a tokenizer.json file written by `save`."""
    with open(path, encoding="utf-8") as handle:
        whole = json.load(handle)
    regex = whole["pre_tokenizer"]["pretokenizers"][0]["pattern"]["Regex"]
    digits = next(count for count in DIGITS if regex == SPLIT % DIGITS[count])
    return Tokenizer([merge.split(" ") for merge in whole["model"]["merges"]], digits)
