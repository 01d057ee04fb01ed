"""A folder with a tiny random CLIP in Hugging Face's layout, written by the tests."""

from __future__ import annotations

import json
from pathlib import Path

import torch
from safetensors.torch import save_file

from faceloom.networks.clip import Clip, ClipConfig
from faceloom.networks.clip_tokenizer import END, START, byte_letters

MERGES = ("a g", "ag e</w>", "f ac", "a c", "o l", "ol d</w>", "' s</w>")
CONFIG = ClipConfig(
    embedding=12,
    image_side=32,
    patch_side=16,
    image_width=16,
    image_hidden=32,
    image_layers=2,
    image_heads=2,
    vocabulary=600,
    text_length=20,
    text_width=8,
    text_hidden=16,
    text_layers=2,
    text_heads=2,
)


def tiny_clip(seed: int = 0) -> Clip:
    """Return a tiny CLIP with random weights."""
    generator = torch.Generator().manual_seed(seed)
    network = Clip(CONFIG)
    for parameter in network.parameters():
        if parameter.ndim:
            parameter.data = torch.randn(parameter.shape, generator=generator) * 0.3
    return network.eval().requires_grad_(False)


def write_clip(folder: Path) -> Path:
    """Write the four files of a tiny CLIP and return their folder."""
    folder.mkdir(parents=True, exist_ok=True)
    letters = byte_letters()
    symbols = [*letters, *(letter + "</w>" for letter in letters)]
    merged = dict.fromkeys("".join(line.split()) for line in MERGES)
    symbols = [*symbols, *merged, START, END]
    (folder / "vocab.json").write_text(json.dumps({symbol: number for number, symbol in enumerate(symbols)}))
    (folder / "merges.txt").write_text("\n".join(("#version: 0.2", *MERGES)) + "\n")
    (folder / "config.json").write_text(json.dumps(config()))
    save_file(tiny_clip().state_dict(), folder / "model.safetensors")
    return folder


def config() -> dict[str, object]:
    """Return the content of config.json."""
    return {
        "model_type": "clip",
        "projection_dim": 12,
        "text_config": {
            "vocab_size": 600,
            "max_position_embeddings": 20,
            "hidden_size": 8,
            "intermediate_size": 16,
            "num_hidden_layers": 2,
            "num_attention_heads": 2,
        },
        "vision_config": {
            "image_size": 32,
            "patch_size": 16,
            "hidden_size": 16,
            "intermediate_size": 32,
            "num_hidden_layers": 2,
            "num_attention_heads": 2,
        },
    }
