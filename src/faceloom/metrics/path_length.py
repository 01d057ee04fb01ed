"""Perceptual path length: how evenly a generator's pictures change along a line in W. Knows generators and LPIPS.

Source: Karras et al. 2019, section 4.1, eq. 4, at the ends of the path as Karras et al. 2020 measure it.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from faceloom import latents
from faceloom.errors import LatentError
from faceloom.networks.generator import Generator, area_reduce
from faceloom.networks.lpips import Lpips

EPSILON = 1e-4
SIDE = 256
OUTLIERS = 0.01  # of the distances, at either end, that are left out


@torch.no_grad()
def path_length(
    G: Generator, lpips: Lpips, count: int, *, seed: int = 0, callback: Callable[[int], None] | None = None
) -> float:
    """Measure `count` short steps from w0 towards w1, in LPIPS (VGG16) at 256 px, over the step's square.

    Convention: w is not truncated, noise is constant, pictures are not cropped to the face; a labelled generator's
    classes are taken in turn. Step i belongs to `seed + i`, so that `count` changes none. Raises LatentError below 4.
    """
    if count < 4:
        raise LatentError(f"a path length of {count} steps", "measure 100 or more")
    lengths = []
    for i in range(count):
        pair = torch.randn(2, G.z_dim, generator=torch.Generator().manual_seed(seed + i)).to(G.w_avg.device)
        w0, w1 = G.mapping(pair, class_vector(G, i, 2)).split(1)
        steps = latents.broadcast(torch.cat([w0, w0.lerp(w1, EPSILON)]), G.num_ws)
        img = G.synthesis(steps)
        img = area_reduce(img, SIDE) if img.shape[-1] > SIDE else img
        lengths.append(lpips(img[:1], img[1:]).cpu() / EPSILON**2)
        if callback:
            callback(i + 1)
    return trimmed_mean(torch.cat(lengths).double())


def trimmed_mean(values: Tensor) -> float:
    """The mean without the lowest and the highest hundredth."""
    cut = round(len(values) * OUTLIERS)
    return float(values.sort().values[cut : len(values) - cut].mean())


def class_vector(G: Generator, number: int, rows: int = 1) -> Tensor | None:
    """Label `number`, in turn, `[rows, c_dim]`; None for a generator without labels."""
    if not G.c_dim:
        return None
    return torch.eye(G.c_dim, device=G.w_avg.device)[number % G.c_dim].repeat(rows, 1)
