"""What every inverter gives back, and how its quality is measured. Knows nothing of how it was found."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import torch
from torch import Tensor

from faceloom.errors import ShapeError
from faceloom.networks.generator import Generator, image_at
from faceloom.networks.lpips import Lpips

QUALITY_RESOLUTION = 256


@dataclass(frozen=True)
class Inversion:
    """A person as found in a generator's latent space.

    Convention: w_plus float32 `[n, num_ws, w_dim]`; one figure an image; `img [n, 3, 256, 256]`, -1...1, is what they
    draw; `delta` is what tuning changed in the
    generator's weights (`networks.tuned`), for one image only. `enough` says that the search ended because it was
    good enough. LPIPS is AlexNet's, MSE is of values in
    -1...1, both on the image area-reduced to 256 px. Seconds are the whole search's, its preparation included.
    """

    w_plus: Tensor
    lpips: tuple[float, ...]
    mse: tuple[float, ...]
    img: Tensor
    steps: int
    seconds: float
    interrupted: bool = False
    enough: bool = False
    delta: Mapping[str, Tensor] = field(default_factory=dict)


def check_img(img: Tensor, *, one: bool = False) -> None:
    """Raise ShapeError unless `img` is `[n, 3, 256, 256]`, with `one` of a single image."""
    size = QUALITY_RESOLUTION
    if img.shape[1:] != (3, size, size) or (one and len(img) != 1):
        raise ShapeError(f"img: expected [{1 if one else 'n'}, 3, {size}, {size}], got {list(img.shape)}")


@torch.no_grad()
def measure(
    G: Generator, w_plus: Tensor, target: Tensor, alexnet: Lpips
) -> tuple[tuple[float, ...], tuple[float, ...], Tensor]:
    """LPIPS (AlexNet) and mean squared error of each latent's image against `target` `[n, 3, 256, 256]`; the images."""
    img = image_at(G, w_plus, QUALITY_RESOLUTION).clamp(-1, 1)
    mse = (img - target).square().mean(dim=(1, 2, 3))
    return tuple(alexnet(img, target).tolist()), tuple(mse.tolist()), img
