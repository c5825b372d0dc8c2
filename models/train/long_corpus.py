"""Texts for crescent-s: books as sentences, chats, and the tokenizer.

Persuasion is left out: the bench builds its documents from it.
"""
import os
import pickle
import random
import re

import books
import bpe
import chat
import recall
import tales

SEED = 20261124
VOCABULARY = 4096
STORIES, CHATS, TALES = 2000, 12000, 5000


def sentences(paragraphs):
    """The sentences of a text, each with the space or break before it."""
    for paragraph in paragraphs:
        parts = re.split(r"(?<=[.!?]) +|(?<=[.!?][\"']) +", paragraph)
        for at, part in enumerate(parts):
            yield ("\n\n" if at == 0 else " ") + part


def library(work):
    """Each book as a list of sentences; the Bible is one book."""
    bible = [text.split("\n\n") for text in books.bible_chapters(SEED)]
    shelf = [[part for chapter in bible for part in chapter]]
    chapters = books.austen_novels(os.path.join(work, "packages"))
    shelf += [[part for text in novel for part in text.split("\n\n")]
              for title, novel in chapters.items() if title != "persuasion"]
    return [list(sentences(paragraphs)) for paragraphs in shelf]


def stories(rng):
    """Conversations about needles, so that the tokenizer knows their words."""
    for _ in range(STORIES):
        story = recall.Story(rng)
        for make in recall.MAKERS.values():
            make(story)
        yield " ".join(text for text, _ in story.needles) + " ".join(q + " " + a for q, a in story.turns)


def build(work):
    """(tokenizer, books as lists of ids, chats as ids), from `work` if there."""
    path = os.path.join(work, "corpus.pickle")
    if not os.path.exists(path):
        os.makedirs(work, exist_ok=True)
        rng = random.Random(SEED)
        shelf = library(work)
        talks = [chat.conversation(rng) for _ in range(CHATS)] + [tales.tale(rng) for _ in range(TALES)]
        texts = ["".join(book) for book in shelf] + talks[::3] + list(stories(rng))
        merges = bpe.learn_merges(texts, VOCABULARY - 256 - len(bpe.SPECIALS), digits=1)
        tokenizer = bpe.Tokenizer(merges, digits=1)
        tokenizer.save(os.path.join(work, "tokenizer.json"))
        ids = [[tokenizer.encode(text) for text in book] for book in shelf]
        talks = [tokenizer.encode("<|begin|>" + text + "<|end|>") for text in talks]
        with open(path, "wb") as handle:
            pickle.dump((ids, talks), handle)
    with open(path, "rb") as handle:
        ids, talks = pickle.load(handle)
    return bpe.load(os.path.join(work, "tokenizer.json")), ids, talks


if __name__ == "__main__":
    import sys
    tokenizer, shelf, talks = build(sys.argv[1])
    print("tokens of the books", [sum(map(len, book)) for book in shelf], "of the chats", sum(map(len, talks)))
