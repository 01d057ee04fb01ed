"""Spectrograms: a sound as a gray picture of log magnitudes, and the magnitudes of such a picture.

Convention: a picture has one row for each frequency, the highest first, and one column for each frame. Its levels
0...255 are magnitudes in dB from `range_db` below the loudest value to the loudest value. Samples are float32 `[n]`,
-1...1.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from jaxtyping import Complex128, Float, Float64, UInt8

from faceloom.errors import SoundError

Samples = Float[np.ndarray, " n"]
Magnitude = Float64[np.ndarray, "bins frames"]
"""Magnitudes of the frequencies 0, rate / window, 2 rate / window ... in each frame, the lowest frequency first."""
Coefficients = Complex128[np.ndarray, "bins frames"]

TOP_LEVEL = 255
RANGE_DB = 60.0  # default dynamic range: 60 dB are 0.24 dB a level
DEFAULT_RATE = 16_000  # samples per second
MIN_RATE, MAX_RATE = 1000, 192_000  # samples per second
SILENCE = 1e-5  # largest magnitude of a sample in a silent sound: -100 dB
GAIN = 0.9  # largest sample of a sound that is made from a picture
MIN_SIDE, MAX_SIDE = 4, 4096  # of a spectrogram in pixels
MAX_SECONDS = 600.0  # longest sound of a spectrogram
MAX_HOP = 0.5  # largest hop in windows: frames that overlap less cannot be put together again


@dataclass(frozen=True)
class Sound:
    """A sound: float32 `[n]`, -1...1, and its rate in samples per second."""

    samples: Samples
    rate: int


@dataclass(frozen=True)
class Spectrogram:
    """The settings of a spectrogram: everything that is needed to make a sound of its picture again."""

    rate: int  # samples per second
    bins: int  # frequencies: the height of the picture; a window has twice as many samples
    frames: int  # the width of the picture
    hop: int  # samples from one frame to the next
    range_db: float = RANGE_DB  # from the lowest level to the highest one, in dB

    def __post_init__(self) -> None:
        """Validate the settings. Raises SoundError when a sound cannot be made from them."""
        if not MIN_RATE <= self.rate <= MAX_RATE:
            raise SoundError(f"a rate of {self.rate} samples per second", f"use {MIN_RATE} to {MAX_RATE}")
        if not (MIN_SIDE <= self.bins <= MAX_SIDE and MIN_SIDE <= self.frames <= MAX_SIDE):
            raise SoundError(f"a spectrogram of {self.frames} x {self.bins} px", f"use {MIN_SIDE} to {MAX_SIDE}")
        if not 1 <= self.hop <= self.window * MAX_HOP:
            raise SoundError(
                f"{self.seconds:.2f} s in {self.frames} frames are {self.hop} samples a frame",
                f"frames of {self.window} samples may be 1 to {int(self.window * MAX_HOP)} samples apart: "
                "use fewer seconds, a lower rate, or a larger resolution",
            )
        if not 10 <= self.range_db <= 120:
            raise SoundError(f"a range of {self.range_db:g} dB", "use 10 to 120")

    @staticmethod
    def of(size: tuple[int, int], rate: int, seconds: float | None = None) -> Spectrogram:
        """Return the settings for a picture's size (width, height); without `seconds`, a hop is a quarter window.

        Raises SoundError.
        """
        width, height = size
        if seconds is not None and not 0 < seconds <= MAX_SECONDS:
            raise SoundError(f"sounds of {seconds:g} s", f"use more than 0 and at most {MAX_SECONDS:g} s")
        hop = height // 2 if seconds is None else round(seconds * rate / width)
        return Spectrogram(rate, height, width, hop)

    @property
    def window(self) -> int:
        """The number of samples of a frame."""
        return 2 * self.bins

    @property
    def length(self) -> int:
        """The number of samples of a sound."""
        return self.frames * self.hop

    @property
    def seconds(self) -> float:
        """The length of a sound in seconds."""
        return self.length / self.rate


def to_json(settings: Spectrogram) -> dict[str, Any]:
    """Return the settings as JSON data, for the card of a dataset or a generator."""
    return asdict(settings)


def from_json(card: object) -> Spectrogram | None:
    """Read the settings of a card; None for a card without them. Raises SoundError when they are damaged."""
    if not card:
        return None
    try:
        if not isinstance(card, Mapping):
            raise TypeError("expected a table")
        whole = {name: int(card[name]) for name in ("rate", "bins", "frames", "hop")}
        return Spectrogram(**whole, range_db=float(card["range_db"]))
    except (KeyError, TypeError, ValueError, ArithmeticError) as error:
        raise SoundError(f"the settings of the spectrogram are damaged: {error}", "make the dataset again") from error


def fit_length(samples: Samples, length: int) -> Float[np.ndarray, " length"]:
    """Bring a sound to a length: silence is added equally at both ends, or both ends are cut off."""
    missing = length - len(samples)
    start = abs(missing) // 2
    if missing <= 0:
        return samples[start : start + length]
    return np.pad(samples, (start, missing - start))


def to_levels(samples: Samples, settings: Spectrogram) -> UInt8[np.ndarray, "bins frames"]:
    """Return the picture of a sound of any length, relative to its loudest value.

    Raises SoundError for a sound that is silent, or shorter than a frame.
    """
    if len(samples) < settings.window:
        raise SoundError(
            f"the sound is too short: {len(samples)} samples, and a frame has {settings.window}",
            "choose a longer sound",
        )
    fitted = fit_length(samples, settings.length)
    if np.abs(fitted).max() <= SILENCE:
        raise SoundError("the sound is silent", "choose another sound")
    magnitude = np.abs(transform(fitted, settings))
    decibels = 20 * np.log10(np.maximum(magnitude / magnitude.max(), 1e-12))
    levels = (decibels / settings.range_db + 1).clip(0, 1) * TOP_LEVEL
    return np.ascontiguousarray(levels.round().astype(np.uint8)[::-1])


def to_magnitude(
    levels: Float[np.ndarray, "bins frames"] | UInt8[np.ndarray, "bins frames"], range_db: float
) -> Magnitude:
    """Return the magnitudes of a picture's levels, 0...255, at most 1; the lowest level is silence."""
    values = np.asarray(levels, np.float64)[::-1].clip(0, TOP_LEVEL) / TOP_LEVEL
    return np.where(values > 0.5 / TOP_LEVEL, 10 ** ((values - 1) * range_db / 20), 0.0)


def transform(samples: Samples, settings: Spectrogram) -> Coefficients:
    """Return the short-time Fourier transform of `length` samples.

    Convention: frame t is centered on sample t * hop, with silence outside the sound. The phase is that at the center
    of the frame. The window is Hann's. The highest frequency, rate / 2, is left out.
    """
    half = settings.window // 2
    padded = np.pad(np.asarray(samples, np.float64), (half, half + settings.window))
    starts = np.arange(settings.frames) * settings.hop
    frames = padded[starts[:, None] + np.arange(settings.window)] * _hann(settings.window)
    return np.fft.rfft(np.fft.ifftshift(frames, axes=1))[:, : settings.bins].T


def invert(coefficients: Coefficients, settings: Spectrogram) -> Samples:
    """Return the `length` samples whose transform is nearest to the coefficients in the least squares.

    Source: Griffin & Lim 1984, equation 6.
    """
    half, window = settings.window // 2, _hann(settings.window)
    full = np.concatenate((coefficients.T, np.zeros((settings.frames, 1))), axis=1)
    frames = np.fft.fftshift(np.fft.irfft(full, settings.window), axes=1) * window
    total = np.zeros(settings.length + 2 * settings.window)
    weight = np.zeros_like(total)
    for number, frame in enumerate(frames):
        start = number * settings.hop
        total[start : start + settings.window] += frame
        weight[start : start + settings.window] += window**2
    samples: Samples = (total / np.maximum(weight, 1e-3 * weight.max())).astype(np.float32)
    return samples[half : half + settings.length]


def _hann(length: int) -> Float64[np.ndarray, " length"]:
    window: Float64[np.ndarray, " length"] = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(length) / length)
    return window
