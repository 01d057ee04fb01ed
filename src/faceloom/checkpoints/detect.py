"""The one door for checkpoints: any file that faceloom reads, to a network of ours.

Which code wrote a file is told by what is in it; its name means nothing. Pickles are read in a child process.
"""

from __future__ import annotations

import re
from pathlib import Path

from faceloom.checkpoints.loaded_network import LoadedNetwork, build
from faceloom.checkpoints.readers import genforce, mmgeneration, native, nvidia_tf, nvidia_torch, psp, rosinality
from faceloom.checkpoints.sandbox.flatten import Part
from faceloom.checkpoints.sandbox.process import Content, read_foreign
from faceloom.errors import CorruptFile, UnknownFormat

__all__ = ["LoadedNetwork", "build", "read_checkpoint", "understand"]


def read_checkpoint(path: Path, part: Part = "generator", *, bgr: bool = False) -> LoadedNetwork:
    """Read a network out of a file, or out of a folder that an import wrote.

    Convention: `bgr` exchanges red and blue: set it for networks that were trained with MMGeneration.
    Raises UnknownFormat for a family that is not read, UnsafePickle for a pickle that asks for more than numbers,
    WrongShape naming a tensor that is missing, left over or of another shape, CorruptFile for a damaged file.
    """
    path = Path(path)
    if native.is_ours(path):
        return native.read(path)
    return understand(read_foreign(path, part), path, bgr)


def understand(content: Content, path: Path, bgr: bool = False) -> LoadedNetwork:
    """Tell what network the tensors of the file `path` are. Raises as `read_checkpoint` does."""
    try:
        return _understand(content, path, bgr)
    except (
        TypeError,
        ValueError,
        LookupError,
        ArithmeticError,
        RuntimeError,
    ) as error:  # a stranger's file can do that
        raise CorruptFile(f"{path.name} cannot be understood: {error}", "get the file again") from error


def _understand(content: Content, path: Path, bgr: bool) -> LoadedNetwork:
    """Ask the readers in turn, those with the most telling names first."""
    names = content.tensors
    if tf := nvidia_tf.find(names):
        return nvidia_tf.read(content, *tf)
    if psp.find(names):
        return psp.read(content)
    if (prefix := mmgeneration.find(names)) is not None:
        return mmgeneration.read(content, prefix, bgr)
    if gen := genforce.find(names):
        return genforce.read(content, *gen)
    if ros := rosinality.find(names):
        return rosinality.read(content, *ros)
    if torch_ := nvidia_torch.find(names):
        return nvidia_torch.read(content, *torch_)
    raise UnknownFormat(_why_not(content, path), "faceloom reads StyleGAN 1, 2 and 3; see docs/formats.md")


def _why_not(content: Content, path: Path) -> str:
    names = " ".join(content.tensors)
    others = {
        r"GAN\.(S|G)\.": "lucidrains' network, whose layers no StyleGAN has",
        r"MainLayers": "R3GAN, which has no styles",
        r"encoder\.body": "an encoder without its generator",
        r"Grow|PGGAN": "a progressive GAN, which has no styles",
    }
    for pattern, what in others.items():
        if re.search(pattern, names):
            return f"{path.name} holds {what}"
    few = ", ".join(list(content.tensors)[:3]) or "no tensor at all"
    return f"{path.name} holds no network that faceloom knows ({few})"
