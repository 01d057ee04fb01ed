"""Reading of CLIP's folder: what is right is read, everything else is refused with a reason."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file

from faceloom.checkpoints.readers.clip import read_clip
from faceloom.errors import CheckpointError, CorruptFile, UnknownFormat, UnsafePickle, WrongShape
from tests.checkpoints.clip_files import CONFIG, config, tiny_clip, write_clip


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return write_clip(tmp_path / "clip")


def change_config(folder: Path, part: str, key: str, value: Any) -> None:
    content: Any = config()
    (content[part] if part else content)[key] = value
    (folder / "config.json").write_text(json.dumps(content))


def change_weights(folder: Path, **changes: torch.Tensor | None) -> None:
    state = load_file(folder / "model.safetensors")
    for name, tensor in changes.items():
        key = name.replace("__", ".")
        if tensor is None:
            del state[key]
        else:
            state[key] = tensor
    save_file(state, folder / "model.safetensors")


def test_a_folder_is_read_with_its_hash(folder):
    clip = read_clip(folder)
    assert clip.network.config == CONFIG
    assert clip.sha256 == hashlib.sha256((folder / "model.safetensors").read_bytes()).hexdigest()
    expected, got = tiny_clip().state_dict(), clip.network.state_dict()
    assert all(torch.equal(expected[name], got[name]) for name in expected)
    assert not any(parameter.requires_grad for parameter in clip.network.parameters())


def test_weights_of_16_bits_and_constants_of_older_files_are_read(folder):
    state = {name: tensor.half() for name, tensor in load_file(folder / "model.safetensors").items()}
    state["text_model.embeddings.position_ids"] = torch.arange(20)[None]
    save_file(state, folder / "model.safetensors")
    assert read_clip(folder).network.logit_scale.dtype == torch.float32


@pytest.mark.parametrize("name", ["model.safetensors", "config.json", "vocab.json", "merges.txt"])
def test_a_missing_file_is_named(folder, name):
    (folder / name).unlink()
    with pytest.raises(UnknownFormat, match=name):
        read_clip(folder)


def test_a_pickle_is_refused_without_being_opened(folder):
    (folder / "model.safetensors").unlink()
    (folder / "pytorch_model.bin").write_bytes(b"cos\nsystem\n(S'exit 1'\ntR.")
    with pytest.raises(UnsafePickle, match=r"pytorch_model\.bin is a pickle.*convert it"):
        read_clip(folder)


@pytest.mark.parametrize(
    ("part", "key", "value", "error"),
    [
        ("", "model_type", "blip", UnknownFormat),
        ("", "text_config", [1], CorruptFile),
        ("", "projection_dim", 13, WrongShape),
        ("", "projection_dim", 1 << 40, WrongShape),
        ("text_config", "num_hidden_layers", 10**9, WrongShape),
        ("text_config", "vocab_size", -1, WrongShape),
        ("text_config", "hidden_size", float("nan"), WrongShape),
        ("text_config", "hidden_size", "8", WrongShape),
        ("text_config", "num_attention_heads", 3, WrongShape),
        ("text_config", "hidden_act", "relu", UnknownFormat),
        ("text_config", "layer_norm_eps", 0.5, UnknownFormat),
        ("vision_config", "image_size", 10**6, WrongShape),
        ("vision_config", "patch_size", 0, WrongShape),
        ("vision_config", "patch_size", 64, WrongShape),
        ("vision_config", "num_hidden_layers", True, WrongShape),
        ("vision_config", "hidden_size", 10**300, WrongShape),
    ],
)
def test_settings_out_of_bounds_are_refused(folder, part, key, value, error):
    change_config(folder, part, key, value)
    with pytest.raises(error):
        read_clip(folder)


def test_another_number_of_patches_than_positions_is_refused(folder):
    change_config(folder, "vision_config", "image_size", 1024)
    with pytest.raises(WrongShape, match=r"position_embedding\.weight"):
        read_clip(folder)


def test_tensors_that_do_not_fit_are_named(folder):
    change_weights(folder, visual_projection__weight=torch.zeros(12, 17))
    with pytest.raises(WrongShape, match=r"visual_projection\.weight: expected \[12, 16\], got \[12, 17\]"):
        read_clip(folder)
    change_weights(folder, visual_projection__weight=None)
    with pytest.raises(WrongShape, match=r"lacks visual_projection\.weight"):
        read_clip(folder)
    change_weights(folder, visual_projection__weight=torch.zeros(12, 16), extra=torch.zeros(1))
    with pytest.raises(WrongShape, match="extra"):
        read_clip(folder)


def test_numbers_that_are_not_finite_are_refused(folder):
    change_weights(folder, logit_scale=torch.tensor(torch.nan))
    with pytest.raises(CorruptFile, match="logit_scale"):
        read_clip(folder)


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("model.safetensors", b"\xff" * 100),
        ("model.safetensors", b""),
        ("config.json", b"{"),
        ("config.json", b"[" * 100_000),
        ("config.json", b"[]"),
        ("config.json", b"\xff\xfe"),
        ("vocab.json", b"{}"),
        ("vocab.json", b'{"<|endoftext|>": 599, "a": 1e99}'),
        ("vocab.json", b'{"<|endoftext|>": 5}'),
        ("vocab.json", b'{"<|endoftext|>": 600}'),
        ("vocab.json", b" " * (9 << 20)),
        ("merges.txt", b"#version: 0.2\na b c\n"),
        ("merges.txt", b"q z\n"),
        ("merges.txt", b"a " + b"b" * 10_000),
    ],
)
def test_damaged_files_are_refused(folder, name, content):
    (folder / name).write_bytes(content)
    with pytest.raises(CheckpointError):
        read_clip(folder)
