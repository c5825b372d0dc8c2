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


def listed(parts):
    """One, two and three."""
    return parts[0] if len(parts) == 1 else ", ".join(parts[:-1]) + " and " + parts[-1]


class Story:
    """What one document says: needles in order, and (question, answer) pairs."""

    def __init__(self, rng):
        self.rng = rng
        self.needles = []       # (sentence, whether it is asked for)
        self.turns = []
        self.used = set()

    def unique(self, draw):
        """A value of `draw` that this document has not used."""
        while True:
            value = draw()
            if value not in self.used:
                self.used.add(value)
                return value

    def key(self):
        adjectives, nouns = SETS["adjective"], SETS["noun"]

        def draw():
            while True:
                a, n = self.rng.randrange(len(adjectives)), self.rng.randrange(len(nouns))
                if (a * len(nouns) + n) % HELD_OUT:
                    return f"{adjectives[a]} {nouns[n]}"
        return self.unique(draw)

    def number(self):
        return self.unique(lambda: str(self.rng.randrange(10000, 100000)))

    def place(self, sentence, asked=True):
        self.needles.append((sentence, asked))

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
        names = [self.unique(lambda: "".join(self.rng.sample(string.ascii_uppercase, 3)))
                 for _ in range(self.rng.choice(words["hops"]) + 1)]
        steps = [words["set"].format(name=names[0], value=self.number())]
        steps += [words["copy"].format(name=b, other=a) for a, b in zip(names, names[1:])]
        for step in steps:
            self.place(step)
        self.turns.append((words["question"].format(name=names[-1]), " ".join(reversed(steps))))

    def person(self):
        return self.unique(lambda: f"{self.rng.choice(SETS['first'])} {self.rng.choice(SETS['last'])}")

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
