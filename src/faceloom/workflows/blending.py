"""Blending of two generators into a new one, saved in faceloom's own format with a card and a signature."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from faceloom.checkpoints.library import CARD
from faceloom.checkpoints.load import GeneratorModel, load_generator
from faceloom.checkpoints.loaded_network import LoadedNetwork, weights_hash
from faceloom.checkpoints.readers import native
from faceloom.errors import LatentError
from faceloom.likeness import require_generator
from faceloom.marks.signatures import SUFFIX as SIGNATURE
from faceloom.marks.signatures import sign_files
from faceloom.networks.generator import Generator
from faceloom.networks.layer_blend import blend_layers
from faceloom.networks.tuned import Tuned
from faceloom.workflows import styling


@dataclass(frozen=True)
class BlendResult:
    """The folder of a blended generator, its hash, and the license of both its parents."""

    path: Path
    hash: str
    license: str


def blend_generators(a: str, b: str, output: Path, *, switch: int = 32, ramp: float = 0.0) -> BlendResult:
    """Write a generator with the layers of `a` below `switch` pixels and those of `b` from there on.

    Convention: `a` and `b` are names of generators or checkpoint files; `b` may also be a style of `a`. Likenesses and
    directions of `a` are not of the new generator, because its hash differs.
    Raises LatentError as `blend_layers`, and for a style of another generator; StoreError when writing fails.
    """
    first = load_generator(a)
    second, license = _open_second(b, first)
    state = blend_layers(first.G, second, switch, ramp)
    model: Any = first.G
    facts = {"licence": license, "blend": {"a": first.hash, "b": b, "switch": switch, "ramp": ramp}}
    output = native.write(LoadedNetwork(first.family, "faceloom", model.config, state), Path(output), facts)
    digest = weights_hash(state)
    generator = {"name": output.name, "family": first.family, "hash": digest}
    sign_files(
        [output / native.WEIGHTS, output / CARD], output / f"{output.name}{SIGNATURE}", {"generator": generator} | facts
    )
    return BlendResult(output, digest, license)


def _open_second(name: str, first: GeneratorModel) -> tuple[Generator, str]:
    """Return the second generator and the license of a blend with the first."""
    if name in styling.list_styles() or name.endswith(styling.SUFFIX):
        style = styling.load_style(name)
        require_generator(style, first)
        return Tuned(first.G, style.delta), first.license
    second = load_generator(name)
    if second.hash == first.hash:
        raise LatentError("both generators are the same", "give two different ones")
    same = second.license == first.license
    return second.G, first.license if same else f"{first.license}; {second.license}"
