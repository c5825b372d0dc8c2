"""Documents with facts placed in them, and conversations about the facts.

The wording and the word lists are those of the bench (`crescent eval`), read
from its own file. Keys that the bench asks for are never used here.
"""
import json
import os
import string

WORDING = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..",
                       "src", "Crescent.Evaluation", "Tasks", "wording.json")
with open(WORDING, encoding="utf-8") as handle:
    _all = json.load(handle)
SETS, NOISE, TASKS, HELD_OUT = _all["sets"], _all["noise"], _all["tasks"], _all["heldOutKeys"]
FACTS = TASKS["facts"]["templates"]
SIMILAR = ("adjective", "noun", "first", "last")
PLACES = {name: {word: at for at, word in enumerate(SETS[name])} for name in ("adjective", "noun")}


def listed(parts):
    """One, two and three."""
    return parts[0] if len(parts) == 1 else ", ".join(parts[:-1]) + " and " + parts[-1]


class Story:
    """What one document says: needles in order, and (question, answer) pairs."""

    def __init__(self, rng):
        self.rng = rng
        self.needles = []       # (sentence, index of the turn that asks for it, or None)
        self.turns = []         # (question, answer)
        self.used = set()
        # Most stories draw from a few words each, so that a key shares its words with
        # others, as it does in a long document: half a match must not be enough.
        hard = rng.random() < 0.65
        few = {name: rng.sample(words, min(len(words), rng.randint(4, 8))) for name, words in SETS.items()}
        self.words = {name: few[name] if hard and name in SIMILAR else words for name, words in SETS.items()}
        self.letters = rng.sample(string.ascii_uppercase, 7) if hard else string.ascii_uppercase
        self.starts = [str(rng.randrange(10, 100)) for _ in range(4)] if hard and rng.random() < 0.5 else None

    def unique(self, draw):
        """A value of `draw` that this document has not used."""
        value, tries = draw(), 1
        while value in self.used:
            if tries == 30:             # the few words are used up
                self.words = SETS
            value, tries = draw(), tries + 1
        self.used.add(value)
        return value

    def key(self):
        def draw():
            while True:
                a, n = self.rng.choice(self.words["adjective"]), self.rng.choice(self.words["noun"])
                if (PLACES["adjective"][a] * len(SETS["noun"]) + PLACES["noun"][n]) % HELD_OUT:
                    return f"{a} {n}"
        return self.unique(draw)

    def number(self):
        """Five digits; in some stories many begin alike."""
        if self.starts and self.rng.random() < 0.7:
            return self.unique(lambda: self.rng.choice(self.starts) + str(self.rng.randrange(100, 1000)))
        return self.unique(lambda: str(self.rng.randrange(10000, 100000)))

    def place(self, sentence, asked=True):
        """A needle of the turn that comes next, or of none."""
        self.needles.append((sentence, len(self.turns) if asked else None))

    def simple(self, task, asked=True):
        """One key with one number: passkey and key."""
        words, values = TASKS[task], {"key": self.key(), "value": self.number()}
        self.place(words["needle"].format(**values), asked)
        if asked:
            self.turns.append((words["question"].format(**values), words["answer"].format(**values)))

    def many_values(self):
        words, key = TASKS["multi-value"], self.key()
        values = [self.number() for _ in range(words["values"])]
        for value in values:
            self.place(words["needle"].format(key=key, value=value))
        self.turns.append((words["question"].format(key=key),
                           words["answer"].format(key=key, values=", ".join(values))))

    def many_keys(self):
        words, key_words = TASKS["multi-query"], TASKS["key"]
        pairs = [(self.key(), self.number()) for _ in range(words["queries"])]
        for key, value in pairs:
            self.place(key_words["needle"].format(key=key, value=value))
        self.rng.shuffle(pairs)
        self.turns.append((words["question"].format(keys=listed(["the " + key for key, _ in pairs])),
                           " ".join(key_words["answer"].format(key=k, value=v) for k, v in pairs)))

    def variables(self):
        words = TASKS["variables"]
        names = [self.unique(lambda: "".join(self.rng.sample(self.letters, 3)))
                 for _ in range(self.rng.choice(words["hops"]) + 1)]
        steps = [words["set"].format(name=names[0], value=self.number())]
        steps += [words["copy"].format(name=b, other=a) for a, b in zip(names, names[1:])]
        for step in steps:
            self.place(step)
        self.turns.append((words["question"].format(name=names[-1]), " ".join(reversed(steps))))

    def person(self):
        return self.unique(lambda: f"{self.rng.choice(self.words['first'])} {self.rng.choice(self.words['last'])}")

    def fact(self, asked=True):
        words = self.rng.choice(FACTS)
        slots = {name: self.person() if name == "person" else
                 self.unique(lambda name=name: self.rng.choice(SETS[name]))
                 if name in ("town", "ship") else self.rng.choice(SETS[name])
                 for name in ("person", "town", "ship", "trade", "colour", "animal", "instrument", "gift")
                 if "{" + name + "}" in words["needle"]}
        needle = words["needle"].format(**slots)
        self.place(needle, asked)
        if asked:
            self.turns.append((words["question"].format(**slots), needle))


MAKERS = {"passkey": lambda s: s.simple("passkey"), "key": lambda s: s.simple("key"),
          "multi-value": Story.many_values, "multi-query": Story.many_keys,
          "variables": Story.variables, "facts": Story.fact}


def chat_turn(question, answer):
    """The prompt and the answer of one turn in ChatML, as two texts."""
    return (f"<|im_start|>user\n{question}<|im_end|>\n<|im_start|>assistant\n", answer + "<|im_end|>")
