"""Frames of a camera, and their encoding as JPEG."""

from __future__ import annotations

import io

import numpy as np
from jaxtyping import UInt8
from PIL import Image

Pixels = UInt8[np.ndarray, "h w 3"]
Frame = tuple[float, Pixels]
"""The time in seconds since the first frame, and the frame: uint8 `[h, w, 3]`, RGB."""

QUALITY = 93  # of JPEG


def encode_jpeg(pixels: Pixels, side: int = 1 << 16) -> bytes:
    """Return a frame as JPEG, its longer side at most `side` pixels."""
    image, buffer = Image.fromarray(pixels), io.BytesIO()
    image.thumbnail((side, side))
    image.save(buffer, "JPEG", quality=QUALITY)
    return buffer.getvalue()


def decode_jpeg(data: bytes) -> Pixels:
    """Return the pixels of a JPEG that a camera sent."""
    with Image.open(io.BytesIO(data), formats=("JPEG",)) as image:
        return np.asarray(image.convert("RGB"))
