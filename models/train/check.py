"""Check an exported folder: python3 check.py WORK FOLDER [GOLDEN].

The NumPy reference must give the same greedy tokens as the training model
with its weights rounded to bfloat16, and the loss must not grow over a long
context. With a third argument the golden file is written too.
"""
import json
import os
import sys

import numpy
import torch

import bpe
from model import CONFIG, Llama
from reference import Reference

PROMPTS = ["Once upon a time", "In the beginning", "It was a fine morning, and",
           "<|im_start|>user\nTell me a story about a fox.<|im_end|>\n<|im_start|>assistant\n"]


def torch_greedy(model, ids, count):
    """Greedy tokens of the training model, without a cache."""
    ids = list(ids)
    start = len(ids)
    with torch.no_grad():
        for _ in range(count):
            ids.append(int(model(torch.tensor([ids]))[0, -1].argmax()))
    return ids[start:]


def compare(work, reference, tokenizer):
    """Greedy agreement on every prompt."""
    model = Llama()
    state = torch.load(os.path.join(work, "checkpoint.pt"))["model"]
    model.load_state_dict({name: value.bfloat16().float() for name, value in state.items()})
    for prompt in PROMPTS:
        ids = tokenizer.encode("<|begin|>" + prompt)
        expected = torch_greedy(model, ids, 50)
        found, gap, _ = reference.greedy(ids, 50)
        print("greedy", "equal" if found == expected else "DIFFERENT",
              f"gap {gap:.4f}", repr(tokenizer.decode(found)))
        assert found == expected


def long_context(work, folder):
    """Held-out loss by position, over windows as long as the context."""
    reference, size = Reference(folder, numpy.float32), CONFIG["max_position_embeddings"]
    for name in ("bible", "austen", "chat"):
        held = numpy.load(os.path.join(work, name + ".held.npy")).astype(int)
        losses = []
        for at in range(0, min(6, (len(held) - 1) // size) * size, size):
            reference.reset()
            logits = reference.forward(held[at:at + size])
            logits -= logits.max(-1, keepdims=True)
            chance = logits - numpy.log(numpy.exp(logits).sum(-1, keepdims=True))
            losses.append(-chance[numpy.arange(size), held[at + 1:at + size + 1]])
        mean = numpy.mean(losses, 0).reshape(-1, 128).mean(1)
        print("loss by 128 positions,", name, " ".join(f"{value:.3f}" for value in mean))


def golden(reference, tokenizer, path):
    """The golden file, computed in float64 from the BF16 weights."""
    prompt = PROMPTS[0]
    ids = tokenizer.encode("<|begin|>" + prompt)
    greedy, gap, first = reference.greedy(ids, 64)
    entry = {"prompt": prompt, "prompt_ids": ids, "greedy_ids": greedy,
             "greedy_text": tokenizer.decode(greedy),
             "logits_first8": [round(float(value), 6) for value in first[:8]],
             "min_top2_gap": round(gap, 6)}
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "w", encoding="utf-8") as handle:
        json.dump(entry, handle, indent=1)
        handle.write("\n")


def main():
    torch.set_num_threads(1)
    work, folder = sys.argv[1], sys.argv[2]
    tokenizer = bpe.load(os.path.join(folder, "tokenizer.json"))
    reference = Reference(folder)
    assert reference.config == CONFIG
    compare(work, reference, tokenizer)
    long_context(work, folder)
    if len(sys.argv) > 3:
        golden(reference, tokenizer, sys.argv[3])


if __name__ == "__main__":
    main()
