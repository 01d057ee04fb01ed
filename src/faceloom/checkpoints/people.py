"""Conversion of foreign latents to a generator's w_plus, and a check of their plausibility."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from faceloom.checkpoints.readers.latent_files import LatentCode, Space, read_codes
from faceloom.errors import LatentError
from faceloom.latents import WPlus, broadcast
from faceloom.networks.generator import Generator

SAMPLES = 1000
"""Number of z samples over which the distances of w from its mean are measured."""

MAX_RATIO = 4.0
"""Maximum distance of a code from the mean w, as a multiple of the largest sampled one, that is plausible."""


@dataclass(frozen=True, eq=False)
class ForeignPeople:
    """The people in a file of another program, in the file's order."""

    names: tuple[str, ...]
    w_plus: WPlus
    spaces: tuple[Space, ...]  # of the numbers in the file
    notes: tuple[str, ...] = ()  # sentences for the user: assumptions, and codes that are not plausible

    def find(self, person: int | str) -> int:
        """Return the index of a person given by number or by name. Raises LatentError when there is no such person."""
        if person in self.names:
            return self.names.index(str(person))
        text = str(person)
        if text.isdecimal() and len(text) < 10 and int(text) < len(self.names):
            return int(text)
        shown = ", ".join(self.names[:5]) + (", ..." if len(self.names) > 5 else "")
        raise LatentError(
            f"the file holds {len(self.names)} people, and none is number or name {text[:80]}",
            f"count from 0, or give one of {shown}",
        )


def read_people(path: Path, G: Generator, space: Space | None = None) -> ForeignPeople:
    """Read all people in a file as w_plus of a generator.

    Convention: `space` is the space of the numbers; by default names and shapes in the file decide.
    Raises LatentError when no array fits the generator, or for z of a generator that needs labels, and what
    `read_codes` raises.
    """
    codes = read_codes(path, G.num_ws, G.w_dim, G.z_dim, space)
    w_plus = torch.cat([_to_w_plus(code, G) for code in codes])
    notes: list[str] = []
    if space is None and any(code.space == "z" for code in codes):
        notes.append("the numbers were read as z because of their name; if they are w, import with --space w")
    notes += find_implausible(codes, w_plus, G)
    return ForeignPeople(
        tuple(code.name for code in codes), w_plus.contiguous(), tuple(code.space for code in codes), tuple(notes)
    )


@torch.no_grad()
def _to_w_plus(code: LatentCode, G: Generator) -> WPlus:
    """Return a code as `[1, num_ws, w_dim]`."""
    if code.space == "w_plus":
        return code.values[None]
    if code.space == "w":
        return broadcast(code.values, G.num_ws)
    if G.c_dim:
        raise LatentError(
            f"{code.name} is z, and this generator makes w from z and a label", "import w, or use another generator"
        )
    return broadcast(G.mapping(code.values), G.num_ws)


@torch.no_grad()
def find_implausible(codes: Sequence[LatentCode], w_plus: WPlus, G: Generator) -> list[str]:
    """Return a sentence about codes whose distance from the mean w is far from that of sampled codes."""
    w = _sample_w(G)
    distances = _distance(w, G.w_avg)
    largest, scale = float(distances.max()), float(w.square().mean().sqrt())
    notes = []
    far = [code.name for code, w_p in zip(codes, w_plus, strict=True) if _is_far(w_p, G.w_avg, largest)]
    if far:
        notes.append(
            f"{_list_names(far)}: more than {MAX_RATIO:g} times as far from the mean w as any of {SAMPLES} generated "
            "faces; this may be another generator's code"
        )
    normal = [code.name for code in codes if code.space == "w" and _looks_like_z(code.values, scale)]
    if normal and G.z_dim == G.w_dim:
        notes.append(f"{_list_names(normal)}: the numbers look like z, not w; import them with --space z")
    return notes


def _is_far(w_plus: Tensor, mean: Tensor, largest: float) -> bool:
    return float(_distance(w_plus, mean).mean()) > MAX_RATIO * max(largest, 1e-6)


def _looks_like_z(values: Tensor, scale: float) -> bool:
    """Return whether numbers have the mean square of normal noise, and w has another."""
    return values.numel() >= 8 and abs(float(values.square().mean()) - 1) < 0.35 and not 0.5 < scale < 2


def _distance(w: Tensor, mean: Tensor) -> Tensor:
    """Return the root mean square difference of each row from the mean: `[n, w_dim]` -> `[n]`."""
    return (w - mean).square().mean(dim=-1).sqrt()


def _sample_w(G: Generator) -> Tensor:
    """Return w of SAMPLES random z, with random classes for a generator that takes labels."""
    random = torch.Generator().manual_seed(0)
    z = torch.randn(SAMPLES, G.z_dim, generator=random)
    if not G.c_dim:
        return G.mapping(z)
    return G.mapping(z, torch.eye(G.c_dim)[torch.randint(G.c_dim, (SAMPLES,), generator=random)])


def _list_names(names: Sequence[str]) -> str:
    return ", ".join(names[:5]) + (f" and {len(names) - 5} more" if len(names) > 5 else "")
