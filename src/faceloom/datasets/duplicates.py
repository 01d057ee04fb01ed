"""Detection of duplicate pictures: identical pixels, or the same picture saved again. Stores hashes, not pictures.

Near-duplicates are found with a perceptual hash of 64 bits (the lowest frequencies of a discrete cosine transform,
compared with their median) and confirmed with small copies, because different aligned portraits may have similar
hashes (docs/how-to/datasets.md). The copies also hold colors: flags, stamps and leaves often differ in nothing else.
Source: Zauner 2010, "Implementation and Benchmarking of Perceptual Image Hash Functions", section 3.2.1.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int
from PIL import Image

from faceloom.images.tensors import Pixels

MAX_HASH_BITS = 10  # maximum number of differing bits between the hashes of near-duplicates
NEAR = 3.0  # maximum mean difference between small copies of near-duplicates, in levels of gray and of color
COPY_SIDE = 16  # side of the small copies in pixels
CONTRAST = 50.0  # standard deviation of the small copies, in gray levels
MIN_CONTRAST = 4.0  # standard deviation below which the contrast of a picture is raised no further, in gray levels
COLOR_SIDE = 8  # side of the small copies of the colors in pixels
MAX_COLOR_GAIN = 1.5  # maximum factor by which colors are raised together with the contrast
_HASH_SIDE = 32
_INITIAL_ROWS = 1024


@dataclass(frozen=True)
class DuplicateMatch:
    """An earlier picture that matches: its number, and the mean difference in levels of gray or, if larger, of color.

    The difference of identical pixels is 0.
    """

    index: int
    levels: float


class DuplicateFinder:
    """An index of pictures that finds duplicates.

    `near` is the maximum difference of near-duplicates in levels; 0 finds identical pixels only.
    """

    def __init__(self, near: float = NEAR) -> None:
        self.near = near
        self._exact: dict[bytes, int] = {}
        self._hashes = np.zeros(_INITIAL_ROWS, np.uint64)
        self._copies = np.zeros((_INITIAL_ROWS, COPY_SIDE * COPY_SIDE), np.int8)
        self._colors = np.zeros((_INITIAL_ROWS, 2 * COLOR_SIDE * COLOR_SIDE), np.int8)
        self._count = 0

    def find(self, pixels: Pixels) -> DuplicateMatch | None:
        """Return the most similar earlier picture that counts as a duplicate, or None."""
        equal = self._exact.get(_digest(pixels))
        if equal is not None:
            return DuplicateMatch(equal, 0.0)
        differ = np.bitwise_count(self._hashes[: self._count] ^ perceptual_hash(pixels))
        candidates = np.flatnonzero(differ <= MAX_HASH_BITS) if self.near else ()
        if not len(candidates):
            return None
        grays = np.abs(self._copies[candidates].astype(int) - small_copy(pixels)).mean(1)
        colors = np.abs(self._colors[candidates].astype(int) - color_copy(pixels)).mean(1)
        distances = np.maximum(grays, colors)
        best = int(np.argmin(distances))
        return DuplicateMatch(int(candidates[best]), float(distances[best])) if distances[best] <= self.near else None

    def add(self, pixels: Pixels) -> None:
        """Add a picture to the index; pictures are numbered from 0."""
        if self._count == len(self._hashes):
            self._hashes = np.concatenate([self._hashes, np.zeros_like(self._hashes)])
            self._copies = np.concatenate([self._copies, np.zeros_like(self._copies)])
            self._colors = np.concatenate([self._colors, np.zeros_like(self._colors)])
        self._exact.setdefault(_digest(pixels), self._count)
        self._hashes[self._count] = perceptual_hash(pixels)
        self._copies[self._count] = small_copy(pixels)
        self._colors[self._count] = color_copy(pixels)
        self._count += 1


def perceptual_hash(pixels: Pixels) -> np.uint64:
    """Return a perceptual hash: for the 64 lowest frequencies, whether each is above their median."""
    gray = Image.fromarray(pixels).convert("L").resize((_HASH_SIDE, _HASH_SIDE), Image.Resampling.BOX)
    waves = _COSINES @ np.asarray(gray, float) @ _COSINES.T
    low = waves.ravel()[1:65]  # the first is the mean brightness
    return np.uint64(np.packbits(low > np.median(low)).view(">u8")[0])


def small_copy(pixels: Pixels) -> Int[np.ndarray, " n"]:
    """Reduce a picture to COPY_SIDE x COPY_SIDE gray levels, int8, with mean 0 and a fixed contrast."""
    levels = _gray_levels(pixels)
    even = (levels - levels.mean()) * _contrast_gain(levels)
    return np.asarray(even.round().clip(-127, 127), np.int8)


def color_copy(pixels: Pixels) -> Int[np.ndarray, " n"]:
    """Reduce a picture to COLOR_SIDE x COLOR_SIDE pairs (Cb, Cr), int8, 0 for gray.

    The factor that gives `small_copy` its contrast is applied to the colors, too, up to MAX_COLOR_GAIN, so that a
    brighter copy has equal colors.
    """
    small = Image.fromarray(pixels).convert("YCbCr").resize((COLOR_SIDE, COLOR_SIDE), Image.Resampling.BOX)
    gain = min(_contrast_gain(_gray_levels(pixels)), MAX_COLOR_GAIN)
    colors = (np.asarray(small, float)[..., 1:] - 128).ravel() * gain
    return np.asarray(colors.round().clip(-127, 127), np.int8)


def _gray_levels(pixels: Pixels) -> Float[np.ndarray, " n"]:
    small = Image.fromarray(pixels).convert("L").resize((COPY_SIDE, COPY_SIDE), Image.Resampling.BOX)
    return np.asarray(small, float).ravel()


def _contrast_gain(levels: Float[np.ndarray, " n"]) -> float:
    return CONTRAST / max(float(levels.std()), MIN_CONTRAST)


def _cosines() -> Float[np.ndarray, "9 side"]:
    """Return the first nine rows of the discrete cosine transform (DCT-II)."""
    k = np.arange(_HASH_SIDE)
    return np.asarray(np.cos(np.pi / _HASH_SIDE * (k[None] + 0.5) * k[:9, None]))


_COSINES = _cosines()


def _digest(pixels: Pixels) -> bytes:
    return hashlib.sha256(repr(pixels.shape).encode() + pixels.tobytes()).digest()
