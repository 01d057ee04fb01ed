"""The rhythm of music: onsets and loudness, and the pace of a film that follows them.

Sources: Dixon 2006, "Onset detection revisited" (spectral flux and peak picking), and Bello et al. 2005, "A tutorial on
onset detection in music signals" (compression of the magnitudes).
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float64

from faceloom.errors import SoundError
from faceloom.sounds.spectrogram import SILENCE, Sound

RATE = 22_050  # samples per second at which music is analyzed
BINS = 256  # frequencies of a frame: windows of 23 ms
HOP = 110  # samples from one frame to the next: 5 ms
COMPRESSION = 100.0  # magnitudes m of at most 1 count as log(1 + COMPRESSION * m)
NEIGHBORHOOD = 0.03  # seconds on both sides within which an onset is the largest value
BACKGROUND = 0.1  # seconds on both sides over which the mean is taken
THRESHOLD = 0.1  # an onset exceeds the mean by this part of the largest value
MIN_SECONDS = 0.2  # shortest music
PART = 4096  # frames that are transformed at once

QUIET_PACE = 0.15  # pace in silence; loud music without onsets has QUIET_PACE + 1
ONSET_PACE = 6.0  # pace that the strongest onset adds
DECAY = 0.12  # seconds after which this has fallen to 1 / e

Curve = Float64[np.ndarray, " frames"]


@dataclass(frozen=True)
class Onset:
    """The start of a note or beat: its time in seconds, and its strength relative to the strongest one, 0...1."""

    seconds: float
    strength: float


def check_music(sound: Sound) -> None:
    """Check that a film can move to a sound. Raises SoundError for one that is silent or too short."""
    seconds = len(sound.samples) / sound.rate
    if seconds < MIN_SECONDS:
        raise SoundError(f"the music is too short: {seconds:.2f} s", f"choose music of at least {MIN_SECONDS:g} s")
    if np.abs(sound.samples).max() <= SILENCE:
        raise SoundError("the music is silent", "choose other music")


def spectral_flux(sound: Sound) -> Curve:
    """Return how much the compressed magnitudes rise from frame to frame, summed over frequencies: Dixon, equation 2.5.

    Convention: frame i is centered on sample i * HOP; the largest value is 1, or all are 0.
    """
    count = len(sound.samples) // HOP + 1
    padded = np.pad(sound.samples.astype(np.float64), (BINS, BINS + HOP))
    window, last, rises = np.hanning(2 * BINS + 1)[:-1], np.zeros(BINS + 1), list[Curve]()
    scale = COMPRESSION / (window.sum() / 2 * float(np.abs(sound.samples).max()))
    for start in range(0, count, PART):
        starts = np.arange(start, min(start + PART, count)) * HOP
        magnitude = np.abs(np.fft.rfft(padded[starts[:, None] + np.arange(2 * BINS)] * window))
        compressed = np.log1p(scale * magnitude)
        rises.append(np.diff(compressed, axis=0, prepend=last[None]).clip(0).sum(1))
        last = compressed[-1]
    rise = np.concatenate(rises)
    return rise / max(float(rise.max()), SILENCE)


def find_onsets(sound: Sound) -> list[Onset]:
    """Return the onsets of a sound in order: peaks of the spectral flux above its local mean (Dixon, section 2.6).

    Raises SoundError as `check_music`.
    """
    check_music(sound)
    flux = spectral_flux(sound)
    near, far = (math.ceil(seconds * sound.rate / HOP) for seconds in (NEIGHBORHOOD, BACKGROUND))
    onsets: list[Onset] = []
    end = (len(sound.samples) - BINS) // HOP  # a cut at the end is no onset
    for i in np.flatnonzero(flux[:end] > THRESHOLD).tolist():
        around, background = flux[max(0, i - near) : i + near + 1], flux[max(0, i - far) : i + far + 1]
        is_first = not onsets or (i * HOP / sound.rate - onsets[-1].seconds) > NEIGHBORHOOD
        if is_first and flux[i] == around.max() and flux[i] >= background.mean() + THRESHOLD:
            onsets.append(Onset(i * HOP / sound.rate, float(flux[i])))
    return onsets


def measure_loudness(sound: Sound, fps: float, count: int) -> Curve:
    """Return the loudness of each frame of a film: the root mean square of its samples over that of the loudest one."""
    edges = (np.arange(count + 1) * sound.rate / fps).round().astype(int).clip(0, len(sound.samples))
    power = np.concatenate(([0.0], np.cumsum(sound.samples.astype(np.float64) ** 2)))
    mean = np.sqrt(np.diff(power[edges]).clip(0) / np.maximum(np.diff(edges), 1))
    loudness: Curve = mean / max(float(mean.max()), SILENCE)
    return loudness


def pace_of(sound: Sound, fps: float) -> Curve:
    """Return the pace of a film for each of its frames: it follows the loudness, and jumps at onsets.

    Raises SoundError as `check_music`.
    """
    onsets = find_onsets(sound)
    count = max(1, math.ceil(len(sound.samples) / sound.rate * fps))
    pace = QUIET_PACE + measure_loudness(sound, fps, count)
    ends = (np.arange(count) + 1) / fps
    for onset in onsets:
        fall = np.exp(-np.maximum(ends - onset.seconds, 0) / DECAY)
        # a frame gets the mean of the exponential over its duration, so that no onset falls between two frames
        share = np.diff(np.where(ends >= onset.seconds, 1 - fall, 0), prepend=0) * DECAY * fps
        pace += ONSET_PACE * onset.strength * share
    return pace


def positions_of(sound: Sound, fps: float, legs: int) -> Curve:
    """Return the position of each frame of a film on a path of `legs` parts, from 0 to `legs`, at the pace of a sound.

    The film has one more frame than the sound: the first one is at 0, and the last one at `legs`.
    Raises SoundError as `check_music`.
    """
    total = np.concatenate(([0.0], np.cumsum(pace_of(sound, fps))))
    positions: Curve = total / total[-1] * legs
    return positions
