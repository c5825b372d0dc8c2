"""Check exported crescent-s: python3 long_check.py WORK FOLDER [GOLDEN].

The NumPy reference must agree with the training model whose weights are rounded
to bfloat16. With a third argument the golden file is written too, computed in
float64 from the weights of the folder.
"""
import json
import os
import random
import sys

import torch

import bpe
import recall
from net import CONFIG, Llama
from reference import Reference

PROMPTS = ["Once upon a time", "In the beginning",
           "<|im_start|>user\nTell me a story about a fox.<|im_end|>\n<|im_start|>assistant\n"]


def document(rng_seed=7, questions=6):
    """A short document in the chat form, its first question last."""
    story = recall.Story(random.Random(rng_seed))
    for _ in range(questions):
        story.simple("key")
    text = " ".join(sentence for sentence, _ in story.needles)
    return f"<|im_start|>user\n{text}\n\n{story.turns[0][0]}<|im_end|>\n<|im_start|>assistant\n", story.turns[0][1]


@torch.no_grad()
def torch_logits(model, ids):
    time = len(ids)
    bias = torch.full((1, 1, time, time), float("-inf")).triu(1)
    hidden = model(torch.tensor([ids]), torch.arange(time)[None], bias)
    return model.lm_head(hidden)[0].numpy()


def compare(work, reference, tokenizer):
    """Agreement of the next-token choices over every prompt and what the reference says after it."""
    model = Llama()
    state = torch.load(os.path.join(work, "checkpoint.pt"))["model"]
    model.load_state_dict({name: value.bfloat16().float() for name, value in state.items()})
    for prompt in PROMPTS + [document()[0]]:
        ids = tokenizer.encode("<|begin|>" + prompt)
        said, gap, _ = reference.greedy(ids, 40)
        reference.reset()
        ours, theirs = reference.forward(ids + said), torch_logits(model, ids + said)
        same = float((ours.argmax(-1) == theirs.argmax(-1)).mean())
        print(f"agree {same:.3f}, gap {gap:.3f}, largest difference {abs(ours - theirs).max():.3f}", repr(tokenizer.decode(said)))
        assert same > 0.97


def golden(reference, tokenizer, path):
    """The golden file: a question about a document."""
    prompt, answer = document()
    ids = tokenizer.encode("<|begin|>" + prompt)
    greedy, gap, first = reference.greedy(ids, 48)
    entry = {"prompt": prompt, "prompt_ids": ids, "greedy_ids": greedy, "greedy_text": tokenizer.decode(greedy),
             "logits_first8": [round(float(value), 6) for value in first[:8]], "min_top2_gap": round(gap, 6)}
    print("golden", repr(entry["greedy_text"]), "expected", repr(answer), "gap", gap)
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
    if len(sys.argv) > 3:
        golden(reference, tokenizer, sys.argv[3])


if __name__ == "__main__":
    main()
