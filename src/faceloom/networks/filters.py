"""Low-pass filters for alias-free networks, designed with the textbook formulas. NumPy and one Bessel function.

Source: Karras et al. 2021, section 3.1 and appendix C; Kaiser 1974 for the window.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import Tensor

Taps = np.ndarray[Any, np.dtype[np.float64]]


def lowpass(taps: int, cutoff: float, width: float, rate: float, radial: bool = False) -> Tensor:
    """A filter `[taps, taps]` with a sum of one; `[1, 1]` is the identity.

    Convention: cutoff, transition width and sampling rate in one unit, as in cycles an image. `radial` gives the
    rotationally symmetric filter, else the separable one.
    """
    if taps == 1:
        return torch.ones(1, 1, device="cpu")
    places = (np.arange(taps) - (taps - 1) / 2) / rate
    window = np.kaiser(taps, _beta(taps, width / (rate / 2)))
    if radial:
        kernel = _jinc(np.hypot(places[:, None], places), cutoff) * np.outer(window, window)
    else:
        row = np.sinc(2 * cutoff * places) * window
        kernel = np.outer(row, row)
    return torch.from_numpy(kernel / kernel.sum()).float()


def _beta(taps: int, width: float) -> float:
    """The Kaiser window's shape for a transition band of `width`, of the Nyquist frequency (Kaiser 1974)."""
    attenuation = 2.285 * (taps - 1) * np.pi * width + 7.95  # in dB
    if attenuation > 50:
        return float(0.1102 * (attenuation - 8.7))
    if attenuation > 21:
        return float(0.5842 * (attenuation - 21) ** 0.4 + 0.07886 * (attenuation - 21))
    return 0.0


def _jinc(radius: Taps, cutoff: float) -> Taps:
    """The ideal round low-pass filter: J1(2 pi f r) / (pi r), f at the centre."""
    safe = np.where(radius == 0, 1, radius)
    bessel: Taps = torch.special.bessel_j1(torch.from_numpy(2 * np.pi * cutoff * safe)).numpy()
    return np.where(radius == 0, cutoff, bessel / (np.pi * safe))
