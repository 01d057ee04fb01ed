"""Always change real and made images in the same three ways: simpler than ADA, with nothing to adapt.

Source: Zhao et al. 2020, "Differentiable Augmentation for Data-Efficient GAN Training", section 4. Can be
differentiated twice.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

DRAWS = 7


def diffaugment(
    img: Tensor, policy: str = "color,translation,cutout", generator: torch.Generator | None = None
) -> Tensor:
    """Augment every image.

    Convention: img float32 `[n, 3, h, w]`, -1...1, to the same shape; `policy` names color, translation and cutout,
    with commas between them.
    """
    device = generator.device if generator is not None else "cpu"
    return diffaugment_rows(img, policy, torch.rand(len(img), DRAWS, generator=generator, device=device))


def diffaugment_rows(img: Tensor, policy: str, rows: Tensor) -> Tensor:
    """The same with uniform numbers `[n, 7]` that were drawn elsewhere, as by image numbers."""
    draws = rows.to(img.device).split((3, 2, 2), dim=1)
    named = policy.replace(" ", "").split(",")
    for (name, transformation), own in zip(TRANSFORMATIONS.items(), draws, strict=True):
        img = transformation(img, own) if name in named else img
    return img


def _color(img: Tensor, draws: Tensor) -> Tensor:
    """Brightness by up to half, saturation up to doubled, contrast between half and one and a half."""
    brightness, saturation, contrast = draws[:, :, None, None, None].unbind(dim=1)
    img = img + (brightness - 0.5)
    grey = img.mean(dim=1, keepdim=True)
    img = grey + (img - grey) * (2 * saturation)
    mean = img.mean(dim=(1, 2, 3), keepdim=True)
    return mean + (img - mean) * (contrast + 0.5)


def _translation(img: Tensor, draws: Tensor) -> Tensor:
    """Shift by up to an eighth; what comes in is grey."""
    n, _, h, w = img.shape
    rows, is_row = _shifted(draws[:, 1], h, round(h / 8))
    columns, is_column = _shifted(draws[:, 0], w, round(w / 8))
    images = torch.arange(n, device=img.device)[:, None, None]
    out = img.permute(0, 2, 3, 1)[images, rows[:, :, None], columns[:, None, :]].permute(0, 3, 1, 2)
    return out * (is_row[:, :, None] & is_column[:, None, :])[:, None]


def _shifted(draw: Tensor, size: int, most: int) -> tuple[Tensor, Tensor]:
    """Which line each line shows `[n, size]`, and whether there is one."""
    by = (draw * (2 * most + 1)).floor().long() - most
    line = torch.arange(size, device=draw.device) + by[:, None]
    return line.clamp(0, size - 1), (line >= 0) & (line < size)


def _cutout(img: Tensor, draws: Tensor) -> Tensor:
    """Grey out a rectangle of half the height and width anywhere, also across the edge."""
    h, w = img.shape[2:]
    rows, columns = _covered(draws[:, 1], h), _covered(draws[:, 0], w)
    return img * ~(rows[:, :, None] & columns[:, None, :])[:, None]


def _covered(draw: Tensor, size: int) -> Tensor:
    centre = (draw * (size + 1)).floor()[:, None]
    line = torch.arange(size, device=draw.device)
    return (line >= centre - size // 4) & (line < centre - size // 4 + size // 2)


TRANSFORMATIONS: dict[str, Callable[[Tensor, Tensor], Tensor]] = {
    "color": _color,
    "translation": _translation,
    "cutout": _cutout,
}
