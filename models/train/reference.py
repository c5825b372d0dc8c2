"""An independent forward pass in NumPy, from the exported folder alone.

It shares no code with model.py, and keeps a cache of keys and values, so it
serves both to check the export and to sample from it.
"""
import json
import os

import numpy


def read_safetensors(path, kind):
    """All BF16 tensors of the file, widened to `kind`."""
    with open(path, "rb") as handle:
        size = int.from_bytes(handle.read(8), "little")
        header = json.loads(handle.read(size))
        data = handle.read()
    tensors = {}
    for name, entry in header.items():
        if name != "__metadata__":
            begin, end = entry["data_offsets"]
            bits = numpy.frombuffer(data[begin:end], "<u2").astype(numpy.uint32) << 16
            tensors[name] = bits.view(numpy.float32).reshape(entry["shape"]).astype(kind)
    return tensors


class Reference:
    """Llama, a position at a time or many at once."""

    def __init__(self, folder, kind=numpy.float64):
        with open(os.path.join(folder, "config.json"), encoding="utf-8") as handle:
            self.config = json.load(handle)
        self.weights = read_safetensors(os.path.join(folder, "model.safetensors"), kind)
        half = self.config["head_dim"] // 2
        self.speeds = self.config["rope_theta"] ** (-numpy.arange(half) / half)
        self.kind = kind
        self.reset()

    def reset(self):
        """Forget the tokens seen so far."""
        self.length = 0
        self.keys = [None] * self.config["num_hidden_layers"]
        self.values = [None] * self.config["num_hidden_layers"]

    def norm(self, x, name):
        mean = (x * x).mean(-1, keepdims=True)
        return x / numpy.sqrt(mean + self.config["rms_norm_eps"]) * self.weights[name]

    def rope(self, x):
        """x is (time, heads, dim), its first row at position `length`."""
        places = self.length + numpy.arange(len(x))
        angle = places[:, None, None] * self.speeds
        cos, sin = numpy.cos(angle).astype(self.kind), numpy.sin(angle).astype(self.kind)
        half = x.shape[-1] // 2
        first, second = x[..., :half], x[..., half:]
        return numpy.concatenate((first * cos - second * sin, second * cos + first * sin), -1)

    def attention(self, x, layer):
        prefix, dim = f"model.layers.{layer}.self_attn.", self.config["head_dim"]
        q, k, v = (x @ self.weights[prefix + name + "_proj.weight"].T for name in "qkv")
        q = self.rope(q.reshape(len(x), -1, dim))
        k = self.rope(k.reshape(len(x), -1, dim))
        v = v.reshape(len(x), -1, dim)
        if self.length:
            k = numpy.concatenate((self.keys[layer], k))
            v = numpy.concatenate((self.values[layer], v))
        self.keys[layer], self.values[layer] = k, v
        share = q.shape[1] // k.shape[1]
        hidden = numpy.arange(len(k)) > self.length + numpy.arange(len(x))[:, None]
        out = []
        for head in range(q.shape[1]):
            score = q[:, head] @ k[:, head // share].T / numpy.sqrt(self.kind(dim))
            score[hidden] = -numpy.inf
            score = numpy.exp(score - score.max(-1, keepdims=True))
            out.append(score / score.sum(-1, keepdims=True) @ v[:, head // share])
        return numpy.concatenate(out, -1) @ self.weights[prefix + "o_proj.weight"].T

    def feed_forward(self, x, layer):
        prefix = f"model.layers.{layer}.mlp."
        gate = x @ self.weights[prefix + "gate_proj.weight"].T
        up = x @ self.weights[prefix + "up_proj.weight"].T
        return gate / (1 + numpy.exp(-gate)) * up @ self.weights[prefix + "down_proj.weight"].T

    def forward(self, ids):
        """Logits after each of the ids, which follow those seen before."""
        table = self.weights["model.embed_tokens.weight"]
        x = table[numpy.asarray(ids)]
        for layer in range(self.config["num_hidden_layers"]):
            name = f"model.layers.{layer}."
            x = x + self.attention(self.norm(x, name + "input_layernorm.weight"), layer)
            x = x + self.feed_forward(self.norm(x, name + "post_attention_layernorm.weight"), layer)
        self.length += len(ids)
        return self.norm(x, "model.norm.weight") @ self.weights.get("lm_head.weight", table).T

    def greedy(self, ids, count):
        """`count` most likely tokens, the smallest gap, and the first logits."""
        self.reset()
        logits = self.forward(ids)[-1]
        first, out, gap = logits, [], numpy.inf
        for _ in range(count):
            best = numpy.sort(logits)[-2:]
            gap = min(gap, best[1] - best[0])
            out.append(int(logits.argmax()))
            logits = self.forward(out[-1:])[-1]
        return out, float(gap), first

    def sample(self, ids, count, rng, temperature=0.5, top_p=0.9):
        """Nucleus sampling until an end token."""
        self.reset()
        logits, out = self.forward(ids)[-1], []
        for _ in range(count):
            chance = numpy.exp((logits - logits.max()) / temperature)
            chance /= chance.sum()
            order = numpy.argsort(-chance)
            kept = order[:int(numpy.searchsorted(numpy.cumsum(chance[order]), top_p)) + 1]
            out.append(int(rng.choice(kept, p=chance[kept] / chance[kept].sum())))
            if out[-1] in self.config["eos_token_id"]:
                break
            logits = self.forward(out[-1:])[-1]
        return out
