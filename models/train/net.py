"""Llama in PyTorch for crescent-s: rows with positions of their own.

The tensor names are Hugging Face's. Beside the ids a batch brings a position
for every token and a bias for every (query, key) pair, see rows.py.
"""
import math

import torch
import torch.nn.functional as F
from torch import nn

CONFIG = {
    "architectures": ["LlamaForCausalLM"], "model_type": "llama",
    "hidden_size": 256, "intermediate_size": 704, "num_hidden_layers": 5,
    "num_attention_heads": 4, "num_key_value_heads": 2, "head_dim": 64,
    "vocab_size": 4096, "max_position_embeddings": 65536,
    "rms_norm_eps": 1e-5, "rope_theta": 1e10, "hidden_act": "silu",
    "tie_word_embeddings": False, "attention_bias": False, "mlp_bias": False,
    "initializer_range": 0.02, "rope_scaling": None, "use_cache": True,
    "bos_token_id": 4092, "eos_token_id": [4093, 4095], "torch_dtype": "bfloat16",
}
WIDTH, DIM = CONFIG["hidden_size"], CONFIG["head_dim"]
HEADS, GROUPS = CONFIG["num_attention_heads"], CONFIG["num_key_value_heads"]
SHARE = HEADS // GROUPS


class Norm(nn.Module):
    """RMS normalisation."""

    def __init__(self):
        super().__init__()
        self.weight = nn.Parameter(torch.ones(WIDTH))

    def forward(self, x):
        scale = torch.rsqrt(x.pow(2).mean(-1, keepdim=True) + CONFIG["rms_norm_eps"])
        return x * (scale * self.weight)


def rope_tables(positions):
    """Cosines and sines (batch, 1, time, dim / 2) of rotate-half RoPE."""
    half = DIM // 2
    speed = CONFIG["rope_theta"] ** (-torch.arange(half, dtype=torch.float64) / half)
    angle = positions[:, None, :, None].double() * speed
    return angle.cos().float(), angle.sin().float()


def rotate(x, tables):
    """Turn the two halves of each head; x is (batch, heads, time, dim)."""
    cos, sin = tables
    a, b = x.chunk(2, -1)
    return torch.cat((a * cos - b * sin, b * cos + a * sin), -1)


class Attend(torch.autograd.Function):
    """Softmax attention in bfloat16 products; bias is (batch, 1, time, time).

    Written out because autograd would keep four matrices of scores per layer.
    """

    @staticmethod
    def forward(context, q, k, v, bias):
        batch, heads, time, dim = q.shape
        q = (q * (1 / math.sqrt(dim))).bfloat16().view(batch, GROUPS, SHARE * time, dim)
        k, v = k.bfloat16(), v.bfloat16()
        score = torch.matmul(q, k.transpose(-1, -2)).view(batch, heads, time, time)
        weight = torch.softmax(score.float().add_(bias), -1).bfloat16()
        grouped = weight.view(batch, GROUPS, SHARE * time, time)
        out = torch.matmul(grouped, v).view(batch, heads, time, dim).float()
        context.save_for_backward(q, k, v, grouped, out)
        return out

    @staticmethod
    def backward(context, grad):
        q, k, v, weight, out = context.saved_tensors
        batch, groups, rows, dim = q.shape
        inner = (grad * out).sum(-1).view(batch, groups, rows, 1)
        grad = grad.reshape(batch, groups, rows, dim).bfloat16()
        to_v = torch.matmul(weight.transpose(-1, -2), grad).float()
        to_score = torch.matmul(grad, v.transpose(-1, -2)).float().sub_(inner)
        to_score = to_score.mul_(weight).bfloat16()
        to_q = torch.matmul(to_score, k).float().view(out.shape) * (1 / math.sqrt(dim))
        to_k = torch.matmul(to_score.transpose(-1, -2), q).float()
        return to_q, to_k, to_v, None


class Attention(nn.Module):
    """Causal grouped-query attention."""

    def __init__(self):
        super().__init__()
        self.q_proj = nn.Linear(WIDTH, HEADS * DIM, bias=False)
        self.k_proj = nn.Linear(WIDTH, GROUPS * DIM, bias=False)
        self.v_proj = nn.Linear(WIDTH, GROUPS * DIM, bias=False)
        self.o_proj = nn.Linear(HEADS * DIM, WIDTH, bias=False)

    def forward(self, x, tables, bias):
        batch, time, _ = x.shape

        def heads(product):
            return product.float().view(batch, time, -1, DIM).transpose(1, 2)
        q = rotate(heads(self.q_proj(x)), tables)
        k = rotate(heads(self.k_proj(x)), tables)
        out = Attend.apply(q, k, heads(self.v_proj(x)), bias)
        return self.o_proj(out.transpose(1, 2).reshape(batch, time, -1))


class FeedForward(nn.Module):
    """SwiGLU."""

    def __init__(self):
        super().__init__()
        inner = CONFIG["intermediate_size"]
        self.gate_proj = nn.Linear(WIDTH, inner, bias=False)
        self.up_proj = nn.Linear(WIDTH, inner, bias=False)
        self.down_proj = nn.Linear(inner, WIDTH, bias=False)

    def forward(self, x):
        return self.down_proj(F.silu(self.gate_proj(x)) * self.up_proj(x))


class Layer(nn.Module):
    def __init__(self):
        super().__init__()
        self.input_layernorm = Norm()
        self.self_attn = Attention()
        self.post_attention_layernorm = Norm()
        self.mlp = FeedForward()

    def forward(self, x, tables, bias):
        x = x + self.self_attn(self.input_layernorm(x), tables, bias)
        return x + self.mlp(self.post_attention_layernorm(x))


class Inner(nn.Module):
    """What Hugging Face calls `model`."""

    def __init__(self):
        super().__init__()
        self.embed_tokens = nn.Embedding(CONFIG["vocab_size"], WIDTH)
        self.layers = nn.ModuleList(Layer() for _ in range(CONFIG["num_hidden_layers"]))
        self.norm = Norm()


class Llama(nn.Module):
    """The language model."""

    def __init__(self):
        super().__init__()
        self.model = Inner()
        self.lm_head = nn.Linear(WIDTH, CONFIG["vocab_size"], bias=False)
        for name, weight in self.named_parameters():
            if name.endswith(("o_proj.weight", "down_proj.weight")):
                nn.init.zeros_(weight)          # a layer adds nothing until it has learned to
            elif weight.dim() == 2:
                std = {"model.embed_tokens.weight": 1.0, "lm_head.weight": 0.02}
                nn.init.normal_(weight, std=std.get(name, weight.shape[1] ** -0.5 * 0.7))

    def forward(self, ids, positions, bias):
        """Hidden rows (batch, time, width), normalised for the head."""
        tables = rope_tables(positions)
        x = self.model.embed_tokens(ids)
        for layer in self.model.layers:
            x = layer(x, tables, bias)
        return self.model.norm(x)
