"""Generated faces from seeds. Works on latents, without images or files."""

from __future__ import annotations

from collections.abc import Sequence

import torch

from faceloom import latents
from faceloom.errors import LatentError
from faceloom.latents import WPlus
from faceloom.networks.generator import Generator

MAX_PSI = 2.0  # largest absolute value of the truncation


@torch.no_grad()
def generate_latents(
    G: Generator, seeds: Sequence[int], psi: float = 0.7, cutoff: int | None = None, c: torch.Tensor | None = None
) -> WPlus:
    """Generate the latent of one face for each seed: `[len(seeds), num_ws, w_dim]`.

    Convention: z is `numpy.random.RandomState(seed).randn(1, z_dim)`; `psi` truncates the first `cutoff` layers (all by
    default) towards the mean face, 1 = off, 0 = the mean face; `c [1, c_dim]` is one label for all. Each seed is mapped
    alone, so that a latent does not depend on the other seeds, to the last bit.
    Raises LatentError for a seed out of range or a `psi` outside -2...2.
    """
    if not -MAX_PSI <= psi <= MAX_PSI:
        raise LatentError(f"psi {psi} is out of range", f"use {-MAX_PSI} to {MAX_PSI}; 0.7 gives clean faces")
    z = latents.z_from_seeds(seeds, G.z_dim).to(G.w_avg.device)
    rows = [G.mapping(row, c) for row in z.split(1)]
    w = torch.cat(rows) if rows else G.w_avg.new_empty(0, G.w_dim)
    return latents.truncate(latents.broadcast(w, G.num_ws), G.w_avg, psi, cutoff)


def make_label(label: int | None, c_dim: int) -> torch.Tensor | None:
    """Return the label `c [1, c_dim]` of a class, or None for a generator without labels.

    Raises LatentError for a label that is missing or out of range, or that is given to a generator without labels.
    """
    if c_dim and (label is None or not 0 <= label < c_dim):
        problem = "no label was given" if label is None else f"label {label} is out of range"
        raise LatentError(f"{problem}, and this generator takes labels", f"give --label 0 to {c_dim - 1}")
    if not c_dim and label is not None:
        raise LatentError("this generator takes no labels", "leave --label out")
    return None if label is None else torch.eye(c_dim)[label : label + 1]
