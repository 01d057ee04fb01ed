"""Perceptual path length: the smoothness of a generator's images along a line in W.

Source: Karras et al. 2019, section 4.1, eq. 4, at the ends of the path as in Karras et al. 2020.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from faceloom import latents
from faceloom.errors import LatentError
from faceloom.images.channels import to_rgb
from faceloom.label_columns import Columns, example_label
from faceloom.networks.generator import Generator, area_reduce

EPSILON = 1e-4  # length of a step, as a part of the way from w0 to w1
MAX_RESOLUTION = 256  # pixels; larger images are area-reduced
OUTLIERS = 0.01  # share of the distances, at either end, that are dropped


@torch.no_grad()
def path_length(
    G: Generator,
    lpips: Callable[[Tensor, Tensor], Tensor],
    count: int,
    *,
    seed: int = 0,
    callback: Callable[[int], None] | None = None,
    label_columns: Columns = (),
) -> float:
    """Return the mean LPIPS (VGG16, 256 px) of `count` short steps from w0 towards w1, over the step length squared.

    Convention: w is not truncated, noise is constant, pictures are not cropped to the face; the classes of a
    generator with labels are used in turn, with the numbers of `label_columns`; transparency is shown on white. Step i
    is drawn by `seed + i` and does not depend on `count`.
    Raises LatentError for a `count` below 4.
    """
    if count < 4:
        raise LatentError(f"expected 4 steps or more, got {count}", "measure 100 or more")
    lengths = []
    for i in range(count):
        pair = torch.randn(2, G.z_dim, generator=torch.Generator().manual_seed(seed + i)).to(G.w_avg.device)
        w0, w1 = G.mapping(pair, make_label(G, i, 2, label_columns)).split(1)
        steps = latents.broadcast(torch.cat([w0, w0.lerp(w1, EPSILON)]), G.num_ws)
        img = to_rgb(G.synthesis(steps))
        img = area_reduce(img, MAX_RESOLUTION) if img.shape[-1] > MAX_RESOLUTION else img
        lengths.append(lpips(img[:1], img[1:]).cpu() / EPSILON**2)
        if callback:
            callback(i + 1)
    return trimmed_mean(torch.cat(lengths).double())


def trimmed_mean(values: Tensor) -> float:
    """Return the mean without the lowest and the highest hundredth."""
    dropped = round(len(values) * OUTLIERS)
    return float(values.sort().values[dropped : len(values) - dropped].mean())


def make_label(G: Generator, number: int, rows: int = 1, label_columns: Columns = ()) -> Tensor | None:
    """Return the label of class `number` modulo c_dim, `[rows, c_dim]`; None for a generator without labels.

    Labels with names are `example_label`s.
    """
    if not G.c_dim:
        return None
    if label_columns:
        return torch.tensor([example_label(label_columns, number)] * rows, device=G.w_avg.device)
    return torch.eye(G.c_dim, device=G.w_avg.device)[number % G.c_dim].repeat(rows, 1)
