"""The result that every inverter returns, and the measurement of its quality."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import torch
from torch import Tensor

from faceloom.errors import ShapeError
from faceloom.networks.generator import Generator, image_at
from faceloom.networks.lpips import Lpips

QUALITY_RESOLUTION = 256  # pixels; side of the images that inversion compares and that quality is measured on


@dataclass(frozen=True)
class Inversion:
    """The latents of one or more images in a generator, with their quality.

    Convention: w_plus float32 `[n, num_ws, w_dim]`; `lpips` and `mse` have one value per image; `img [n, 3, 256, 256]`,
    -1...1, is generated from the latents (and `delta`). LPIPS is AlexNet's, MSE is of values in -1...1, both on the
    image area-reduced to 256 px. `seconds` is the duration of the whole inversion, its preparation included.
    `interrupted` says that Ctrl-C or `Cancelled` ended it, `good_enough` that its stop condition did. `delta` is the
    change of the generator's weights by tuning (`networks.tuned`), for one image only.
    """

    w_plus: Tensor
    lpips: tuple[float, ...]
    mse: tuple[float, ...]
    img: Tensor
    steps: int
    seconds: float
    interrupted: bool = False
    good_enough: bool = False
    delta: Mapping[str, Tensor] = field(default_factory=dict)


def check_img(img: Tensor, *, one: bool = False) -> None:
    """Raise ShapeError unless `img` is `[n, 3, 256, 256]`; with `one`, unless it is `[1, 3, 256, 256]`."""
    size = QUALITY_RESOLUTION
    if img.shape[1:] != (3, size, size) or (one and len(img) != 1):
        raise ShapeError(f"img: expected [{1 if one else 'n'}, 3, {size}, {size}], got {list(img.shape)}")


@torch.no_grad()
def measure(
    G: Generator, w_plus: Tensor, target: Tensor, alexnet: Lpips
) -> tuple[tuple[float, ...], tuple[float, ...], Tensor]:
    """Return LPIPS (AlexNet), mean squared error and the image of each latent.

    Each image is compared with its target in `target [n, 3, 256, 256]`.
    """
    img = image_at(G, w_plus, QUALITY_RESOLUTION).clamp(-1, 1)
    mse = (img - target).square().mean(dim=(1, 2, 3))
    return tuple(alexnet(img, target).tolist()), tuple(mse.tolist()), img
