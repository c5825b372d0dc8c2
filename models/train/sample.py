"""Sample from an exported folder: python3 sample.py FOLDER [PROMPT ...].

A prompt that starts with "chat:" is put into the ChatML form.
"""
import os
import sys

import numpy

import bpe
from reference import Reference

DEFAULTS = ["Once upon a time", "It was a fine morning, and", "In the beginning",
            "chat:Hello!", "chat:Tell me a story about a fox.", "chat:Who was Moses?",
            "chat:What is the capital of France?", "chat:What is a river?",
            "chat:Why is the sky blue?", "chat:Write a haiku about programming.",
            "chat:How do I make tea?"]


def main():
    folder, prompts = sys.argv[1], sys.argv[2:] or DEFAULTS
    tokenizer = bpe.load(os.path.join(folder, "tokenizer.json"))
    reference = Reference(folder, numpy.float32)
    rng = numpy.random.default_rng(1)
    for prompt in prompts:
        text = prompt
        if prompt.startswith("chat:"):
            text = (f"<|im_start|>user\n{prompt[5:]}<|im_end|>\n"
                    "<|im_start|>assistant\n")
        ids = tokenizer.encode("<|begin|>" + text)
        print(f"### {prompt}\n" + tokenizer.decode(reference.sample(ids, 200, rng)) + "\n")


if __name__ == "__main__":
    main()
