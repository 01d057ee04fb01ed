"""The pictures to measure, one at a time: from a folder or an archive, or from a generator."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from pathlib import Path

import torch

from faceloom import latents
from faceloom.datasets.sources import SourceConfig, open_source
from faceloom.errors import ImageError
from faceloom.images import to_img
from faceloom.images.channels import to_rgb
from faceloom.images.tensors import Img
from faceloom.label_columns import Columns
from faceloom.metrics.path_length import make_label
from faceloom.networks.generator import Generator

Callback = Callable[[int, str], None]
"""Function that gets the number of pictures so far, and the last one's name (for `broken`, its error)."""


def open_pictures(
    path: Path, count: int | None = None, callback: Callback | None = None, broken: Callback | None = None
) -> Iterator[Img]:
    """Yield a collection's first `count` readable pictures, each `[1, 3, h, w]` of its own size.

    `broken` is called for each unreadable picture. Raises StoreError for a path that is not a collection.
    """
    source = open_source(path, SourceConfig(labels="none"))
    yielded = unreadable = 0
    for record in source.records:
        if yielded == count:
            return
        try:
            img = to_img(record.open())
        except ImageError as error:
            unreadable += 1
            if broken:
                broken(unreadable, f"{record.name}: {error.message}")
            continue
        yielded += 1
        yield img
        if callback:
            callback(yielded, record.name)


@torch.no_grad()
def generate_pictures(
    G: Generator,
    count: int,
    *,
    seed: int = 0,
    psi: float = 1.0,
    callback: Callback | None = None,
    label_columns: Columns = (),
) -> Iterator[Img]:
    """Yield generated pictures of the seeds from `seed` on in RGB, each `[1, 3, r, r]`.

    With labels, the classes in turn, or the `example_label`s of `label_columns`. Transparency is shown on white, as it
    is in pictures that `open_pictures` opens, and gray is repeated in three channels.
    """
    for number in itertools.islice(itertools.count(), count):
        z = latents.z_from_seeds([seed + number], G.z_dim).to(G.w_avg.device)
        w = G.mapping(z, make_label(G, number, label_columns=label_columns))
        w_plus = latents.truncate(latents.broadcast(w, G.num_ws), G.w_avg, psi)
        yield to_rgb(G.synthesis(w_plus).float().clamp(-1, 1)).cpu()
        if callback:
            callback(number + 1, f"seed {seed + number}")
