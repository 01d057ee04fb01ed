"""Backgrounds of a cast: as generated, plain, or transparent, by the regions that are read from the generator.

The regions have 64 pixels a side. A guided filter refines their edge along the edges of the picture, so that hair keeps
its outline. Source: He, Sun and Tang 2013, "Guided Image Filtering".
"""

from __future__ import annotations

import numpy as np
import torch
import torch.nn.functional as F
from PIL import Image
from torch import Tensor

from faceloom.analyze.attributes import REGIONS
from faceloom.errors import PlanError
from faceloom.images import to_img
from faceloom.images.tensors import Pixels

COLORS = {"white": (255, 255, 255), "gray": (128, 128, 128), "green": (0, 177, 64)}
RADIUS = 1 / 40  # of the guided filter's window, as a part of the picture's side
EPSILON = 1e-4  # variance of the guide below which the filter averages
SURE = (0.1, 0.9)  # opacities that become 0 and 1: what is almost certain is certain


def cut_out(pixels: Pixels, regions: Tensor | None, background: str) -> tuple[Image.Image, Image.Image | None]:
    """Return a picture with the background of a plan, and its opacity, mode L, for a transparent one.

    Convention: `pixels` uint8 `[h, h, 3]`; `regions [1, 10, 64, 64]`. Raises PlanError without regions.
    """
    picture = Image.fromarray(pixels)
    if background == "generated":
        return picture, None
    if regions is None:
        raise PlanError("only the default generator draws other backgrounds", "use background = 'generated'")
    opacity = Image.fromarray(matte(pixels, regions))
    if background == "transparent":
        return picture, opacity
    return Image.composite(picture, Image.new("RGB", picture.size, COLORS[background]), opacity), None


def matte(pixels: Pixels, regions: Tensor) -> np.ndarray:
    """Return the opacity of the person, uint8 `[h, h]`."""
    guide = to_img(pixels).mean(1, keepdim=True) / 2  # [1 1 h h]
    side = guide.shape[-1]
    rough = resize_maps(keep_one_person(1 - regions[:, REGIONS.index("background")][:, None]), side)
    fine = guided_filter(guide, rough, max(1, round(side * RADIUS)))
    low, high = SURE
    opacity = ((fine - low) / (high - low)).clamp(0, 1)[0, 0]
    return (opacity * 255).round().to(torch.uint8).numpy()


def keep_one_person(person: Tensor) -> Tensor:
    """Remove what is not connected to the middle of the picture, as a second head at its edge.

    Convention: probabilities `[1, 1, 64, 64]`.
    """
    solid = (person > 0.5).float()
    side = person.shape[-1]
    connected = torch.zeros_like(person)
    connected[..., side // 2, side // 2] = 1
    for _ in range(4 * side):
        grown = F.max_pool2d(connected, 3, stride=1, padding=1) * solid
        if torch.equal(grown, connected):
            break
        connected = grown
    near = F.max_pool2d(connected, 5, stride=1, padding=2)  # with the soft edge
    return person * near


def resize_maps(maps: Tensor, side: int) -> Tensor:
    """Resize maps of probabilities `[n, c, h, h]` to `[n, c, side, side]`."""
    return F.interpolate(maps, (side, side), mode="bilinear", align_corners=False, antialias=True)


def guided_filter(guide: Tensor, x: Tensor, radius: int) -> Tensor:
    """Filter `x` so that its edges follow those of the guide; both `[1, 1, h, w]`. Equations 5, 6 and 8."""
    mean_guide, mean_x = _mean(guide, radius), _mean(x, radius)
    covariance = _mean(guide * x, radius) - mean_guide * mean_x
    variance = _mean(guide * guide, radius) - mean_guide.square()
    a = covariance / (variance + EPSILON)
    b = mean_x - a * mean_guide
    return _mean(a, radius) * guide + _mean(b, radius)


def _mean(x: Tensor, radius: int) -> Tensor:
    """Return the mean over windows of (2 radius + 1) squared, smaller at the borders."""
    side = 2 * radius + 1
    rows = F.avg_pool2d(x, (side, 1), 1, (radius, 0), count_include_pad=False)
    return F.avg_pool2d(rows, (1, side), 1, (0, radius), count_include_pad=False)
