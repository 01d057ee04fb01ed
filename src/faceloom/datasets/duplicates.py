"""Detection of duplicate pictures: identical pixels, or the same picture saved again. Stores hashes, not pictures.

Near-duplicates are found with a perceptual hash of 64 bits (the lowest frequencies of a discrete cosine transform,
compared with their median) and confirmed with small copies, because different aligned portraits may have similar
hashes (docs/how-to/datasets.md).
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
NEAR = 3.0  # maximum mean difference between small copies of near-duplicates, in gray levels
COPY_SIDE = 16  # side of the small copies in pixels
CONTRAST = 50.0  # standard deviation of the small copies, in gray levels
_HASH_SIDE = 32
_INITIAL_ROWS = 1024


@dataclass(frozen=True)
class DuplicateMatch:
    """An earlier picture that matches: its number and the mean difference in gray levels, 0 for identical pixels."""

    index: int
    levels: float


class DuplicateFinder:
    """An index of pictures that finds duplicates.

    `near` is the maximum difference of near-duplicates in gray levels; 0 finds identical pixels only.
    """

    def __init__(self, near: float = NEAR) -> None:
        self.near = near
        self._exact: dict[bytes, int] = {}
        self._hashes = np.zeros(_INITIAL_ROWS, np.uint64)
        self._copies = np.zeros((_INITIAL_ROWS, COPY_SIDE * COPY_SIDE), np.int8)
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
        distances = np.abs(self._copies[candidates].astype(int) - small_copy(pixels)).mean(1)
        best = int(np.argmin(distances))
        return DuplicateMatch(int(candidates[best]), float(distances[best])) if distances[best] <= self.near else None

    def add(self, pixels: Pixels) -> None:
        """Add a picture to the index; pictures are numbered from 0."""
        if self._count == len(self._hashes):
            self._hashes = np.concatenate([self._hashes, np.zeros_like(self._hashes)])
            self._copies = np.concatenate([self._copies, np.zeros_like(self._copies)])
        self._exact.setdefault(_digest(pixels), self._count)
        self._hashes[self._count] = perceptual_hash(pixels)
        self._copies[self._count] = small_copy(pixels)
        self._count += 1


def perceptual_hash(pixels: Pixels) -> np.uint64:
    """Return a perceptual hash: for the 64 lowest frequencies, whether each is above their median."""
    gray = Image.fromarray(pixels).convert("L").resize((_HASH_SIDE, _HASH_SIDE), Image.Resampling.BOX)
    waves = _COSINES @ np.asarray(gray, float) @ _COSINES.T
    low = waves.ravel()[1:65]  # the first is the mean brightness
    return np.uint64(np.packbits(low > np.median(low)).view(">u8")[0])


def small_copy(pixels: Pixels) -> Int[np.ndarray, " n"]:
    """Reduce a picture to COPY_SIDE x COPY_SIDE gray levels, int8, with mean 0 and a fixed contrast."""
    small = Image.fromarray(pixels).convert("L").resize((COPY_SIDE, COPY_SIDE), Image.Resampling.BOX)
    levels = np.asarray(small, float).ravel()
    even = (levels - levels.mean()) / max(levels.std(), 4.0) * CONTRAST
    return np.asarray(even.round().clip(-127, 127), np.int8)


def _cosines() -> Float[np.ndarray, "9 side"]:
    """Return the first nine rows of the discrete cosine transform (DCT-II)."""
    k = np.arange(_HASH_SIDE)
    return np.asarray(np.cos(np.pi / _HASH_SIDE * (k[None] + 0.5) * k[:9, None]))


_COSINES = _cosines()


def _digest(pixels: Pixels) -> bytes:
    return hashlib.sha256(repr(pixels.shape).encode() + pixels.tobytes()).digest()
