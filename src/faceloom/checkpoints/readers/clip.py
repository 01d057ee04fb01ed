"""Reader for a folder with CLIP in Hugging Face's layout: weights, sizes and the vocabulary of its tokenizer.

The user brings the folder; faceloom downloads none. Weights come from safetensors only, never from a pickle.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from faceloom.assets.archives import sha256_of
from faceloom.checkpoints.check_state import check_state
from faceloom.checkpoints.readers import state_dicts
from faceloom.errors import CorruptFile, UnknownFormat, UnsafePickle, WrongShape
from faceloom.files import read_regular
from faceloom.networks.clip import Clip, ClipConfig
from faceloom.networks.clip_tokenizer import END, START, WORD_END, ClipTokenizer, Merge, byte_letters

WEIGHTS = "model.safetensors"
PICKLES = ("pytorch_model.bin", "model.pt", "ViT-B-32.pt", "open_clip_pytorch_model.bin")
MAX_WEIGHTS = 4 << 30  # bytes
MAX_TEXT = 8 << 20  # bytes of each other file
MAX_PATCHES = 4096  # of a picture: attention needs the square of it
FAMILY = "faceloom reads CLIP as openai/clip-vit-base-patch32 and its relatives are stored"

KEYS = {
    "image_side": ("vision_config", "image_size", (16, 1024)),
    "patch_side": ("vision_config", "patch_size", (1, 256)),
    "image_width": ("vision_config", "hidden_size", (1, 4096)),
    "image_hidden": ("vision_config", "intermediate_size", (1, 16384)),
    "image_layers": ("vision_config", "num_hidden_layers", (1, 64)),
    "image_heads": ("vision_config", "num_attention_heads", (1, 64)),
    "vocabulary": ("text_config", "vocab_size", (514, 1 << 17)),
    "text_length": ("text_config", "max_position_embeddings", (3, 512)),
    "text_width": ("text_config", "hidden_size", (1, 4096)),
    "text_hidden": ("text_config", "intermediate_size", (1, 16384)),
    "text_layers": ("text_config", "num_hidden_layers", (1, 64)),
    "text_heads": ("text_config", "num_attention_heads", (1, 64)),
    "embedding": ("", "projection_dim", (1, 4096)),
}
"""Part of config.json, key, and bounds by field of ClipConfig. A key that is left out has the field's default."""


@dataclass(frozen=True, eq=False)
class LoadedClip:
    """CLIP as it was read: the network in evaluation mode, without gradients, its tokenizer, and its weights' hash."""

    network: Clip
    tokenizer: ClipTokenizer
    sha256: str


def read_clip(folder: Path) -> LoadedClip:
    """Read model.safetensors, config.json, vocab.json and merges.txt of a folder.

    Raises UnknownFormat for a missing file or another family, UnsafePickle for a folder with pickled weights alone,
    WrongShape for sizes out of bounds and tensors that do not fit them, CorruptFile for a damaged file.
    """
    folder = Path(folder)
    weights = _find_weights(folder)
    config = _read_config(folder)
    tokenizer = _read_tokenizer(folder, config)
    state = state_dicts.read(weights).tensors
    state = {name: tensor for name, tensor in state.items() if not name.endswith(".position_ids")}  # constants
    check_state(Clip, config, state)
    network = Clip(config)
    network.load_state_dict(state)
    return LoadedClip(network.eval().requires_grad_(False), tokenizer, sha256_of(weights))


def _find_weights(folder: Path) -> Path:
    path = folder / WEIGHTS
    if not path.is_file():
        if pickles := [name for name in PICKLES if (folder / name).is_file()]:
            hint = f"convert it to {WEIGHTS} with the library safetensors, where you trust the file"
            raise UnsafePickle(f"{pickles[0]} is a pickle, which can run code, and is not read", hint)
        raise UnknownFormat(f"{folder} has no {WEIGHTS}", FAMILY)
    if (size := path.stat().st_size) > MAX_WEIGHTS:
        raise WrongShape(f"{WEIGHTS} has {size} bytes, more than {MAX_WEIGHTS}", FAMILY)
    return path


def _read_text(folder: Path, name: str) -> str:
    try:
        return read_regular(folder / name, MAX_TEXT).decode()
    except FileNotFoundError as error:
        raise UnknownFormat(f"{folder} has no {name}", FAMILY) from error
    except (OSError, UnicodeDecodeError) as error:
        raise CorruptFile(f"cannot read {name}: {error}", "get the file again") from error


def _read_json(folder: Path, name: str) -> dict[str, Any]:
    try:
        content = json.loads(_read_text(folder, name))
    except (ValueError, RecursionError) as error:
        raise CorruptFile(f"{name} is not JSON", "get the file again") from error
    if not isinstance(content, dict):
        raise CorruptFile(f"{name} is not a JSON object", "get the file again")
    return content


def _read_config(folder: Path) -> ClipConfig:
    content = _read_json(folder, "config.json")
    if content.get("model_type") != "clip":
        raise UnknownFormat(f"config.json is of the family {str(content.get('model_type'))[:40]!r}, not 'clip'", FAMILY)
    parts = {name: content.get(name) or {} for name in ("text_config", "vision_config")} | {"": content}
    if not all(isinstance(part, dict) for part in parts.values()):
        raise CorruptFile("config.json: text_config and vision_config are not JSON objects", "get the file again")
    defaults = {field.name: field.default for field in fields(ClipConfig)}
    values = {name: parts[part].get(key, defaults[name]) for name, (part, key, _) in KEYS.items()}
    for name, value in values.items():
        _, key, (low, high) = KEYS[name]
        if not isinstance(value, int) or isinstance(value, bool) or not low <= value <= high:
            raise WrongShape(f"config.json: {key}: expected {low}...{high}, got {repr(value)[:40]}", FAMILY)
    _check_divisions(values)
    return ClipConfig(**values, quick_gelu=_read_activation(parts))


def _check_divisions(values: Mapping[str, int]) -> None:
    for part in ("image", "text"):
        width, heads = values[f"{part}_width"], values[f"{part}_heads"]
        if width % heads:
            raise WrongShape(f"config.json: {width} dimensions cannot be divided among {heads} heads", FAMILY)
    if not 1 <= (values["image_side"] // values["patch_side"]) ** 2 <= MAX_PATCHES:
        raise WrongShape(f"config.json: a picture must have 1...{MAX_PATCHES} patches", FAMILY)


def _read_activation(parts: Mapping[str, Mapping[str, Any]]) -> bool:
    """Return whether the towers use the approximated GELU. Both must use the same function and epsilon."""
    towers = (parts["text_config"], parts["vision_config"])
    names = {str(tower.get("hidden_act", "quick_gelu")) for tower in towers}
    if not names <= {"quick_gelu", "gelu"} or len(names) > 1:
        raise UnknownFormat(f"config.json: the activation {', '.join(sorted(names))[:80]} is unknown", FAMILY)
    if any(tower.get("layer_norm_eps", ClipConfig.epsilon) != ClipConfig.epsilon for tower in towers):
        raise UnknownFormat(f"config.json: layer_norm_eps is not {ClipConfig.epsilon}", FAMILY)
    return names == {"quick_gelu"}


def _read_tokenizer(folder: Path, config: ClipConfig) -> ClipTokenizer:
    numbers = _read_json(folder, "vocab.json")
    valid = all(type(number) is int and 0 <= number < config.vocabulary for number in numbers.values())
    if not valid or numbers.get(END) != max(numbers.values(), default=None):
        message = f"vocab.json: expected numbers below {config.vocabulary}, of which {END} has the highest"
        raise CorruptFile(message, "get the file again")
    merges = [_parse_merge(line) for line in _read_text(folder, "merges.txt").splitlines() if line.strip()]
    merges = merges[1:] if merges and merges[0][0] == "#version:" else merges
    letters = byte_letters()
    needed = {START, END, *letters, *(letter + WORD_END for letter in letters), *("".join(pair) for pair in merges)}
    if missing := needed - numbers.keys():
        raise CorruptFile(f"vocab.json lacks {len(missing)} symbols that merges.txt needs", "get both files again")
    return ClipTokenizer(numbers, merges, config.text_length)


def _parse_merge(line: str) -> Merge:
    pair = line.split(" ")
    if len(pair) != 2 or len(line) > 200:
        raise CorruptFile(f"merges.txt: '{line[:40]}' is not a pair of symbols", "get the file again")
    return pair[0], pair[1]
