"""The invisible watermark: a faint periodic pattern, added to the brightness of a picture.

The pattern repeats in square tiles. The spectrum of one tile is a ring of medium frequencies: a third of its points
have fixed phases, by which the reader finds the tile's corner, and the others carry the code word of the payload,
each bit several times. The pattern is public: it shows an honest picture's origin, and stops no forger.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from jaxtyping import Complex, Float, Int, UInt8, UInt16
from PIL import Image

from faceloom.marks.payload import CODE_BITS, Bits, Payload, encode

MIN_CYCLES, MAX_CYCLES = 7.0, 22.0  # ring of the spectrum, in cycles a tile
TILES, MIN_TILES = 8, 4.5  # tiles along the side of a square picture; of a small one
MIN_TILE, HALVED_TILE = 96.0, 112.0  # least side of a tile in pixels; one whose pattern survives halving surely
TILT = 0.5  # amplitudes fall with the frequency to this power: small periods are lost first
LEVEL, MASKING, MAX_LEVEL = 0.42, 0.15, 1.3  # gray levels of the pattern: flat, per level of texture, at most
FULL_SIDE, MAX_GAIN = 1024.0, 1.25  # side in pixels below which the pattern is stronger; how much stronger at most
LUMA = np.array([0.299, 0.587, 0.114], np.float32)  # ITU-R BT.601, as in JPEG

Gray = Float[np.ndarray, "h w"]
Pixels = UInt8[np.ndarray, "h w 3"]
RgbaPixels = UInt8[np.ndarray, "h w 4"]
Levels = UInt8[np.ndarray, "h w"] | UInt16[np.ndarray, "h w"]


@dataclass(frozen=True)
class Lattice:
    """The points of a tile's spectrum: `v`, `u` are cycles a tile down and to the right.

    The first `len(sync)` points have the fixed phases `sync`. The real and then the imaginary parts of the others carry
    bit `slot` of the code word, times `sign`.
    """

    v: Int[np.ndarray, " points"]
    u: Int[np.ndarray, " points"]
    sync: Complex[np.ndarray, " sync"]
    slot: Int[np.ndarray, " parts"]
    sign: Float[np.ndarray, " parts"]


@lru_cache(maxsize=1)
def lattice() -> Lattice:
    """Return the lattice: all points of the ring with u > 0 and v != 0, in a fixed random order."""
    size = int(MAX_CYCLES)
    v, u = np.mgrid[-size : size + 1, 0 : size + 1]
    radius = np.hypot(u, v)
    # Points on the axes are left out, because the edges of windows and frames in a picture fall there.
    chosen = (radius >= MIN_CYCLES) & (radius <= MAX_CYCLES) & (u > 0) & (v != 0)
    v, u = v[chosen], u[chosen]
    order = _fixed_order("points", len(u))
    synced = len(u) // 3
    parts = 2 * (len(u) - synced)
    slot = np.empty(parts, np.int64)
    slot[_fixed_order("slots", parts)] = np.arange(parts) % CODE_BITS
    sync = np.exp(2j * np.pi * _fixed_bytes("sync", synced) / 256)
    return Lattice(v[order], u[order], sync, slot, 1.0 - 2.0 * (_fixed_bytes("signs", parts) & 1))


def tile_side(height: int, width: int) -> float:
    """Return the side of a tile in pixels. It grows with the picture, so that a smaller copy has the same tiles."""
    side = float(np.sqrt(height * width))
    return max(side / TILES, min(side / MIN_TILES, HALVED_TILE), MIN_TILE)


def embed(pixels: Pixels, payload: Payload) -> Pixels:
    """Return a copy of the pixels with the watermark of a payload.

    Convention: the same change is added to R, G and B, at most `5 * MAX_LEVEL * MAX_GAIN` gray levels; on average 48 dB
    PSNR at 1024 px, and 45 dB at 512 px and below, where fewer pixels carry each bit.
    """
    marked = pixels + np.rint(change_of(pixels, payload)).astype(np.int16)[..., None]
    return np.asarray(np.clip(marked, 0, 255), np.uint8)


def change_of(pixels: Pixels, payload: Payload) -> Gray:
    """Return the gray levels, of 255, that the watermark of a payload adds at each pixel."""
    height, width = pixels.shape[:2]
    tile = tile_side(height, width)
    return np.asarray(_pattern(encode(payload).tobytes(), height, width, tile) * _strength(pixels, tile))


def embed_gray(levels: Levels, payload: Payload) -> Levels:
    """Return a copy of gray levels `[h, w]`, of 8 or 16 bits, with the watermark of a payload."""
    top = int(np.iinfo(levels.dtype).max)
    gray = (levels // (top // 255)).astype(np.uint8)
    change = change_of(np.repeat(gray[..., None], 3, axis=2), payload) * (top / 255)
    return np.asarray(np.clip(levels + np.rint(change), 0, top), levels.dtype)


def embed_transparent(rgba: RgbaPixels, payload: Payload) -> RgbaPixels:
    """Return a copy of RGBA pixels with straight alpha, with the watermark of a payload in the colors that are seen.

    Alpha stays, and so do the colors of transparent pixels: the pattern is read from what a viewer sees on any plain
    background, and a transparent pixel can carry nothing there.
    """
    colors, alpha = rgba[..., :3], rgba[..., 3:]
    marked = embed(np.ascontiguousarray(colors), payload)
    return np.concatenate((np.where(alpha > 0, marked, colors), alpha), axis=2)


@lru_cache(maxsize=2)  # the frames of a film share one pattern
def _pattern(code: bytes, height: int, width: int, tile: float) -> Gray:
    """Return the pattern of a code word with a mean square of 1: the ring's inverse Fourier transform at each pixel."""
    points, size = lattice(), int(MAX_CYCLES)
    spectrum = np.zeros((2 * size + 1, size + 1), np.complex64)
    spectrum[points.v + size, points.u] = _amplitudes(np.frombuffer(code, np.uint8), points)
    rows, columns = waves(height, tile, range(-size, size + 1)), waves(width, tile, range(size + 1))
    half = rows @ spectrum  # [h u]
    pattern: Gray = np.concatenate((half.real, -half.imag), 1) @ np.concatenate((columns.real, columns.imag), 1).T
    pattern.flags.writeable = False
    return pattern


def waves(length: int, tile: float, cycles: range) -> Complex[np.ndarray, "length cycles"]:
    """Return exp(2 pi i k x / tile) for each pixel x of a row and each k of `cycles`."""
    phases = np.outer(np.arange(length), np.array(cycles)) * (2j * np.pi / tile)
    return np.asarray(np.exp(phases), np.complex64)


def _amplitudes(code: Bits, points: Lattice) -> Complex[np.ndarray, " points"]:
    """Return the spectrum of a code word at the lattice's points."""
    parts = (1.0 - 2.0 * code)[points.slot] * points.sign / np.sqrt(2)
    real, imaginary = np.split(parts, 2)
    tilt = np.hypot(points.u, points.v) ** -TILT
    scale = tilt * np.sqrt(2 / np.square(tilt).sum())
    return np.asarray(np.concatenate((points.sync, real + 1j * imaginary)) * scale)


def _strength(pixels: Pixels, tile: float) -> Gray:
    """Return the pattern's gray levels at each pixel: more where texture hides it, less on flat surfaces."""
    height, width = pixels.shape[:2]
    gray = Image.fromarray(pixels).convert("L").reduce(max(1, round(tile / 32)))
    small = np.asarray(gray, np.float32)
    detail = small - box_mean(small, 2)
    levels = np.minimum(LEVEL + MASKING * np.sqrt(box_mean(detail * detail, 2)), MAX_LEVEL) * _gain(height, width)
    smooth = Image.fromarray(box_mean(levels, 1)).resize((width, height), Image.Resampling.BILINEAR)
    return np.asarray(smooth)


def _gain(height: int, width: int) -> float:
    """Return how much stronger the pattern of a small picture is: its amplitude grows as the area shrinks."""
    return min(max(1.0, FULL_SIDE / float(np.sqrt(height * width))), MAX_GAIN)


def box_mean(gray: Gray, radius: int) -> Gray:
    """Return the mean of each pixel's neighborhood of side `2 * radius + 1`; the edges' pixels are repeated."""
    side = 2 * radius + 1
    for _ in range(2):  # down the columns of the picture, then of the transposed picture
        padded = np.pad(gray, ((radius + 1, radius), (0, 0)), mode="edge").cumsum(0, dtype=np.float64)
        gray = ((padded[side:] - padded[:-side]) / side).T.astype(np.float32)
    return gray


def _fixed_bytes(label: str, count: int) -> Int[np.ndarray, " count"]:
    """Return pseudorandom numbers 0...255 that never change: the bytes of SHAKE-256 of a label."""
    data = hashlib.shake_256(f"faceloom watermark 1 {label}".encode()).digest(count)
    return np.frombuffer(data, np.uint8).astype(np.int64)


def _fixed_order(label: str, count: int) -> Int[np.ndarray, " count"]:
    data = hashlib.shake_256(f"faceloom watermark 1 {label}".encode()).digest(8 * count)
    return np.argsort(np.frombuffer(data, "<u8"), kind="stable")
