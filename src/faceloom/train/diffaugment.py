"""DiffAugment: three augmentations that are applied to every image, without a probability to adapt.

Source: Zhao et al. 2020, "Differentiable Augmentation for Data-Efficient GAN Training", section 4. Everything is
differentiable twice.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from faceloom.images.channels import on_colors
from faceloom.train.augment import cover

DRAW_COUNT = 7  # uniform random numbers per image


def diffaugment(
    img: Tensor, policy: str = "color,translation,cutout", generator: torch.Generator | None = None
) -> Tensor:
    """Augment every image.

    Convention: img float32 `[n, c, h, w]`, -1...1; the result has the same shape. Of an RGBA img (premultiplied),
    colors change and alpha stays, and uncovered or covered pixels are transparent. `policy` lists color, translation
    and cutout, separated by commas.
    """
    device = generator.device if generator is not None else "cpu"
    return diffaugment_rows(img, policy, torch.rand(len(img), DRAW_COUNT, generator=generator, device=device))


def diffaugment_rows(img: Tensor, policy: str, rows: Tensor) -> Tensor:
    """Augment every image with uniform numbers `[n, 7]` that the caller drew."""
    draws = rows.to(img.device).split((3, 2, 2), dim=1)
    named = policy.replace(" ", "").split(",")
    for (name, transformation), numbers in zip(TRANSFORMATIONS.items(), draws, strict=True):
        img = transformation(img, numbers) if name in named else img
    return img


def _color(img: Tensor, draws: Tensor) -> Tensor:
    """Change brightness by up to 0.5, saturation by a factor of 0...2 and contrast by a factor of 0.5...1.5."""
    brightness, saturation, contrast = draws[:, :, None, None, None].unbind(dim=1)

    def change(colors: Tensor, alpha: Tensor | None) -> Tensor:
        weight = torch.ones_like(colors[:, :1]) if alpha is None else alpha
        colors = colors + (brightness - 0.5) * weight
        gray = colors.mean(dim=1, keepdim=True)
        colors = gray + (colors - gray) * (2 * saturation)
        mean = colors.mean(dim=(1, 2, 3), keepdim=True)
        if alpha is not None:  # of the visible pixels
            mean = mean / alpha.mean(dim=(1, 2, 3), keepdim=True).clamp(min=1e-3)
        return mean * weight + (colors - mean * weight) * (contrast + 0.5)

    return on_colors(img, change)


def _translation(img: Tensor, draws: Tensor) -> Tensor:
    """Shift each image by up to an eighth of its size; uncovered pixels become gray, or transparent."""
    n, _, h, w = img.shape
    rows, is_row = _shift_lines(draws[:, 1], h, round(h / 8))
    columns, is_column = _shift_lines(draws[:, 0], w, round(w / 8))
    images = torch.arange(n, device=img.device)[:, None, None]
    out = img.permute(0, 2, 3, 1)[images, rows[:, :, None], columns[:, None, :]].permute(0, 3, 1, 2)
    return cover(out, (is_row[:, :, None] & is_column[:, None, :])[:, None])


def _shift_lines(draw: Tensor, size: int, most: int) -> tuple[Tensor, Tensor]:
    """Return the source index of each line, `[n, size]`, and whether it lies inside the image."""
    by = (draw * (2 * most + 1)).floor().long() - most
    line = torch.arange(size, device=draw.device) + by[:, None]
    return line.clamp(0, size - 1), (line >= 0) & (line < size)


def _cutout(img: Tensor, draws: Tensor) -> Tensor:
    """Cover a rectangle of half the height and width with gray, or transparency; it may extend beyond the edges."""
    h, w = img.shape[2:]
    rows, columns = _cover_lines(draws[:, 1], h), _cover_lines(draws[:, 0], w)
    return cover(img, ~(rows[:, :, None] & columns[:, None, :])[:, None])


def _cover_lines(draw: Tensor, size: int) -> Tensor:
    center = (draw * (size + 1)).floor()[:, None]
    line = torch.arange(size, device=draw.device)
    return (line >= center - size // 4) & (line < center - size // 4 + size // 2)


TRANSFORMATIONS: dict[str, Callable[[Tensor, Tensor], Tensor]] = {
    "color": _color,
    "translation": _translation,
    "cutout": _cutout,
}
