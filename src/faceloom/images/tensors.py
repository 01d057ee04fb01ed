"""Conversion between pixels (0...255) and image tensors (-1...1), and resizing of tensors."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
import torch.nn.functional as F
from jaxtyping import Float, UInt8
from PIL import Image
from torch import Tensor

from faceloom.errors import ImageError, ShapeError

Img = Float[Tensor, "n 3 h w"]
Pixels = UInt8[np.ndarray, "h w 3"]
Picture = Image.Image | Pixels | Tensor
"""One picture in any form: a photo, pixels, or an img with n = 1."""


def to_img(pictures: Image.Image | Pixels | Sequence[Image.Image | Pixels]) -> Img:
    """Convert one picture, or several of one size, to a float tensor.

    Convention: photo or uint8 `[h, w, 3]` (or a list of them) -> float32 `[n, 3, h, w]`, RGB, -1...1.
    Raises ShapeError for arrays of another shape or type, or pictures of different sizes.
    """
    if isinstance(pictures, Image.Image | np.ndarray):
        pictures = [pictures]
    arrays = [_check_pixels(picture) for picture in pictures]
    if len({array.shape for array in arrays}) != 1:
        raise ShapeError(f"pictures: expected one size, got {sorted({array.shape for array in arrays})}")
    return pixels_to_img(torch.from_numpy(np.stack(arrays)))


def pixels_to_img(pixels: UInt8[Tensor, "n h w 3"]) -> Img:
    """Convert a uint8 tensor of pixels, on any device, to float32 `[n, 3, h, w]`, -1...1."""
    return pixels.permute(0, 3, 1, 2).float().div_(127.5).sub_(1)


def to_pixels(img: Img) -> Pixels:
    """Convert `img [1, 3, h, w]` to uint8 `[h, w, 3]`, rounded, and clamped outside -1...1.

    Raises ShapeError unless n is 1, ImageError for NaN or infinity.
    """
    if img.ndim != 4 or img.shape[0] != 1:
        raise ShapeError(f"img: expected [1, 3, h, w], got {list(img.shape)}", "use to_pixel_list for several images")
    return to_pixel_list(img)[0]


def to_pixel_list(img: Img) -> list[Pixels]:
    """Convert `img [n, 3, h, w]` to n arrays uint8 `[h, w, 3]`: `to_pixels` for any n."""
    if img.ndim != 4 or img.shape[1] != 3:
        raise ShapeError(f"img: expected [n, 3, h, w], got {list(img.shape)}")
    img = img.detach().float()
    if not img.isfinite().all():
        raise ImageError("the picture holds values that are not finite (NaN or infinity)", "please report this")
    levels = img.add(1).mul_(127.5).round_().clamp_(0, 255).to(torch.uint8)
    return list(levels.permute(0, 2, 3, 1).contiguous().cpu().numpy())


def to_photo(picture: Picture) -> Image.Image:
    """Convert a picture of any form to PIL RGB. Raises ShapeError for an array or tensor of another shape."""
    if isinstance(picture, Image.Image):
        return picture if picture.mode == "RGB" else picture.convert("RGB")
    return Image.fromarray(to_pixels(picture) if isinstance(picture, Tensor) else _check_pixels(picture))


def area_resize(img: Float[Tensor, "n c h w"], size: int | tuple[int, int]) -> Float[Tensor, "n c height width"]:
    """Resize to `size` (side, or (height, width)). Differentiable.

    Convention: shrinking by a whole factor averages blocks exactly; every other change uses an antialiased bicubic
    filter, which may overshoot -1...1 slightly at hard edges.
    """
    height, width = (size, size) if isinstance(size, int) else size
    rows, columns = img.shape[-2:]
    if (rows, columns) == (height, width):
        return img
    if rows % height == 0 and columns % width == 0:
        return F.avg_pool2d(img, (rows // height, columns // width))
    return F.interpolate(img, (height, width), mode="bicubic", align_corners=False, antialias=True)


def _check_pixels(picture: Image.Image | Pixels) -> Pixels:
    """Return a photo or array as uint8 `[h, w, 3]`. Raises ShapeError for another array."""
    array = np.asarray(to_photo(picture)) if isinstance(picture, Image.Image) else picture
    if array.dtype != np.uint8 or array.ndim != 3 or array.shape[2] != 3:
        raise ShapeError(f"pixels: expected uint8 [h, w, 3], got {array.dtype} {list(array.shape)}")
    return array
