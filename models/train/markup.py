"""A tiny text grammar: "[one|two|three]" picks one part, "{key}" fills in."""
import re

CHOICE = re.compile(r"\[([^\[\]]*)\]")


def expand(rng, text, values=None):
    """Expand the innermost choices until none is left, then fill the keys."""
    while True:
        match = CHOICE.search(text)
        if not match:
            break
        part = rng.choice(match.group(1).split("|"))
        text = text[:match.start()] + part + text[match.end():]
    if values:
        text = re.sub(r"\{(\w+)\}", lambda m: values[m.group(1)], text)
    return tidy(text)


def tidy(text):
    """Drop doubled spaces, fix "a apple", and start sentences in capitals."""
    text = re.sub(r"[ \t]+", " ", text)
    text = re.sub(r" ([.,!?;])", r"\1", text)
    text = re.sub(r"\b([Aa]) (?=[aeio])", r"\1n ", text)
    text = re.sub(r" *\n *", "\n", text).strip()
    return re.sub(r'(^|[.!?] |\n"?|[.!?] ")([a-z])',
                  lambda m: m.group(1) + m.group(2).upper(), text)
