"""Heads that find and copy, written into the weights before training begins.

Without them the loss of copying stands still for a million tokens and more
until such heads are found by chance. Layer 0 gets four heads that look one to
four tokens back; layer 2 gets heads that compare the tokens before a place
with the latest ones here, and copy what followed there (induction heads,
arXiv 2209.11895). Training may change all of it.
"""
import math

import torch

from net import CONFIG, DIM, GROUPS, HEADS, SHARE, WIDTH

CONSTANT = 0.5                      # of an embedding's norm, the same in every token
LOOK_BACK, PAIRS = 11.0, 10         # amplitude, and how many of the fastest RoPE pairs it uses
STILL = 18                          # RoPE pairs from here on turn less than half a radian in 64K
MATCH, COPY = 5.0, 4.0       # amplitudes of comparing and of copying


def orthonormal(rows, columns):
    """Rows that are orthonormal (rows <= columns)."""
    return torch.linalg.qr(torch.randn(columns, rows))[0].T


@torch.no_grad()
def look_back(layer, constant, view, places):
    """Layer 0: head h attends h + 1 back and puts what `view` shows there into places[h]."""
    attention = layer.self_attn
    speed = CONFIG["rope_theta"] ** (-torch.arange(PAIRS) / (DIM // 2))
    reader = constant / constant.norm()
    strength = math.sqrt(WIDTH) * CONSTANT / math.sqrt(1 + CONSTANT ** 2)   # of it after the norm
    for group in range(GROUPS):
        key = torch.zeros(DIM)
        key[:PAIRS] = LOOK_BACK
        attention.k_proj.weight[group * DIM:(group + 1) * DIM] = torch.outer(key, reader) / strength
        attention.v_proj.weight[group * DIM:(group + 1) * DIM] = view
    for head in range(HEADS):
        query = torch.zeros(DIM)
        query[:PAIRS] = LOOK_BACK * torch.cos(speed * (head + 1))
        query[DIM // 2:DIM // 2 + PAIRS] = -LOOK_BACK * torch.sin(speed * (head + 1))
        attention.q_proj.weight[head * DIM:(head + 1) * DIM] = torch.outer(query, reader) / strength
        attention.o_proj.weight[:, head * DIM:(head + 1) * DIM] = places[head] * 1.2


@torch.no_grad()
def match(layer, view, places):
    """Layer 2: compares here's last tokens with those before a place, copies the place's own."""
    attention = layer.self_attn
    still = torch.cat((torch.arange(STILL, DIM // 2), torch.arange(STILL, DIM // 2) + DIM // 2))
    for group in range(GROUPS):
        depth = (2, 4)[group % 2]               # how many tokens are compared
        query, key = torch.zeros(DIM, WIDTH), torch.zeros(DIM, WIDTH)
        for back in range(depth):
            code = orthonormal(len(still), DIM) * (0.8 ** back)
            here = view if back == 0 else places[back - 1].T * 1.3
            query[still] += code @ here
            key[still] += code @ places[back].T * 1.3
        scale = MATCH / math.sqrt(depth)
        attention.k_proj.weight[group * DIM:(group + 1) * DIM] = key * scale / 1.6
        for head in range(group * SHARE, (group + 1) * SHARE):
            attention.q_proj.weight[head * DIM:(head + 1) * DIM] = query * scale / 1.6
            attention.o_proj.weight[:, head * DIM:(head + 1) * DIM] = 0
        value = orthonormal(DIM, WIDTH)
        attention.v_proj.weight[group * DIM:(group + 1) * DIM] = value
        for head in range(group * SHARE, (group + 1) * SHARE):
            attention.o_proj.weight[:, head * DIM:(head + 1) * DIM] = value.T * (COPY / SHARE)


@torch.no_grad()
def start(model):
    """Write the heads into a freshly drawn model."""
    embedding = model.model.embed_tokens.weight
    size, reader = math.sqrt(WIDTH), torch.nn.functional.normalize(torch.randn(WIDTH), dim=0)
    embedding -= torch.outer(embedding @ reader, reader)
    embedding *= size / embedding.norm(dim=1, keepdim=True)
    model.lm_head.weight[:] = embedding * 0.02
    constant = reader * size * CONSTANT
    embedding += constant
    view = orthonormal(DIM, WIDTH)
    basis = orthonormal(WIDTH, WIDTH)
    places = [basis[:, n * DIM:(n + 1) * DIM] for n in range(HEADS)]
    look_back(model.model.layers[0], constant, view, places)
    match(model.model.layers[2], view, places)
