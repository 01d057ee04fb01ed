"""Pictures that are there twice: the same pixels, or the same picture saved anew. Remembers hashes, never pictures.

Near-duplicates are found by a perceptual hash of 64 bits, a discrete cosine transform's lowest frequencies against
their median, and confirmed on small copies: portraits that are aligned look alike to the hash alone (docs/datasets.md).
Source: Zauner 2010, "Implementation and Benchmarking of Perceptual Image Hash Functions", section 3.2.1.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int
from PIL import Image

from faceloom.images.tensors import Pixels

BITS = 10  # that may differ between the hashes of near-duplicates
NEAR = 3.0  # levels that their small copies may differ by, on average, in copies of the same mean and contrast
SMALL = 16  # px a side of the small copies
CONTRAST = 50.0  # levels: their standard deviation
_SIDE = 32
_GROW = 1024


@dataclass(frozen=True)
class Twin:
    """An earlier picture like this one: its number, and how far apart they are in levels; 0 is the very same pixels."""

    index: int
    levels: float


class Twins:
    """Everything seen so far; `near` is NEAR or what else two pictures may be apart, 0 for the same pixels alone."""

    def __init__(self, near: float = NEAR) -> None:
        self.near = near
        self._exact: dict[bytes, int] = {}
        self._hashes = np.zeros(_GROW, np.uint64)
        self._copies = np.zeros((_GROW, SMALL * SMALL), np.int8)
        self._count = 0

    def find(self, pixels: Pixels) -> Twin | None:
        """Look for an earlier twin, the nearest one."""
        same = self._exact.get(_digest(pixels))
        if same is not None:
            return Twin(same, 0.0)
        differ = np.bitwise_count(self._hashes[: self._count] ^ perceptual_hash(pixels))
        alike = np.flatnonzero(differ <= BITS) if self.near else ()
        if not len(alike):
            return None
        apart = np.abs(self._copies[alike].astype(int) - small_copy(pixels)).mean(1)
        best = int(np.argmin(apart))
        return Twin(int(alike[best]), float(apart[best])) if apart[best] <= self.near else None

    def add(self, pixels: Pixels) -> None:
        """Remember a picture; they are numbered from 0."""
        if self._count == len(self._hashes):
            self._hashes = np.concatenate([self._hashes, np.zeros_like(self._hashes)])
            self._copies = np.concatenate([self._copies, np.zeros_like(self._copies)])
        self._exact.setdefault(_digest(pixels), self._count)
        self._hashes[self._count] = perceptual_hash(pixels)
        self._copies[self._count] = small_copy(pixels)
        self._count += 1


def perceptual_hash(pixels: Pixels) -> np.uint64:
    """Hash what a picture looks like: 64 of its lowest frequencies, each above or below their median."""
    grey = Image.fromarray(pixels).convert("L").resize((_SIDE, _SIDE), Image.Resampling.BOX)
    waves = _COSINES @ np.asarray(grey, float) @ _COSINES.T
    low = waves.ravel()[1:65]  # the first is the mean brightness
    return np.uint64(np.packbits(low > np.median(low)).view(">u8")[0])


def small_copy(pixels: Pixels) -> Int[np.ndarray, " n"]:
    """Reduce a picture to SMALL x SMALL levels of grey, int8, of mean 0 and of one contrast."""
    small = Image.fromarray(pixels).convert("L").resize((SMALL, SMALL), Image.Resampling.BOX)
    levels = np.asarray(small, float).ravel()
    even = (levels - levels.mean()) / max(levels.std(), 4.0) * CONTRAST
    return np.asarray(even.round().clip(-127, 127), np.int8)


def _cosines() -> Float[np.ndarray, "9 side"]:
    """The first nine rows of the discrete cosine transform (DCT-II)."""
    k = np.arange(_SIDE)
    return np.asarray(np.cos(np.pi / _SIDE * (k[None] + 0.5) * k[:9, None]))


_COSINES = _cosines()


def _digest(pixels: Pixels) -> bytes:
    return hashlib.sha256(repr(pixels.shape).encode() + pixels.tobytes()).digest()
