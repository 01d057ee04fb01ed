"""Spectrograms: the transform and its inverse, levels, lengths, settings, and phase from magnitudes."""

from __future__ import annotations

import numpy as np
import pytest

from faceloom.errors import SoundError
from faceloom.sounds import spectrogram
from faceloom.sounds.phase import integrate_phase, refine, synthesize
from faceloom.sounds.spectrogram import Spectrogram, fit_length, invert, to_levels, to_magnitude, transform

SETTINGS = Spectrogram.of((64, 64), 8000, 0.256)  # hop 32 of windows of 128


def make_chirp(settings: Spectrogram = SETTINGS) -> np.ndarray:
    """Return a rising tone with a steady one and a click."""
    t = np.arange(settings.length) / settings.rate
    samples = np.sin(2 * np.pi * (400 + 2000 * t) * t) + 0.5 * np.sin(2 * np.pi * 3000 * t)
    samples[settings.length // 2] += 5
    return (samples * np.hanning(settings.length)).astype(np.float32)


def convergence(samples: np.ndarray, magnitude: np.ndarray) -> float:
    """Return the spectral convergence of a sound to magnitudes."""
    again = np.abs(transform(samples, SETTINGS))
    return float(np.linalg.norm(again - magnitude) / np.linalg.norm(magnitude))


def test_transform_and_its_inverse():
    samples = make_chirp()
    coefficients = transform(samples, SETTINGS)
    assert coefficients.shape == (64, 64)
    assert np.abs(invert(coefficients, SETTINGS) - samples)[:-32].max() < 0.1  # rate / 2 is left out
    frame, center = 20, 20 * SETTINGS.hop
    padded = np.pad(samples, 64).astype(float)
    window = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(128) / 128)
    at = np.arange(-64, 64)
    by_hand = [(padded[center + 64 + at] * window * np.exp(-2j * np.pi * m * at / 128)).sum() for m in (0, 5, 31)]
    assert np.allclose(coefficients[[0, 5, 31], frame], by_hand, atol=1e-5)


def test_levels_show_high_frequencies_first():
    t = np.arange(SETTINGS.length) / SETTINGS.rate
    levels = to_levels(np.sin(2 * np.pi * 1000 * t).astype(np.float32), SETTINGS)
    assert levels.shape == (64, 64)
    assert levels[:, 32].argmax() == 63 - 16  # 1000 Hz is frequency 16 of 64 up to 4000 Hz
    assert levels.max() == 255
    quieter = to_levels((0.01 * np.sin(2 * np.pi * 1000 * t)).astype(np.float32), SETTINGS)
    assert np.abs(quieter.astype(int) - levels).max() <= 1
    magnitude = to_magnitude(levels, SETTINGS.range_db)
    assert magnitude.max() == pytest.approx(1)
    assert magnitude[levels[::-1] == 0].max(initial=0) == 0


def test_heap_integration_finds_the_phase_of_a_tone_and_of_a_click():
    tone = np.sin(2 * np.pi * 1000 * np.arange(SETTINGS.length) / 8000).astype(np.float32)
    phase = integrate_phase(np.abs(transform(tone, SETTINGS)), SETTINGS)
    step = np.angle(np.exp(1j * np.diff(phase[16, 10:50])))
    assert np.allclose(step, np.angle(np.exp(2j * np.pi * 1000 * 32 / 8000)), atol=1e-3)
    click = np.zeros(SETTINGS.length, np.float32)
    click[1000] = 1
    frame = 1000 // 32
    slope = np.angle(np.exp(1j * np.diff(integrate_phase(np.abs(transform(click, SETTINGS)), SETTINGS)[10:50, frame])))
    assert np.allclose(slope, -2 * np.pi * (1000 - frame * 32) / 128, atol=0.1)


def test_synthesis_is_near_the_spectrogram_and_better_than_random_phases():
    magnitude = to_magnitude(to_levels(make_chirp(), SETTINGS), SETTINGS.range_db)
    noise = np.exp(2j * np.pi * np.random.default_rng(0).random(magnitude.shape))
    heap = convergence(synthesize(magnitude, SETTINGS, 0), magnitude)
    both = convergence(synthesize(magnitude, SETTINGS), magnitude)
    assert both < 0.05 < convergence(refine(magnitude * noise, magnitude, SETTINGS, 32), magnitude)
    assert both < heap < 0.2
    assert (synthesize(magnitude, SETTINGS) == synthesize(magnitude, SETTINGS)).all()
    assert not synthesize(magnitude * 0, SETTINGS).any()


def test_lengths():
    samples = np.arange(1, 6, dtype=np.float32)
    assert fit_length(samples, 8).tolist() == [0, 1, 2, 3, 4, 5, 0, 0]
    assert fit_length(samples, 2).tolist() == [2, 3]
    assert fit_length(samples, 5).tolist() == samples.tolist()


def test_settings():
    settings = Spectrogram.of((64, 128), 8000)
    assert (settings.window, settings.hop, settings.length, settings.seconds) == (256, 64, 4096, 0.512)
    assert spectrogram.from_json(spectrogram.to_json(settings)) == settings
    assert spectrogram.from_json(None) is None
    for rate, seconds in ((8000, 10.0), (8000, 0.0), (8000, float("nan")), (10, None)):
        with pytest.raises(SoundError):
            Spectrogram.of((64, 128), rate, seconds)
    for card in ({"rate": 8000}, [1], {**spectrogram.to_json(settings), "hop": "x"}):
        with pytest.raises(SoundError, match="damaged"):
            spectrogram.from_json(card)


@pytest.mark.parametrize(
    ("samples", "message"), [(np.zeros(4000), "silent"), (np.ones(20), "too short"), (np.zeros(0), "too short")]
)
def test_sounds_without_a_spectrogram(samples: np.ndarray, message: str):
    with pytest.raises(SoundError, match=message):
        to_levels(samples.astype(np.float32), SETTINGS)
