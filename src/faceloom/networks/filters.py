"""Low-pass filters for alias-free networks, designed as windowed ideal filters.

Source: Karras et al. 2021, section 3.1 and appendix C; Kaiser 1974 for the window.
"""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

Taps = NDArray[np.float64]


def lowpass(taps: int, cutoff: float, width: float, rate: float, radial: bool = False) -> Tensor:
    """Return a low-pass filter `[taps, taps]` with a sum of one; with one tap, the identity `[1, 1]`.

    Convention: cutoff, transition width and sampling rate in one unit, such as cycles an image. `radial` gives the
    rotationally symmetric filter instead of the separable one.
    """
    if taps == 1:
        return torch.ones(1, 1, device="cpu")
    positions = (np.arange(taps) - (taps - 1) / 2) / rate
    window = np.kaiser(taps, _beta(taps, width / (rate / 2)))
    if radial:
        kernel = _jinc(np.hypot(positions[:, None], positions), cutoff) * np.outer(window, window)
    else:
        row = np.sinc(2 * cutoff * positions) * window
        kernel = np.outer(row, row)
    return torch.from_numpy(kernel / kernel.sum()).float()


def _beta(taps: int, width: float) -> float:
    """Return the Kaiser window's beta for a transition band of `width`, in Nyquist frequencies (Kaiser 1974)."""
    attenuation = 2.285 * (taps - 1) * np.pi * width + 7.95  # in dB
    if attenuation > 50:
        return float(0.1102 * (attenuation - 8.7))
    if attenuation > 21:
        return float(0.5842 * (attenuation - 21) ** 0.4 + 0.07886 * (attenuation - 21))
    return 0.0


def _jinc(radius: Taps, cutoff: float) -> Taps:
    """Return the ideal round low-pass filter with cutoff f: J1(2 pi f r) / (pi r), and f at the center."""
    safe = np.where(radius == 0, 1, radius)
    bessel: Taps = torch.special.bessel_j1(torch.from_numpy(2 * np.pi * cutoff * safe)).numpy()
    return np.where(radius == 0, cutoff, bessel / (np.pi * safe))
