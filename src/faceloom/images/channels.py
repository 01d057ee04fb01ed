"""Pictures of one, three and four channels: gray of 8 or 16 bits, RGB and RGBA, as files and as tensors.

Convention: files hold straight alpha: their colors are not multiplied by alpha, as PNG and WebP require. An img of four
channels holds premultiplied alpha: colors times alpha, and alpha, all -1...1, so that a transparent pixel is -1 in
every channel. Resizing, filtering and averaging are right on premultiplied colors only, and a network need not learn
colors that are never seen. Source: Porter & Duff 1984, "Compositing Digital Images", section 3.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float, UInt8, UInt16
from PIL import Image
from torch import Tensor

from faceloom.errors import ImageError, ShapeError
from faceloom.images.color import BACKGROUND
from faceloom.images.tensors import Img

AnyImg = Float[Tensor, "n c h w"]
"""Images of c channels: 1 gray, 3 RGB, 4 RGB times alpha, and alpha; -1...1."""
Levels = UInt8[np.ndarray, "h w c"] | UInt16[np.ndarray, "h w 1"]
"""The levels of a picture's file: 8 bits of gray, RGB or RGBA, or 16 bits of gray."""

LEVELS_8, LEVELS_16 = 255, 65535
LIGHT, DARK = 255, 204
"""Gray levels of the checkerboard's squares."""
SQUARES = 8
"""Squares of the checkerboard along the shorter side of a picture."""


@dataclass(frozen=True)
class Colors:
    """A kind of pictures: its name, number of channels, bits of a level, and Pillow's mode."""

    name: str
    channels: int
    bits: int
    mode: str


GRAY, GRAY16 = Colors("gray", 1, 8, "L"), Colors("gray16", 1, 16, "I;16")
RGB, RGBA = Colors("rgb", 3, 8, "RGB"), Colors("rgba", 4, 8, "RGBA")
COLORS = {colors.name: colors for colors in (GRAY, GRAY16, RGB, RGBA)}
"""All kinds of pictures by name."""


def colors_of(picture: Image.Image) -> Colors:
    """Return the kind of a picture, by its mode. Raises ImageError for another mode."""
    for colors in COLORS.values():
        if picture.mode == colors.mode:
            return colors
    raise ImageError(f"a picture of the mode {picture.mode}: expected gray, RGB or RGBA", "convert it to RGB")


def find_colors(channels: int, bits: int = 8) -> Colors:
    """Return the kind of pictures with a number of channels and bits. Raises ShapeError when there is none."""
    for colors in COLORS.values():
        if (colors.channels, colors.bits) == (channels, bits):
            return colors
    raise ShapeError(f"img: expected 1, 3 or 4 channels, got {channels} of {bits} bits")


# ----- pictures


def convert(picture: Image.Image, to: Colors) -> Image.Image:
    """Convert a picture to another kind.

    Gray becomes three equal channels, colors become their brightness (ITU-R BT.601), a transparent picture is shown on
    BACKGROUND, and an opaque one gets an alpha of 255. 16 bits and 8 bits are converted by x / 257 and x * 257.
    """
    start = colors_of(picture)
    if start == to:
        return picture
    if start == GRAY16:
        levels = (np.asarray(picture).astype(np.float32) / (LEVELS_16 / LEVELS_8)).round()
        return convert(Image.fromarray(levels.astype(np.uint8)), to)
    if start == RGBA:
        return convert(show_on(picture, Image.new("RGB", picture.size, BACKGROUND)), to)
    if to == GRAY16:
        return Image.fromarray(np.asarray(picture.convert("L")).astype(np.uint16) * (LEVELS_16 // LEVELS_8))
    return picture.convert(to.mode)


def show_on(picture: Image.Image, background: Image.Image) -> Image.Image:
    """Show an RGBA picture on a background of the same size, as RGB."""
    return Image.composite(picture.convert("RGB"), background, picture.getchannel("A"))


def show(picture: Image.Image) -> Image.Image:
    """Return a picture as people look at it: RGB, with a checkerboard behind transparent parts."""
    if colors_of(picture) != RGBA:
        return convert(picture, RGB)
    board = Image.fromarray(_checkerboard(picture.height, picture.width)).convert("RGB")
    return show_on(picture, board)


def resize(
    picture: Image.Image, size: tuple[int, int], box: tuple[float, float, float, float] | None = None
) -> Image.Image:
    """Resize a picture, or the part in `box`, to `size` (width, height) with Lanczos' filter.

    Transparent pictures are resized with premultiplied colors (Pillow does so for RGBA), 16-bit gray in float.
    """
    if picture.mode != GRAY16.mode:
        return picture.resize(size, Image.Resampling.LANCZOS, box)
    real = Image.fromarray(np.asarray(picture).astype(np.float32))
    levels = np.asarray(real.resize(size, Image.Resampling.LANCZOS, box)).round().clip(0, LEVELS_16)
    return Image.fromarray(levels.astype(np.uint16))


def to_levels(picture: Image.Image) -> Levels:
    """Return the levels of a picture: uint8 `[h, w, c]`, or uint16 `[h, w, 1]` for 16-bit gray; alpha is straight."""
    levels = np.array(picture)
    return levels if levels.ndim == 3 else levels[..., None]


def from_levels(levels: Levels) -> Image.Image:
    """Return the picture of levels, with straight alpha."""
    return Image.fromarray(levels[..., 0] if levels.shape[2] == 1 else levels)


def _checkerboard(height: int, width: int) -> UInt8[np.ndarray, "h w"]:
    side = max(1, min(height, width) // SQUARES)
    odd = (np.arange(height)[:, None] // side + np.arange(width) // side) % 2
    return np.where(odd, DARK, LIGHT).astype(np.uint8)


# ----- tensors


def levels_to_img(levels: Tensor) -> AnyImg:
    """Convert levels `[n, h, w, c]` to an img `[n, c, h, w]`, -1...1; alpha becomes premultiplied.

    Convention: uint8 levels are 0...255; int32 levels, which torch computes with unlike uint16, are 0...65535.
    """
    half = (LEVELS_8 if levels.dtype == torch.uint8 else LEVELS_16) / 2
    img = levels.permute(0, 3, 1, 2).float().div_(half).sub_(1)
    return premultiply(img) if img.shape[1] == 4 else img


def img_to_levels(img: AnyImg, bits: int = 8) -> list[Levels]:
    """Convert images `[n, c, h, w]` to n arrays of levels, rounded and clamped; alpha becomes straight.

    Raises ShapeError for another number of channels, ImageError for NaN or infinity.
    """
    find_colors(img.shape[1], bits)
    img = img.detach().float()
    if not img.isfinite().all():
        raise ImageError("the picture holds values that are not finite (NaN or infinity)", "please report this")
    img = unpremultiply(img) if img.shape[1] == 4 else img
    top, dtype = (LEVELS_8, np.uint8) if bits == 8 else (LEVELS_16, np.uint16)
    levels = img.add(1).mul_(top / 2).round_().clamp_(0, top)
    return list(levels.permute(0, 2, 3, 1).contiguous().cpu().numpy().astype(dtype))


def to_pictures(img: AnyImg, bits: int = 8) -> list[Image.Image]:
    """Convert images `[n, c, h, w]` to pictures: gray of 8 or 16 bits, RGB or RGBA. Raises as `img_to_levels`."""
    return [from_levels(levels) for levels in img_to_levels(img, bits)]


def premultiply(img: Float[Tensor, "n 4 h w"]) -> AnyImg:
    """Multiply the colors of a straight RGBA img by alpha."""
    alpha = (img[:, 3:] + 1) / 2
    return torch.cat(((img[:, :3] + 1) * alpha - 1, img[:, 3:]), dim=1)


def unpremultiply(img: Float[Tensor, "n 4 h w"]) -> AnyImg:
    """Divide the colors of a premultiplied RGBA img by alpha, within -1...1; transparent pixels become black."""
    alpha = ((img[:, 3:] + 1) / 2).clamp(0, 1)
    colors = (img[:, :3] + 1) / alpha.clamp(min=1 / LEVELS_16)
    visible = alpha >= 0.5 / LEVELS_8
    return torch.cat((torch.where(visible, colors.clamp(0, 2), 0) - 1, img[:, 3:]), dim=1)


def to_rgb(img: AnyImg, background: float | Tensor = 1.0) -> Img:
    """Convert images of any channels to RGB: gray is repeated, transparency is shown on a background, by default white.

    Convention: `background` is -1...1, a number or a tensor that broadcasts to `[n, 3, h, w]`. Differentiable.
    """
    if img.shape[1] == 1:
        return img.expand(-1, 3, -1, -1)
    if img.shape[1] == 3:
        return img
    return img[:, :3] + (1 - img[:, 3:]) / 2 * (background + 1)


def show_img(img: AnyImg) -> Img:
    """Return images as people look at them: RGB, with a checkerboard behind transparent parts."""
    board = torch.from_numpy(_checkerboard(*img.shape[2:])).to(img) / (LEVELS_8 / 2) - 1
    return to_rgb(img, board)


def on_colors(img: Tensor, change: Callable[[Tensor, Tensor | None], Tensor]) -> Tensor:
    """Apply a change of color to the color channels only; alpha stays, and transparent pixels stay transparent.

    Convention: `change(colors, alpha)` gets the colors `[n, 1 or 3, h, w]`, -1...1, and None; of an RGBA img it gets
    the straight colors times alpha, and alpha, 0...1: there, it must multiply what it adds by alpha.
    """
    if img.shape[1] != 4:
        return change(img, None)
    alpha = (img[:, 3:] + 1) / 2
    # A premultiplied color is 2 c a - 1 for a color c in 0...1; (2 c - 1) a is the straight color times alpha.
    changed = change(img[:, :3] + 1 - alpha, alpha)
    return torch.cat((changed - 1 + alpha, img[:, 3:]), dim=1)
