"""Train crescent-s, resumably: python3 long_train.py WORK [--steps N] [--threads N].

A curriculum: copying random tokens first, with heads that find and copy written
into the weights beforehand (warm.py); then facts in documents, whose span of positions widens while the
share of plain text grows; then longer rows at a falling rate. Everything drawn
at random depends on the seed and the step, so a stopped run goes on as if it
had not been stopped.
"""
import argparse
import json
import math
import os
import signal
import time

import numpy
import torch
import torch.nn.functional as F

import long_corpus
import recall
import rows
import warm
from muon import Muon
from net import CONFIG, Llama

SEED, HELD_OUT_SEED = 20261124, 1 << 61
WARMUP, FALL = 100, 0.3                 # steps of warm-up, and the last share that falls
MUON, ADAM, EMBED = 0.02, 3e-3, 1e-2   # rates at the peak: matrices, head and norms, embedding
CHECKPOINT_SECONDS, EVALUATE = 300, 200
EASY = ("key", "passkey", "facts")
ALL = tuple(recall.MAKERS)
# up to this share of the run: row length, rows, widest span, mix of kinds, tasks
STAGES = (
    (0.03, 256, 16, 512, dict(copy=0.6, recall=0.2, text=0.15, chat=0.05), EASY),
    (0.07, 512, 8, 2048, dict(copy=0.2, recall=0.5, text=0.25, chat=0.05), ALL),
    (0.25, 512, 8, 65536, dict(copy=0.06, recall=0.5, text=0.32, chat=0.12), ALL),
    (0.90, 512, 8, 65536, dict(copy=0.03, recall=0.55, text=0.30, chat=0.12), ALL),
    (1.00, 1024, 4, 65536, dict(copy=0.02, recall=0.5, text=0.36, chat=0.12), ALL),
)


def stage_of(share):
    """The stage at a share of the run; the widest span grows within a stage."""
    begin, before = 0.0, STAGES[0][3]
    for end, length, count, widest, mix, tasks in STAGES:
        if share < end or end == 1.0:
            grown = (share - begin) / (end - begin) if widest > before else 1.0
            span = before * (widest / before) ** min(1.0, 1.25 * grown)
            return length, count, span, mix, tasks
        begin, before = end, widest


def rate(share, step):
    """Of the peak: linear warm-up, a hold, then a straight fall to two per cent."""
    return min(1.0, (step + 1) / WARMUP, max(0.02, (1.0 - share) / FALL))


def batch_of(drawn):
    """Rows to tensors: ids, positions, bias of scores, weights of targets."""
    ids, positions, piece, crowd, needle, turn, others, weight = (numpy.stack(part) for part in zip(*drawn))
    piece, needle, turn = (torch.from_numpy(part[:, :-1]) for part in (piece, needle, turn))
    crowd, others = torch.from_numpy(crowd[:, :-1]).float(), torch.from_numpy(others).float()
    bias = torch.where(piece[:, :, None] != piece[:, None, :], crowd[:, None, :], torch.zeros(()))
    other = (turn[:, :, None] >= 0) & (needle[:, None, :] >= 0) & (turn[:, :, None] != needle[:, None, :])
    bias += torch.where(other, others[:, None, None], torch.zeros(()))
    bias += torch.full(bias.shape[1:], float("-inf")).triu(1)
    return (torch.from_numpy(ids), torch.from_numpy(positions[:, :-1]), bias[:, None],
            torch.from_numpy(weight[:, 1:]))


def losses_of(model, batch):
    """Cross entropy and hit or miss of every target that has weight, and the weights."""
    ids, positions, bias, weight = batch
    with torch.autocast("cpu", torch.bfloat16):
        hidden = model(ids[:, :-1], positions, bias)
        logits = model.lm_head(hidden[weight > 0]).float()
    targets = ids[:, 1:][weight > 0]
    return F.cross_entropy(logits, targets, reduction="none"), logits.argmax(-1) == targets, weight[weight > 0]


class Run:
    """The state of a training run, and where it is kept."""

    def __init__(self, work, total):
        self.work, self.total, self.path = work, total, os.path.join(work, "checkpoint.pt")
        torch.manual_seed(SEED)
        self.source = rows.Source(*long_corpus.build(work))
        self.model = Llama()
        warm.start(self.model)
        layers = [p for p in self.model.model.layers.parameters() if p.dim() == 2]
        kept = {id(p) for p in layers}
        embedding = self.model.model.embed_tokens.weight
        others = [p for p in self.model.parameters() if id(p) not in kept and p is not embedding]
        self.muon = Muon(layers)
        self.adam = torch.optim.AdamW([{"params": others, "peak": ADAM}, {"params": [embedding], "peak": EMBED}],
                                      betas=(0.9, 0.98), weight_decay=0.0, foreach=True)
        self.step, self.seconds = 0, 0.0
        if os.path.exists(self.path):
            state = torch.load(self.path)
            self.model.load_state_dict(state["model"])
            self.muon.load_state_dict(state["muon"])
            self.adam.load_state_dict(state["adam"])
            self.step, self.seconds = state["step"], state["seconds"]

    def save(self):
        torch.save({"model": self.model.state_dict(), "muon": self.muon.state_dict(), "seconds": self.seconds,
                    "adam": self.adam.state_dict(), "step": self.step}, self.path + ".new")
        os.replace(self.path + ".new", self.path)

    def advance(self):
        """One step; gives its mean loss."""
        share = self.step / self.total
        length, count, widest, mix, tasks = stage_of(share)
        rng = numpy.random.default_rng([SEED, self.step])
        drawn = []
        for _ in range(count):
            kind = rng.choice(list(mix), p=list(mix.values()))
            span = length * (max(widest, length) / length) ** rng.random()
            drawn.append(self.source.row(int(rng.integers(1 << 60)), kind, length, int(span), tasks))
        losses, _, weight = losses_of(self.model, batch_of(drawn))
        loss = (losses * weight).sum() / weight.sum()
        loss.backward()
        scale = rate(share, self.step)
        self.muon.step(MUON * scale)
        for group in self.adam.param_groups:
            group["lr"] = group["peak"] * scale
        self.adam.step()
        self.adam.zero_grad()
        self.step += 1
        return loss.item()

    @torch.no_grad()
    def recalled(self, task, span, length=512, count=8):
        """Share of answers that are right to the last token, of rows never trained on."""
        drawn = [self.source.row(HELD_OUT_SEED + n, "recall", length, span, (task,)) for n in range(count)]
        _, right, weight = losses_of(self.model, batch_of(drawn))
        answers, good = 0, 0
        flat = numpy.concatenate([row[-1][1:] for row in drawn])
        ends = numpy.flatnonzero((flat == 1.0) & (numpy.append(flat[1:], 0) != 1.0))
        hits = numpy.zeros(len(flat), bool)
        hits[flat > 0] = right.numpy()
        for end in ends:
            begin = end
            while begin and flat[begin - 1] == 1.0:
                begin -= 1
            answers, good = answers + 1, good + bool(hits[begin:end + 1].all())
        return good / max(1, answers)

    @torch.no_grad()
    def text_loss(self, kind, span, length=512, count=8):
        losses, _, weight = losses_of(self.model, batch_of(
            [self.source.row(HELD_OUT_SEED + n, kind, length, span, ALL) for n in range(count)]))
        return float((losses * weight).sum() / weight.sum())

    def log(self, losses):
        tasks = ALL if self.step % (4 * EVALUATE) == 0 or self.step >= self.total else EASY[:1]
        entry = {"step": self.step, "of": self.total, "seconds": round(self.seconds),
                 "train": round(sum(losses) / len(losses), 4), "text": round(self.text_loss("text", 512), 3),
                 "text 64K": round(self.text_loss("text", 65536), 3), "chat": round(self.text_loss("chat", 512), 3),
                 "copy": round(self.text_loss("copy", 512), 3),
                 "recall": {task: [round(self.recalled(task, span), 3) for span in (512, 4096, 65536)]
                            for task in tasks}}
        with open(os.path.join(self.work, "log.jsonl"), "a", encoding="utf-8") as handle:
            handle.write(json.dumps(entry) + "\n")
        print(json.dumps(entry), flush=True)

    def go(self):
        """Train to the end, or until asked to stop."""
        stop = []
        signal.signal(signal.SIGTERM, lambda *_: stop.append(True))
        losses, saved = [], time.time()
        while self.step < self.total and not stop:
            before = time.time()
            losses.append(self.advance())
            self.seconds += time.time() - before
            if self.step % EVALUATE == 0 or self.step == self.total:
                self.log(losses)
                losses = []
            if time.time() - saved > CHECKPOINT_SECONDS or stop or self.step == self.total:
                self.save()
                saved = time.time()


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("work", help="folder for the corpus, checkpoints and log")
    parser.add_argument("--steps", type=int, default=12000)
    parser.add_argument("--threads", type=int, default=1)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    torch.set_flush_denormal(True)
    Run(options.work, options.steps).go()


if __name__ == "__main__":
    main()
