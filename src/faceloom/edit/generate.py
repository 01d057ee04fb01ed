"""Random people from seeds. Knows the generator protocol: no images, no files."""

from __future__ import annotations

from collections.abc import Sequence

import torch

from faceloom import latents
from faceloom.errors import LatentError
from faceloom.latents import WPlus
from faceloom.networks.generator import Generator

MAX_PSI = 2.0


@torch.no_grad()
def generate_latents(
    G: Generator, seeds: Sequence[int], psi: float = 0.7, cutoff: int | None = None, c: torch.Tensor | None = None
) -> WPlus:
    """Draw one person a seed: `[len(seeds), num_ws, w_dim]`.

    Convention: z is `numpy.random.RandomState(seed).randn(1, z_dim)`; `psi` pulls the first `cutoff` layers (all by
    default) towards the mean, 1 = off, 0 = the mean face; `c [1, c_dim]` is one label for all. Each seed is mapped by
    itself, so that a person does not depend on the company, to the last bit.
    Raises LatentError for a seed out of range or a `psi` outside -2...2.
    """
    if not -MAX_PSI <= psi <= MAX_PSI:
        raise LatentError(f"psi {psi} is out of range", f"use {-MAX_PSI} to {MAX_PSI}; 0.7 gives clean faces")
    z = latents.z_from_seeds(seeds, G.z_dim).to(G.w_avg.device)
    rows = [G.mapping(one, c) for one in z.split(1)]
    w = torch.cat(rows) if rows else G.w_avg.new_empty(0, G.w_dim)
    return latents.truncate(latents.broadcast(w, G.num_ws), G.w_avg, psi, cutoff)
