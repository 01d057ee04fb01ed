"""Reading of the watermark: from a picture, or a crop, smaller or larger copy of it, or a screenshot that holds it.

The reader removes the picture's own brightness and texture, finds the side of the tiles by the power of the spectrum on
lattices of all sizes, and reads the best few lattices: their fixed phases give the tile's corner, the others the bits.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Complex, Float
from PIL import Image

from faceloom.marks.payload import CODE_BITS, Payload, convolve, decode, find_path
from faceloom.marks.watermark import LUMA, MAX_CYCLES, Gray, box_mean, lattice, waves

WORKING_SIDE = 640  # pixels: larger pictures are reduced to the area of a square of this side
MIN_TILE, TILES = 28.0, (1.2, 17.0)  # smallest tile in pixels; range of tiles along the side of a square picture
SCALE_STEP = 0.002  # relative step between the tiles' sides that are tried
CANDIDATES = 5  # sides that are read
FINE_STEPS = (-0.0015, -0.00075, 0.0, 0.00075, 0.0015)  # relative changes of a side that are read, too
NYQUIST = 0.47  # cycles a pixel above which a point is not read
SHIFTS = 128  # positions of the tile's corner that are tried along its side
POWER_LIMIT = 8.0  # of a point, in means of the spectrum, so that a few strong points decide nothing
MIN_SYNC, MIN_AGREEMENT = 5.5, 10.0  # standard deviations of chance; unmarked pictures reach 5.5 and 9.5


@dataclass(frozen=True)
class Reading:
    """A reading of the watermark; `payload` is None when there is none.

    `sync` and `agreement` are standard deviations above chance of the fixed phases and of the code word, which is only
    read where the phases are found. `tile` is the side of the tiles in pixels of the picture, and `mirrored` says that
    the picture was flipped.
    """

    payload: Payload | None
    sync: float
    agreement: float
    tile: float
    mirrored: bool = False


def read_watermark(photo: Image.Image) -> Reading:
    """Read the watermark of a photo, as it is or mirrored."""
    return read_frames([photo])


def read_frames(frames: list[Image.Image]) -> Reading:
    """Read the watermark that the frames of a film share; more frames are read more surely. All have one size."""
    detail = np.stack([_remove_content(_gray(frame)) for frame in frames]).mean(0)
    reduction = float(np.sqrt(frames[0].width * frames[0].height / detail.size))
    tiles = _candidate_tiles(detail)  # a flipped picture has the same ones, because the lattice is symmetric
    reading = _read_best(detail, tiles)
    if reading.payload is None:
        flipped = _read_best(np.ascontiguousarray(detail[:, ::-1]), tiles)
        reading = replace(flipped, mirrored=True) if flipped.payload else reading
    return replace(reading, tile=reading.tile * reduction)


def _gray(photo: Image.Image) -> Gray:
    """Return the brightness, 0...255, reduced to at most the area of a square of WORKING_SIDE."""
    ratio = WORKING_SIDE / float(np.sqrt(photo.width * photo.height))
    if ratio < 1:
        size = (max(1, round(photo.width * ratio)), max(1, round(photo.height * ratio)))
        photo = photo.resize(size, Image.Resampling.BOX if ratio <= 0.5 else Image.Resampling.LANCZOS)
    return np.asarray(photo.convert("RGB")) @ LUMA


def _remove_content(gray: Gray) -> Gray:
    """Return the fine detail, each neighborhood divided by its strength, and faded out at the picture's edges."""
    detail = gray - box_mean(gray, 4)
    detail /= np.sqrt(box_mean(detail * detail, 6)) + 1
    rows, columns = (np.sqrt(np.hanning(side)).astype(np.float32) for side in gray.shape)
    return np.asarray(detail * np.outer(rows, columns), np.float32)


def _read_best(detail: Gray, tiles: list[float]) -> Reading:
    """Return the surest reading of the first side with a payload, or the surest of all."""
    best = Reading(None, 0.0, 0.0, 0.0)
    for tile in tiles:
        readings = [best, *(_read_tiles(detail, tile * (1 + step)) for step in FINE_STEPS)]
        best = max(readings, key=lambda reading: (reading.payload is not None, reading.sync))
        if best.payload is not None:
            break
    return best


def _candidate_tiles(detail: Gray) -> list[float]:
    """Return the sides of tiles whose lattices hold the most power, best first."""
    side = float(np.sqrt(detail.size))
    smallest, largest = max(MIN_TILE, side / TILES[1]), side / TILES[0]
    if largest <= smallest:
        return []
    tiles = np.exp(np.arange(np.log(smallest), np.log(largest), SCALE_STEP))
    length = 1 << int(np.ceil(np.log2(1.6 * max(detail.shape))))
    power = np.square(np.abs(np.fft.rfft2(detail, (length, length))))
    power = np.minimum(power / (power.mean() + 1e-12), POWER_LIMIT)
    scores = np.array([_lattice_power(power, tile) for tile in tiles])
    # The spectrum falls with the frequency, so a score counts by its height above its neighbors.
    scores -= _running_median(scores, 40)
    chosen = []
    for _ in range(CANDIDATES):
        best = int(np.argmax(scores))
        chosen.append(float(tiles[best]))
        scores[max(0, best - 4) : best + 5] = -np.inf
    return chosen


def _lattice_power(power: Float[np.ndarray, "length half"], tile: float) -> float:
    """Return the power at a lattice's points above the mean, in standard deviations of white noise."""
    points, length = lattice(), power.shape[0]
    rows, columns = np.rint(points.v * length / tile).astype(int), np.rint(points.u * length / tile).astype(int)
    inside = (np.abs(rows) < length * NYQUIST) & (columns < length * NYQUIST)
    values = power[rows[inside] % length, columns[inside]]
    return float((values.sum() - len(values)) / np.sqrt(max(len(values), 1)))


def _running_median(values: Float[np.ndarray, " n"], radius: int) -> Float[np.ndarray, " n"]:
    padded = np.pad(values, radius, mode="edge")
    return np.asarray(np.median(np.lib.stride_tricks.sliding_window_view(padded, 2 * radius + 1), axis=1))


def _read_tiles(detail: Gray, tile: float) -> Reading:
    """Read the lattice of one side of tiles."""
    points, synced = lattice(), len(lattice().sync)
    values = _sample_spectrum(detail, tile)
    surface = np.zeros((SHIFTS, SHIFTS), np.complex128)
    surface[points.v[:synced] % SHIFTS, points.u[:synced]] = values[:synced] * points.sync.conj()
    match = np.fft.ifft2(surface).real * SHIFTS**2
    best = int(np.argmax(match))
    sync = float(match.flat[best] / np.sqrt(np.square(np.abs(values[:synced])).sum() / 2 + 1e-12))
    if sync < MIN_SYNC:
        return Reading(None, sync, 0.0, tile)
    down, right = divmod(best, SHIFTS)
    turned = values[synced:] * np.exp(2j * np.pi / SHIFTS * (points.v * down + points.u * right)[synced:])
    parts = np.concatenate((turned.real, turned.imag)) * points.sign
    soft = np.bincount(points.slot, parts, CODE_BITS)
    code = 1.0 - 2.0 * convolve(find_path(soft))
    agreement = float(soft @ code / np.sqrt(np.square(parts).sum() + 1e-12))
    return Reading(decode(soft) if agreement >= MIN_AGREEMENT else None, sync, agreement, tile)


def _sample_spectrum(detail: Gray, tile: float) -> Complex[np.ndarray, " points"]:
    """Return the Fourier transform at a lattice's points, with compressed magnitudes."""
    points, size = lattice(), int(MAX_CYCLES)
    rows = waves(detail.shape[0], tile, range(-size, size + 1)).conj()
    columns = waves(detail.shape[1], tile, range(size + 1)).conj()
    real, imaginary = np.split(detail @ np.concatenate((columns.real, columns.imag), 1), 2, axis=1)
    values = (rows.T @ (real + 1j * imaginary))[points.v + size, points.u]
    values = np.where(np.hypot(points.u, points.v) / tile < NYQUIST, values, 0)
    magnitude = np.abs(values)
    # Picture content that is left over makes a few points large; each counts as about one.
    return np.asarray(values / (magnitude + np.median(magnitude) + 1e-9))
