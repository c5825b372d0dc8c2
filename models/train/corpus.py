"""Build the corpus, learn the tokenizer, and write token files.

Each source becomes <name>.train.npy and <name>.held.npy (uint16 token ids)
with <name>.starts.npy, the places where documents start in the train file.
"""
import json
import os
import random

import numpy

import books
import bpe
import chat
import tales

SEED = 20260101
VOCABULARY = 1536
TALES, CHATS, TALKS = 5000, 14000, 20000
SHIPPED = os.path.join(os.path.dirname(os.path.abspath(__file__)),
                       "..", "crescent-xs", "tokenizer.json")
HELD_OUT = 0.02                     # of each source, whole documents


def sources(work):
    """Name -> documents; chat and talk are ChatML, talk without stories."""
    rng = random.Random(SEED)
    return {
        "bible": books.bible_chapters(SEED),
        "austen": books.austen_chapters(os.path.join(work, "packages")),
        "tales": [tales.tale(rng) for _ in range(TALES)],
        "chat": [chat.conversation(rng) for _ in range(CHATS)],
        "talk": [chat.conversation(rng, stories=False) for _ in range(TALKS)],
    }


def split(documents, rng):
    """A held-out share and the rest, shuffled."""
    documents = list(documents)
    rng.shuffle(documents)
    cut = max(1, int(len(documents) * HELD_OUT))
    return documents[cut:], documents[:cut]


def pack(documents, tokenizer):
    """One id array, documents bracketed by begin and end, and their starts."""
    ids, starts = [], []
    for text in documents:
        starts.append(len(ids))
        ids += tokenizer.encode("<|begin|>" + text + "<|end|>")
    return numpy.array(ids, numpy.uint16), numpy.array(starts, numpy.int64)


def tokenizer_for(parts):
    """The tokenizer shipped with the model, or without one a new tokenizer."""
    if os.path.exists(SHIPPED):
        return bpe.load(SHIPPED)
    texts = (text for name in parts if name != "talk" for text in parts[name][0])
    return bpe.Tokenizer(bpe.learn_merges(texts, VOCABULARY - 256 - len(bpe.SPECIALS)))


def build(work):
    """Write everything below `work`; does nothing where it is already done."""
    done = os.path.join(work, "corpus.json")
    if os.path.exists(done):
        return
    os.makedirs(work, exist_ok=True)
    rng = random.Random(SEED)
    parts = {name: split(docs, rng) for name, docs in sources(work).items()}
    tokenizer = tokenizer_for(parts)
    tokenizer.save(os.path.join(work, "tokenizer.json"))
    facts = {}
    for name, (train, held) in parts.items():
        ids, starts = pack(train, tokenizer)
        held_ids, _ = pack(held, tokenizer)
        numpy.save(os.path.join(work, name + ".train.npy"), ids)
        numpy.save(os.path.join(work, name + ".starts.npy"), starts)
        numpy.save(os.path.join(work, name + ".held.npy"), held_ids)
        facts[name] = {"documents": len(train), "characters": sum(map(len, train)),
                       "tokens": len(ids), "held_tokens": len(held_ids),
                       "held_characters": sum(map(len, held))}
    with open(done, "w", encoding="utf-8") as handle:
        json.dump(facts, handle, indent=1)
    print(json.dumps(facts, indent=1))


if __name__ == "__main__":
    import sys
    build(sys.argv[1])
