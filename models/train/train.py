"""Train the model, resumably: python3 train.py WORK [--steps N] [--threads N].

Everything drawn at random depends on the seed and the step number alone, so a
run that was stopped goes on from its last checkpoint as if it had not been.
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

import corpus
from model import CONFIG, Llama
from muon import Muon

SEED = 20260101
SOURCES = ("bible", "austen", "tales", "chat", "talk")
FIRST_MIX = (0.27, 0.25, 0.14, 0.34, 0.0)       # while the learning rate holds
SECOND_MIX = (0.10, 0.06, 0.16, 0.30, 0.38)     # while it falls
TOKENS = 2048                       # per step, whatever the window length
WARMUP, PEAK, FLOOR = 200, 2.5e-3, 1.0e-4
HOLD = 1440                         # steps at the peak before the cosine starts
FALLS = ((HOLD, 2.5e-3), (2398, 1.7e-3), (3080, 7.0e-4))    # start and top of each
SWITCH, MUON = 1949, 10.0              # first step of Muon, and its rate over AdamW's
WINDOWS = ((2942, 256), (3050, 512), (3080, 2048))       # up to a step; 1024 after
CHECKPOINT_SECONDS = 180
EVALUATE = 200


def rate(step, total):
    """Learning rate: linear warm-up, a hold, then a cosine down to the floor."""
    if step < WARMUP:
        return PEAK * (step + 1) / WARMUP
    if step < HOLD:
        return PEAK
    part = max(n for n, (start, _) in enumerate(FALLS) if step >= start)
    start, top = FALLS[part]
    end = total if start == FALLS[-1][0] else max(FALLS[-1][0], start + 1)
    done = (step - start) / (end - start)
    return FLOOR + (top - FLOOR) * 0.5 * (1 + math.cos(math.pi * min(done, 1)))


def window(step):
    """Window length at a step; the last steps teach the long positions."""
    return next((length for end, length in WINDOWS if step < end), 1024)


class Data:
    """Windows of the token files of corpus.py."""

    def __init__(self, work):
        def read(name, kind):
            return numpy.load(os.path.join(work, f"{name}.{kind}.npy")).astype(numpy.int64)
        self.train = {name: read(name, "train") for name in SOURCES}
        self.starts = {name: read(name, "starts") for name in SOURCES}
        self.held = {name: read(name, "held") for name in SOURCES}

    def batch(self, step, length):
        """Random windows; every second one starts at a document's start."""
        rng = numpy.random.default_rng([SEED, step])
        mix = FIRST_MIX if step < HOLD else SECOND_MIX
        rows = []
        for row in range(TOKENS // length):
            name = rng.choice(SOURCES, p=mix)
            ids, starts = self.train[name], self.starts[name]
            last = len(ids) - length - 1
            at = rng.integers(last)
            if (row + step) % 2:
                at = starts[rng.integers(numpy.searchsorted(starts, last))]
            rows.append(ids[at:at + length + 1])
        return torch.from_numpy(numpy.stack(rows))

    def held_out(self, name, length, count):
        """The first windows of a held-out file."""
        ids = self.held[name]
        count = min(count, (len(ids) - 1) // length)
        rows = [ids[n * length:(n + 1) * length + 1] for n in range(count)]
        return torch.from_numpy(numpy.stack(rows))


def loss_of(model, rows, **options):
    """Cross entropy of each next token, in nats."""
    logits = model(rows[:, :-1])
    return F.cross_entropy(logits.float().reshape(-1, CONFIG["vocab_size"]),
                           rows[:, 1:].reshape(-1), **options)


@torch.no_grad()
def evaluate(model, data, length=256, count=16):
    """Held-out loss of each source."""
    return {name: round(loss_of(model, data.held_out(name, length, count)).item(), 4)
            for name in SOURCES}


def optimizer_of(parameters):
    """AdamW, with weight decay on the matrices only."""
    parameters = list(parameters)
    matrices = [p for p in parameters if p.dim() == 2]
    vectors = [p for p in parameters if p.dim() < 2]
    return torch.optim.AdamW([{"params": matrices, "weight_decay": 0.05},
                              {"params": vectors, "weight_decay": 0.0}],
                             lr=PEAK, betas=(0.9, 0.98), foreach=True)


class Run:
    """The state of a training run, and where it is kept."""

    def __init__(self, work, total):
        self.work, self.total = work, total
        torch.manual_seed(SEED)
        self.model, self.data = Llama(), Data(work)
        self.optimizer, self.muon = optimizer_of(self.model.parameters()), None
        self.step, self.seconds = 0, 0.0
        self.path = os.path.join(work, "checkpoint.pt")
        if os.path.exists(self.path):
            state = torch.load(self.path)
            self.model.load_state_dict(state["model"])
            self.muon = state["step"] >= SWITCH and self.start_muon()
            if "muon" in state:
                self.muon.load_state_dict(state["muon"])
            if "muon" in state or not self.muon:
                self.optimizer.load_state_dict(state["optimizer"])
            self.step, self.seconds = state["step"], state["seconds"]

    def start_muon(self):
        """Hand the layers' matrices over to Muon; AdamW starts anew on the rest."""
        layers = [p for p in self.model.model.layers.parameters() if p.dim() == 2]
        kept = {id(p) for p in layers}
        self.optimizer = optimizer_of(p for p in self.model.parameters() if id(p) not in kept)
        return Muon(layers)

    def save(self):
        state = {"model": self.model.state_dict(), "step": self.step,
                 "optimizer": self.optimizer.state_dict(), "seconds": self.seconds}
        if self.muon:
            state["muon"] = self.muon.state_dict()
        torch.save(state, self.path + ".new")
        os.replace(self.path + ".new", self.path)

    def advance(self):
        """One optimizer step; gives its loss."""
        if self.step >= SWITCH and not self.muon:
            self.muon = self.start_muon()
        for group in self.optimizer.param_groups:
            group["lr"] = rate(self.step, self.total)
        rows = self.data.batch(self.step, window(self.step))
        # Past the hold, matrix products run in bfloat16, for speed.
        with torch.autocast("cpu", torch.bfloat16, enabled=self.step >= HOLD):
            loss = loss_of(self.model, rows)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(self.model.parameters(), 1.0)
        if self.muon:
            self.muon.step(MUON * rate(self.step, self.total))
        self.optimizer.step()
        self.optimizer.zero_grad()
        self.step += 1
        return loss.item()

    def log(self, losses):
        entry = {"step": self.step, "of": self.total, "seconds": round(self.seconds),
                 "lr": round(rate(self.step, self.total), 6),
                 "train": round(sum(losses) / len(losses), 4),
                 "held_out": evaluate(self.model, self.data)}
        with open(os.path.join(self.work, "log.jsonl"), "a", encoding="utf-8") as handle:
            handle.write(json.dumps(entry) + "\n")
        print(json.dumps(entry), flush=True)

    def go(self):
        """Train to the end, or until asked to stop."""
        stop = []
        signal.signal(signal.SIGTERM, lambda *_: stop.append(True))
        losses, saved, before = [], time.time(), time.time()
        while self.step < self.total and not stop:
            losses.append(self.advance())
            now = time.time()
            self.seconds, before = self.seconds + now - before, now
            if self.step % EVALUATE == 0 or self.step == self.total:
                self.log(losses)
                losses = []
            if now - saved > CHECKPOINT_SECONDS or stop or self.step == self.total:
                self.save()
                saved = now


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("work", help="folder for the corpus, checkpoints and log")
    parser.add_argument("--steps", type=int, default=3145)
    parser.add_argument("--threads", type=int, default=1)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    torch.set_flush_denormal(True)
    corpus.build(options.work)
    Run(options.work, options.steps).go()


if __name__ == "__main__":
    main()
