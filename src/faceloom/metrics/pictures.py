"""The pictures that are measured: opened from a folder or an archive, or drawn by a generator. One at a time."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from pathlib import Path

import torch

from faceloom import latents
from faceloom.datasets.sources import SourceConfig, open_source
from faceloom.errors import ImageError
from faceloom.images import to_img
from faceloom.images.tensors import Img
from faceloom.metrics.path_length import class_vector
from faceloom.networks.generator import Generator

Callback = Callable[[int, str], None]
"""Gets how many pictures were given, and the last one's name."""


def opened(
    path: Path, count: int | None = None, callback: Callback | None = None, broken: Callback | None = None
) -> Iterator[Img]:
    """Open a collection's first `count` pictures, each `[1, 3, h, w]` of its own size; `broken` hears of bad ones.

    Raises StoreError for what is no collection, or refused.
    """
    source = open_source(path, SourceConfig(labels="none"))
    given = bad = 0
    for record in source.records:
        if given == count:
            return
        try:
            img = to_img(record.open())
        except ImageError as error:
            bad += 1
            if broken:
                broken(bad, f"{record.name}: {error.message}")
            continue
        given += 1
        yield img
        if callback:
            callback(given, record.name)


@torch.no_grad()
def drawn(
    G: Generator, count: int, *, seed: int = 0, psi: float = 1.0, callback: Callback | None = None
) -> Iterator[Img]:
    """Draw people of the seeds from `seed` on, each `[1, 3, r, r]`; a labelled generator's classes in turn."""
    for number in itertools.islice(itertools.count(), count):
        z = latents.z_from_seeds([seed + number], G.z_dim).to(G.w_avg.device)
        w = G.mapping(z, class_vector(G, number))
        w_plus = latents.truncate(latents.broadcast(w, G.num_ws), G.w_avg, psi)
        yield G.synthesis(w_plus).float().clamp(-1, 1).cpu()
        if callback:
            callback(number + 1, f"seed {seed + number}")
