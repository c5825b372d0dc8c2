"""The Llama architecture in PyTorch, with Hugging Face tensor names."""
import math

import torch
import torch.nn.functional as F
from torch import nn

CONFIG = {
    "architectures": ["LlamaForCausalLM"], "model_type": "llama",
    "hidden_size": 192, "intermediate_size": 384, "num_hidden_layers": 5,
    "num_attention_heads": 6, "num_key_value_heads": 2, "head_dim": 32,
    "vocab_size": 1536, "max_position_embeddings": 1024,
    "rms_norm_eps": 1e-5, "rope_theta": 10000.0, "hidden_act": "silu",
    "tie_word_embeddings": True, "attention_bias": False, "mlp_bias": False,
    "initializer_range": 0.02, "rope_scaling": None, "use_cache": True,
    "bos_token_id": 1532, "eos_token_id": [1533, 1535], "torch_dtype": "bfloat16",
}


class Norm(nn.Module):
    """RMS normalisation."""

    def __init__(self, size):
        super().__init__()
        self.weight = nn.Parameter(torch.ones(size))

    def forward(self, x):
        scale = torch.rsqrt(x.pow(2).mean(-1, keepdim=True) + CONFIG["rms_norm_eps"])
        return x * scale * self.weight


def rope_tables(length):
    """Cosines and sines per position for rotate-half RoPE."""
    half = CONFIG["head_dim"] // 2
    speed = CONFIG["rope_theta"] ** (-torch.arange(half, dtype=torch.float64) / half)
    angle = torch.arange(length, dtype=torch.float64)[:, None] * speed
    return angle.cos().float(), angle.sin().float()


def rotate(x, tables):
    """Turn the two halves of each head; x is (batch, heads, time, dim)."""
    cos, sin = tables
    a, b = x.chunk(2, -1)
    return torch.cat((a * cos - b * sin, b * cos + a * sin), -1)


class Attention(nn.Module):
    """Causal grouped-query attention."""

    def __init__(self):
        super().__init__()
        width, dim = CONFIG["hidden_size"], CONFIG["head_dim"]
        self.heads, self.groups = CONFIG["num_attention_heads"], CONFIG["num_key_value_heads"]
        self.q_proj = nn.Linear(width, self.heads * dim, bias=False)
        self.k_proj = nn.Linear(width, self.groups * dim, bias=False)
        self.v_proj = nn.Linear(width, self.groups * dim, bias=False)
        self.o_proj = nn.Linear(self.heads * dim, width, bias=False)

    def forward(self, x, tables, mask):
        batch, time, _ = x.shape
        dim, share = CONFIG["head_dim"], self.heads // self.groups
        q = rotate(self.q_proj(x).view(batch, time, -1, dim).transpose(1, 2), tables)
        k = rotate(self.k_proj(x).view(batch, time, -1, dim).transpose(1, 2), tables)
        v = self.v_proj(x).view(batch, time, -1, dim).transpose(1, 2)
        # The query heads of one group are laid end to end, so that each
        # group is a single product with its keys.
        q = (q * (1 / math.sqrt(dim))).reshape(batch, self.groups, share * time, dim)
        score = (q @ k.transpose(-1, -2)).view(batch, self.groups, share, time, time)
        weight = F.softmax(score + mask, -1).view(batch, self.groups, share * time, time)
        out = (weight @ v).view(batch, self.heads, time, dim)
        return self.o_proj(out.transpose(1, 2).reshape(batch, time, -1))


class FeedForward(nn.Module):
    """SwiGLU."""

    def __init__(self):
        super().__init__()
        width, inner = CONFIG["hidden_size"], CONFIG["intermediate_size"]
        self.gate_proj = nn.Linear(width, inner, bias=False)
        self.up_proj = nn.Linear(width, inner, bias=False)
        self.down_proj = nn.Linear(inner, width, bias=False)

    def forward(self, x):
        return self.down_proj(F.silu(self.gate_proj(x)) * self.up_proj(x))


class Layer(nn.Module):
    def __init__(self):
        super().__init__()
        self.input_layernorm = Norm(CONFIG["hidden_size"])
        self.self_attn = Attention()
        self.post_attention_layernorm = Norm(CONFIG["hidden_size"])
        self.mlp = FeedForward()

    def forward(self, x, tables, mask):
        x = x + self.self_attn(self.input_layernorm(x), tables, mask)
        return x + self.mlp(self.post_attention_layernorm(x))


class Inner(nn.Module):
    """What Hugging Face calls `model`."""

    def __init__(self):
        super().__init__()
        self.embed_tokens = nn.Embedding(CONFIG["vocab_size"], CONFIG["hidden_size"])
        self.layers = nn.ModuleList(Layer() for _ in range(CONFIG["num_hidden_layers"]))
        self.norm = Norm(CONFIG["hidden_size"])


class Llama(nn.Module):
    """The language model; its head is the embedding, transposed."""

    def __init__(self):
        super().__init__()
        self.model = Inner()
        self.tables = {}
        depth = math.sqrt(2 * CONFIG["num_hidden_layers"])
        for name, weight in self.named_parameters():
            if weight.dim() == 2:
                narrow = name.endswith(("o_proj.weight", "down_proj.weight"))
                scale = 0.02 if "embed" in name else weight.shape[1] ** -0.5 * 0.7
                nn.init.normal_(weight, std=scale / (depth if narrow else 1))

    def setup(self, time):
        """RoPE tables and the causal mask for a sequence length."""
        if time not in self.tables:
            mask = torch.full((time, time), float("-inf")).triu(1)
            self.tables[time] = (rope_tables(time), mask)
        return self.tables[time]

    def forward(self, ids):
        tables, mask = self.setup(ids.shape[1])
        x = self.model.embed_tokens(ids)
        for layer in self.model.layers:
            x = layer(x, tables, mask)
        return F.linear(self.model.norm(x), self.model.embed_tokens.weight)
