"""Rhythm: onsets of clicks and notes, loudness, and the pace of a film."""

from __future__ import annotations

import numpy as np
import pytest

from faceloom.errors import SoundError
from faceloom.sounds.rhythm import RATE, find_onsets, measure_loudness, pace_of, positions_of
from faceloom.sounds.spectrogram import Sound

CLICKS = (0.5, 1.0, 1.25, 2.1, 3.3)
FPS = 24.0


def make_clicks() -> Sound:
    """Return four seconds of faint noise with clicks."""
    rng = np.random.default_rng(0)
    samples = rng.normal(size=4 * RATE) * 1e-3
    for seconds in CLICKS:
        start = round(seconds * RATE)
        samples[start : start + 200] += rng.normal(size=200) * np.exp(-np.arange(200) / 40)
    return Sound(samples.astype(np.float32), RATE)


def test_onsets_of_clicks():
    onsets = find_onsets(make_clicks())
    assert [onset.seconds for onset in onsets] == pytest.approx(CLICKS, abs=0.01)
    assert max(onset.strength for onset in onsets) == 1


def test_onsets_of_notes_that_are_equally_loud():
    t = np.arange(3 * RATE) / RATE
    notes = np.select([t < 1, t < 2], [np.sin(2 * np.pi * 220 * t), np.sin(2 * np.pi * 330 * t)], np.sin(880 * t))
    assert [onset.seconds for onset in find_onsets(Sound(notes.astype(np.float32), RATE))] == pytest.approx(
        [0, 1, 2], abs=0.02
    )


def test_the_pace_peaks_at_clicks():
    positions = positions_of(make_clicks(), FPS, 3)
    assert len(positions) == 4 * FPS + 1
    assert (positions[0], positions[-1]) == (0, pytest.approx(3))
    speeds = np.diff(positions)
    assert (speeds > 0).all()
    fastest = sorted(np.argsort(speeds)[-5:] / FPS)
    assert fastest == pytest.approx(CLICKS, abs=1.5 / FPS)


def test_the_pace_follows_the_loudness():
    t = np.arange(2 * RATE) / RATE
    swell = Sound((np.sin(2 * np.pi * 300 * t) * t / 2).astype(np.float32), RATE)
    loudness = measure_loudness(swell, 10, 20)
    assert np.allclose(loudness, (np.arange(20) + 0.5) / 19.5, atol=0.03)
    assert pace_of(swell, 10)[15:].mean() > pace_of(swell, 10)[5:10].mean()


@pytest.mark.parametrize(("samples", "message"), [(np.zeros(RATE), "silent"), (np.ones(2000), "too short")])
def test_music_without_rhythm(samples: np.ndarray, message: str):
    with pytest.raises(SoundError, match=message):
        pace_of(Sound(samples.astype(np.float32), RATE), FPS)
