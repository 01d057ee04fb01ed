"""Sounds from the magnitudes of a spectrogram: the phase is integrated from the magnitudes, then made consistent.

Sources: Průša, Balazs & Søndergaard 2017, "A noniterative method for reconstruction of phase from STFT magnitude"
(phase gradient heap integration), and Perraudin, Balazs & Søndergaard 2013, "A fast Griffin-Lim algorithm".
"""

from __future__ import annotations

import heapq

import numpy as np
from jaxtyping import Float64

from faceloom.sounds.spectrogram import Coefficients, Magnitude, Samples, Spectrogram, invert, transform

HANN_WIDTH = 0.25645
"""Time-frequency ratio of the Gauss window nearest to Hann's, over the square of its length: Průša et al., table I."""
TOLERANCE = 1e-4  # magnitudes below this part of the largest one get a random phase: -80 dB
MOMENTUM = 0.99  # alpha of the fast Griffin-Lim algorithm
ITERATIONS = 32  # of the fast Griffin-Lim algorithm after the integration
SEED = 0  # of the random phases

Phase = Float64[np.ndarray, "bins frames"]


def synthesize(magnitude: Magnitude, settings: Spectrogram, iterations: int = ITERATIONS) -> Samples:
    """Return a sound, float32 `[length]`, whose spectrogram is near the magnitudes; always the same one.

    The phase comes from heap integration, and `iterations` of the fast Griffin-Lim algorithm refine it.
    """
    if not magnitude.any():
        return np.zeros(settings.length, np.float32)
    phase = integrate_phase(magnitude, settings)
    return refine(magnitude * np.exp(1j * phase), magnitude, settings, iterations)


def refine(start: Coefficients, magnitude: Magnitude, settings: Spectrogram, iterations: int) -> Samples:
    """Return the sound that the fast Griffin-Lim algorithm reaches from coefficients: Perraudin et al., algorithm 2."""
    current = previous = start
    for _ in range(iterations):
        consistent = transform(invert(_with_phase_of(current, magnitude), settings), settings)
        current, previous = consistent + MOMENTUM * (consistent - previous), consistent
    return invert(_with_phase_of(current, magnitude), settings)


def _with_phase_of(coefficients: Coefficients, magnitude: Magnitude) -> Coefficients:
    changed: Coefficients = magnitude * np.exp(1j * np.angle(coefficients))
    return changed


def integrate_phase(magnitude: Magnitude, settings: Spectrogram) -> Phase:
    """Return a phase for the magnitudes by phase gradient heap integration: Průša et al., algorithm 1.

    The integration starts at the largest magnitude, and goes on to the neighbors of the largest one whose phase is
    known. Parts that are separated by silence start with a phase of 0.
    """
    in_time, in_frequency = phase_gradients(magnitude, settings)
    known = magnitude <= TOLERANCE * magnitude.max()
    random = np.random.default_rng(SEED).uniform(0, 2 * np.pi, magnitude.shape)
    phase = np.where(known, random, 0.0)
    bins, frames = magnitude.shape
    loudness, flat_known = (-magnitude).ravel().tolist(), known.ravel().tolist()
    for start in np.argsort(loudness, kind="stable").tolist():
        if flat_known[start]:
            continue
        flat_known[start] = True
        heap = [(loudness[start], start)]
        while heap:
            _, here = heapq.heappop(heap)
            m, n = divmod(here, frames)
            for dm, dn in ((0, 1), (0, -1), (1, 0), (-1, 0)):
                p, q = m + dm, n + dn
                if 0 <= p < bins and 0 <= q < frames and not flat_known[p * frames + q]:
                    slopes = in_time if dn else in_frequency
                    phase[p, q] = phase[m, n] + (dm + dn) * (slopes[m, n] + slopes[p, q]) / 2
                    flat_known[p * frames + q] = True
                    heapq.heappush(heap, (loudness[p * frames + q], p * frames + q))
    return phase


def phase_gradients(magnitude: Magnitude, settings: Spectrogram) -> tuple[Phase, Phase]:
    """Return the phase's slope from frame to frame and from bin to bin, in radians: Průša et al., equations 18 and 19.

    The equations hold for a Gauss window; here it is the one nearest to Hann's.
    """
    width = HANN_WIDTH * settings.window**2
    scale = settings.hop * settings.window / width
    log = np.log(np.maximum(magnitude, TOLERANCE * magnitude.max()))
    down, across = np.gradient(log)
    rotation = 2 * np.pi * settings.hop * np.arange(settings.bins) / settings.window
    return rotation[:, None] + scale * down, -across / scale
