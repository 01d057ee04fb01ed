"""Detection of the code base that wrote a checkpoint, and reading of the network in it.

Detection looks at tensor names only, never at the file's name. Pickles are read in a child process.
"""

from __future__ import annotations

import re
from pathlib import Path

from faceloom.checkpoints.loaded_network import LoadedNetwork
from faceloom.checkpoints.readers import genforce, mmgeneration, native, nvidia_tf, nvidia_torch, psp, rosinality
from faceloom.checkpoints.sandbox.flatten import Part
from faceloom.checkpoints.sandbox.process import FileContent, read_in_sandbox
from faceloom.errors import CorruptFile, UnknownFormat

_REFUSED = {
    r"GAN\.(S|G)\.": "lucidrains' network, whose layers differ from every StyleGAN's",
    r"MainLayers": "R3GAN, which has no styles",
    r"encoder\.body": "an encoder without its generator",
    r"Grow|PGGAN": "a progressive GAN, which has no styles",
}
"""Patterns of tensor names that identify networks which faceloom does not read, and their descriptions."""


def read_checkpoint(path: Path, part: Part = "generator", *, bgr: bool = False) -> LoadedNetwork:
    """Read a network from a checkpoint file, or from a folder written by an import.

    Convention: `bgr` swaps the red and blue channels: set it for networks trained with MMGeneration.
    Raises UnknownFormat for an unsupported family, UnsafePickle for a pickle that refers to forbidden names,
    WrongShape naming a tensor that is missing, unexpected or of another shape, CorruptFile for a damaged file.
    """
    path = Path(path)
    if native.is_native(path):
        return native.read(path)
    return identify_network(read_in_sandbox(path, part), path, bgr)


def identify_network(content: FileContent, path: Path, bgr: bool = False) -> LoadedNetwork:
    """Turn the content of the file `path` into a network. Raises as `read_checkpoint` does."""
    try:
        return _read_content(content, path, bgr)
    except (TypeError, ValueError, LookupError, ArithmeticError, RuntimeError) as error:  # from malformed content
        raise CorruptFile(f"cannot read the network in {path.name}: {error}", "get the file again") from error


def _read_content(content: FileContent, path: Path, bgr: bool) -> LoadedNetwork:
    """Try the readers in order, those with the most specific tensor names first."""
    names = content.tensors
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
    raise UnknownFormat(
        _describe_unknown(content, path), "faceloom reads StyleGAN 1, 2 and 3; see docs/reference/formats.md"
    )


def _describe_unknown(content: FileContent, path: Path) -> str:
    """Return an error message that says which unsupported network the file holds."""
    names = " ".join(content.tensors)
    for pattern, description in _REFUSED.items():
        if re.search(pattern, names):
            return f"{path.name} holds {description}"
    first_names = ", ".join(list(content.tensors)[:3]) or "no tensor at all"
    return f"{path.name} holds no network that faceloom knows ({first_names})"
