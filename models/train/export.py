"""Write the Hugging Face folder: python3 export.py WORK FOLDER [--long] (crescent-s)."""
import json
import os
import shutil
import sys

import numpy
import torch

import model
import net
from bpe import SPECIALS, load

LIMITS = {False: 4_000_000, True: 24_000_000}       # bytes, by --long
TEMPLATE = ("{{ bos_token }}{% for message in messages %}"
            "{{ '<|im_start|>' + message['role'] + '\\n' }}"
            "{{ message['content'] + '<|im_end|>' + '\\n' }}{% endfor %}"
            "{% if add_generation_prompt %}{{ '<|im_start|>assistant\\n' }}{% endif %}")


def to_bfloat16(values):
    """Float32 to bfloat16 bits, rounded to nearest, ties to even."""
    bits = numpy.ascontiguousarray(values, numpy.float32).view(numpy.uint32).astype(numpy.uint64)
    return ((bits + 0x7FFF + ((bits >> 16) & 1)) >> 16).astype(numpy.uint16)


def write_safetensors(path, tensors):
    """Header length, JSON header padded to eight bytes, then the data."""
    header, blobs, at = {"__metadata__": {"format": "pt"}}, [], 0
    for name, values in tensors.items():
        blob = to_bfloat16(values).astype("<u2").tobytes()
        header[name] = {"dtype": "BF16", "shape": list(values.shape),
                        "data_offsets": [at, at + len(blob)]}
        blobs.append(blob)
        at += len(blob)
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    with open(path, "wb") as handle:
        handle.write(len(text).to_bytes(8, "little") + text + b"".join(blobs))


def write_json(path, value):
    with open(path, "w", encoding="utf-8") as handle:
        json.dump(value, handle, indent=2)
        handle.write("\n")


def tokenizer_config(ids, context):
    """tokenizer_config.json, with the ChatML template."""
    added = {str(ids[name]): {"content": name, "lstrip": False, "rstrip": False,
                              "normalized": False, "single_word": False, "special": True}
             for name in SPECIALS}
    return {"tokenizer_class": "PreTrainedTokenizerFast", "add_bos_token": True,
            "add_eos_token": False, "bos_token": "<|begin|>", "eos_token": "<|end|>",
            "pad_token": "<|end|>", "unk_token": None,
            "additional_special_tokens": ["<|im_start|>", "<|im_end|>"],
            "clean_up_tokenization_spaces": False,
            "model_max_length": context,
            "added_tokens_decoder": added, "chat_template": TEMPLATE}


def export(work, folder, long):
    """The whole folder, from the last checkpoint."""
    config = (net if long else model).CONFIG
    os.makedirs(folder, exist_ok=True)
    state = torch.load(os.path.join(work, "checkpoint.pt"), map_location="cpu")
    tensors = {name: value.numpy() for name, value in state["model"].items()}
    write_safetensors(os.path.join(folder, "model.safetensors"), tensors)
    shutil.copy(os.path.join(work, "tokenizer.json"), folder)
    ids = load(os.path.join(folder, "tokenizer.json")).ids
    assert [ids["<|end|>"], ids["<|im_end|>"]] == config["eos_token_id"]
    assert ids["<|begin|>"] == config["bos_token_id"] and len(ids) == config["vocab_size"]
    write_json(os.path.join(folder, "config.json"), config)
    write_json(os.path.join(folder, "tokenizer_config.json"), tokenizer_config(ids, config["max_position_embeddings"]))
    write_json(os.path.join(folder, "generation_config.json"),
               {"bos_token_id": config["bos_token_id"], "eos_token_id": config["eos_token_id"],
                "pad_token_id": ids["<|end|>"], "do_sample": True,
                "temperature": 0.5, "top_p": 0.9, "max_new_tokens": 256})
    sizes = {name: os.path.getsize(os.path.join(folder,
        name)) for name in sorted(os.listdir(folder))}
    assert sum(sizes.values()) <= LIMITS[long], sizes
    parameters = sum(values.size for values in tensors.values())
    print(json.dumps({"step": state["step"], "parameters": parameters,
                      "bytes": sizes, "total": sum(sizes.values())}, indent=1))


if __name__ == "__main__":
    export(sys.argv[1], sys.argv[2], "--long" in sys.argv)
