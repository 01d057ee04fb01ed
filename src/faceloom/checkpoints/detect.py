"""Detection of the code base that wrote a checkpoint, and reading of the network in it.

Detection looks at tensor names only, never at the file's name. Pickles are read in a child process.
"""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

from faceloom.checkpoints.loaded_network import LoadedNetwork
from faceloom.checkpoints.readers import (
    genforce,
    mmgeneration,
    native,
    nvidia_tf,
    nvidia_torch,
    psp,
    rosinality,
    state_dicts,
)
from faceloom.checkpoints.sandbox.containers import detect_container
from faceloom.checkpoints.sandbox.flatten import Part
from faceloom.checkpoints.sandbox.process import FileContent, describe_own_error, read_in_sandbox
from faceloom.errors import CheckpointError, FaceloomError, UnknownFormat

_SUPPORTED = "faceloom reads StyleGAN 1, 2 and 3; see docs/reference/formats.md"

_REFUSED = {
    r"(^|\.)(S|SE|G|GE)\.(net\.\d|initial_block|initial_conv|blocks\.\d+\.to_style)": (
        "lucidrains' network, whose layers differ from every StyleGAN's"
    ),
    r"(^|\.)(MainLayers|Model\.MainLayers)\.|\.Basis$": "R3GAN, which has no styles",
    r"(^|\.)backbone\.synthesis\.|(^|\.)(superresolution\.block|decoder\.net)\d?": (
        "EG3D, which renders planes in space"
    ),
    r"(^|\.)[id]wt\.(ll|lh|hl|hh)$": "SWAGAN, which draws wavelets",
    r"\.affine\.proj\.weight$|(^|\.)mapping\.(mlp|clip)\.": "StyleGAN-T, which draws from text",
    r"(^|\.)(feat_\d+|se_\d+|to_big)\.": "FastGAN or Projected GAN's light generator, which has no styles",
    r"Grow|PGGAN": "a progressive GAN, which has no styles",
}
"""Patterns of tensor names that identify networks which faceloom does not read, and their descriptions.

They are tried first, because some of these networks also hold names of StyleGAN's.
"""

_ENCODER = r"(^|\.)encoder\.(body|input_layer)\."


def read_checkpoint(path: Path, part: Part = "generator", *, bgr: bool = False) -> LoadedNetwork:
    """Read a network from a checkpoint file, or from a folder written by an import.

    Convention: `bgr` swaps the red and blue channels: set it for networks trained with MMGeneration.
    Raises UnknownFormat for an unsupported family, UnsafePickle for a pickle with names that could harm,
    WrongShape naming a tensor that is missing, unexpected or of another shape, CorruptFile for a damaged file.
    """
    path = Path(path)
    network = native.read(path) if native.is_native(path) else identify_network(read_content(path, part), path, bgr)
    if part == "discriminator" and not network.family.endswith("discriminator"):
        raise UnknownFormat(f"{path.name} holds no discriminator", "give a file with D or d in it")
    return network


def read_content(path: Path, part: Part = "generator") -> FileContent:
    """Read the tensors and values of a foreign file: safetensors here, everything else in a child process.

    Raises UnsafePickle, UnknownFormat or CorruptFile.
    """
    if detect_container(path) == "safetensors":
        return state_dicts.read(path, part)
    return read_in_sandbox(path, part)


def identify_network(content: FileContent, path: Path, bgr: bool = False) -> LoadedNetwork:
    """Turn the content of the file `path` into a network.

    Raises as `read_checkpoint` does, and CheckpointError for an error of faceloom itself.
    """
    try:
        loaded = _read_content(content, path, bgr)
    except FaceloomError:
        raise
    except Exception as error:
        message, hint = describe_own_error(error)
        raise CheckpointError(f"{path.name}: {message}", hint) from error
    return replace(loaded, notes=(*loaded.notes, *_describe_dropped(content)))


def _describe_dropped(content: FileContent) -> tuple[str, ...]:
    """Return a note that names the entries which were not read, and that the network does not need."""
    entries = {**content.unread, **content.dropped}
    if not entries:
        return ()
    first = "; ".join(f"{name[:80] or 'an entry'}: {reason[:120]}" for name, reason in list(entries.items())[:3])
    more = f"; and {len(entries) - 3} more" if len(entries) > 3 else ""
    text = f"not read, and not needed: {first}{more}"
    return ("".join(char if char.isprintable() else "?" for char in text),)


def _read_content(content: FileContent, path: Path, bgr: bool) -> LoadedNetwork:
    """Try the readers in order, those with the most specific tensor names first."""
    names = content.tensors
    if refused := _describe_refused(content):
        raise UnknownFormat(f"{path.name} holds {refused}", _SUPPORTED)
    if tf_match := nvidia_tf.find(names):
        return nvidia_tf.read(content, *tf_match)
    if psp.find(names):
        return psp.read(content)
    if (prefix := mmgeneration.find(names)) is not None:
        return mmgeneration.read(content, prefix, bgr)
    if genforce_match := genforce.find(names):
        return genforce.read(content, *genforce_match)
    if rosinality_match := rosinality.find(names):
        return rosinality.read(content, *rosinality_match)
    if torch_match := nvidia_torch.find(names):
        return nvidia_torch.read(content, *torch_match)
    raise UnknownFormat(_describe_unknown(content, path), _SUPPORTED)


def _describe_refused(content: FileContent) -> str | None:
    """Return the description of an unsupported network, None when the file holds none that is known."""
    for pattern, description in _REFUSED.items():
        if any(re.search(pattern, name) for name in content.tensors):
            return description
    return None


def _describe_unknown(content: FileContent, path: Path) -> str:
    """Return an error message that says what the file holds."""
    if any(re.search(_ENCODER, name) for name in content.tensors):
        return f"{path.name} holds an encoder without its generator"
    for name, reason in content.unread.items():
        if not content.tensors:
            return f"{path.name} holds no tensors that faceloom can read: '{name[:80]}': {reason}"
    first_names = ", ".join(list(content.tensors)[:3]) or "no tensor at all"
    return f"{path.name} holds no network that faceloom knows ({first_names})"
