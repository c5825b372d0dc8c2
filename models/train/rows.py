"""Training rows for long contexts out of short sequences.

A row stands for a document of up to 65,536 tokens of which it holds a few
hundred. Its tokens keep the positions they would have in the whole document
(PoSE, arXiv 2309.10400), and a piece of text that stands for m times as much
gets ln m added to its attention scores from elsewhere: the softmax is then as
crowded as that of the whole document, and an answer must win against it.
"""
import math
import random

import numpy

import recall

TEXT_WEIGHT = 0.4                   # of a document's own tokens in a recall row
LONGEST = 65536
NONE = -1
MOST_NEEDLES = 64                   # a row's needles stand for up to so many times as many


class Row:
    """Ids of one sequence under construction, with what the trainer needs."""

    def __init__(self):
        self.ids, self.weight, self.filler, self.piece = [], [], [], []
        self.needle, self.turn = [], []
        self.pieces = 0

    def add(self, ids, weight, filler=False, needle=NONE, turn=NONE):
        """`needle`: of which turn these tokens are the needle; `turn`: in which turn they stand."""
        self.ids += ids
        for values, value in ((self.weight, weight), (self.filler, filler), (self.piece, self.pieces),
                              (self.needle, needle), (self.turn, turn)):
            values += [value] * len(ids)

    def cut(self):
        """Later tokens belong to a new piece: positions may be skipped here."""
        self.pieces += 1


def spread(row, length, span, rng):
    """
    Positions with `span` - `length` skipped in all, ln m per token of filler, and
    ln m of a needle for those who look for another one.
    """
    ids = numpy.array(row.ids[:length], numpy.int64)
    piece = numpy.array(row.piece[:length])
    filler = numpy.array(row.filler[:length])
    skipped = max(0, min(span, LONGEST) - len(ids)) if row.pieces else 0
    gaps = rng.dirichlet(numpy.full(max(1, row.pieces), 0.7)) * skipped
    before = numpy.concatenate([[0], numpy.cumsum(gaps)]).astype(numpy.int64)
    positions = numpy.arange(len(ids)) + before[numpy.minimum(piece, len(before) - 1)]
    crowd = 1 + skipped * rng.uniform(0.3, 1.0) / max(1, filler.sum())
    others = rng.uniform() * math.log(max(1.0, min(MOST_NEEDLES, span / len(ids))))
    return ids, positions, piece, numpy.where(filler, math.log(crowd), 0.0), others


class Source:
    """Draws rows; everything random depends on the seed given to `row`."""

    def __init__(self, tokenizer, books, chats):
        """`books` are lists of sentences' ids, one list a book; `chats` are ids."""
        self.tokenizer, self.books, self.chats = tokenizer, books, chats
        self.noise = [tokenizer.encode(" " + text) for text in recall.NOISE]
        self.begin = tokenizer.ids["<|begin|>"]

    def encode(self, text):
        return self.tokenizer.encode(text)

    def stretch(self, rng, tokens):
        """Consecutive sentences of a book, of about so many tokens."""
        book = rng.choice(self.books)
        at = rng.randrange(max(1, len(book) - tokens // 20))
        taken, count = [], 0
        while count < tokens:
            taken.append(book[at % len(book)])
            count += len(taken[-1])
            at += 1
        return taken

    def text(self, rng, length):
        """Pieces of one book, in order, with gaps between."""
        row = Row()
        row.add([self.begin], 0)
        pieces = rng.choice((1, 1, 2, 3, 4))
        book = rng.choice(self.books)
        share = length // pieces
        starts = sorted(rng.randrange(max(1, len(book) - 4)) for _ in range(pieces))
        for at in starts:
            count, wanted = 0, share
            while count < wanted:
                ids = book[at % len(book)]
                row.add(ids, 1.0 if count or at == starts[0] else 0.5, True)
                count += len(ids)
                at += 1
            row.cut()
        return row

    def chat(self, rng, length):
        """Short conversations and tales, one after the other."""
        row = Row()
        while len(row.ids) < length:
            row.add(rng.choice(self.chats), 1.0)
        return row

    def copy(self, rng, length):
        """Random tokens, of which stretches come again."""
        row, kept = Row(), []
        row.add([self.begin], 0)
        size = len(self.tokenizer.ids) - 4
        while len(row.ids) < length:
            if kept and rng.random() < 0.6:
                again = rng.choice(kept)
                start = rng.randrange(len(again) - 3)
                part = again[start:]
                row.add(part[:2], 0)
                row.add(part[2:], 1.0)
            else:
                fresh = [rng.randrange(size) for _ in range(rng.randint(6, 40))]
                kept.append(fresh)
                row.add(fresh, 0, rng.random() < 0.5)
            if rng.random() < 0.3:
                row.cut()
        return row

    def story(self, rng, length, tasks, dense):
        """A story whose needles and turns fill about two thirds of a row."""
        story, used = recall.Story(rng), 60
        task = rng.choice(tasks)
        budget = int(length * (0.85 if dense else rng.uniform(0.45, 0.8)))
        while used < budget:
            before = len(story.needles), len(story.turns)
            if dense:
                story.simple("key", asked=rng.random() < 0.35)
            elif rng.random() < 0.12:
                story.fact(asked=False)
            else:
                recall.MAKERS[task if rng.random() < 0.7 else rng.choice(tasks)](story)
            used += sum(len(self.encode(text)) for text, _ in story.needles[before[0]:])
            used += sum(len(self.encode(q)) + len(self.encode(a)) + 9 for q, a in story.turns[before[1]:])
        return story, used

    def recall(self, rng, length, tasks):
        """A document with needles and a conversation about them."""
        dense = rng.random() < 0.25
        story, used = self.story(rng, length, tasks, dense)
        row = Row()
        row.add([self.begin] + self.encode("<|im_start|>user\n"), 0)
        self.document(rng, row, story, 0 if dense else max(0, length - used))
        turns = list(enumerate(story.turns))
        rng.shuffle(turns)
        for at, (turn, (question, answer)) in enumerate(turns):
            prompt, answer = recall.chat_turn(question, answer)
            if at == 0:
                prompt = "\n\n" + prompt[len("<|im_start|>user\n"):]
            row.add(self.encode(prompt), 0, turn=turn)
            row.add(self.encode(answer), 1.0, turn=turn)
            row.add(self.encode("\n"), 0)
        return row

    def document(self, rng, row, story, filler):
        """The needles in random order (chains keep theirs), filler between."""
        noise = rng.random() < 0.2
        if noise:
            sentences = [self.noise[n % len(self.noise)] for n in range(filler // 5)]
        else:
            sentences = self.stretch(rng, filler) if filler else []
        places = sorted(rng.randrange(len(sentences) + 1) for _ in story.needles)
        if sentences and places[0]:
            sentences[0] = self.encode(self.tokenizer.decode(sentences[0]).strip())
        at = 0
        for number, (place, (text, turn)) in enumerate(zip(places, story.needles)):
            while at < place:
                row.add(sentences[at], TEXT_WEIGHT, True)
                at += 1
                if rng.random() < 0.4:
                    row.cut()
            first = not at and not number
            row.add(self.encode(text if first else " " + text), 0.0, turn is None, needle=NONE if turn is None else turn)
            if not filler and rng.random() < 0.5:
                row.cut()
        for ids in sentences[at:]:
            row.add(ids, TEXT_WEIGHT, True)
            if rng.random() < 0.4:
                row.cut()

    def row(self, seed, kind, length, span, tasks):
        """(ids, positions, piece, crowd, needle, turn, crowd of needles, weight) of `length` + 1 tokens."""
        rng = random.Random(seed)
        make = {"text": self.text, "chat": self.chat, "copy": self.copy}.get(kind)
        row = make(rng, length + 1) if make else self.recall(rng, length + 1, tasks)
        missing = length + 1 - len(row.ids)
        if missing > 0:
            row.add([self.begin] * missing, 0)
        ids, positions, piece, crowd, others = spread(row, length + 1, span, numpy.random.default_rng(seed))
        needle, turn = (numpy.array(part[:length + 1]) for part in (row.needle, row.turn))
        return ids, positions, piece, crowd, needle, turn, others, numpy.array(row.weight[:length + 1], numpy.float32)
