"""Face tracking: the right face, through gaps but not through cuts, and smoothly."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from PIL import Image

from faceloom.faces.align import Quad, check_quad
from faceloom.faces.track import (
    DETECTION_INTERVAL,
    MAX_GAP,
    Track,
    quad_from_state,
    smooth_track,
    state_from_quad,
    track_face,
)
from tests.faces.scenes import square

Scene = Sequence[Quad]


class FakeFilm:
    """Pictures with known squares, and a detector and an aligner (with noise) that return these."""

    def __init__(self, scenes: Sequence[Scene], levels: Sequence[int] | None = None, noise: float = 0.0) -> None:
        self.scenes, self.rng, self.noise = scenes, np.random.default_rng(0), noise
        self.pictures = [Image.new("RGB", (320, 240), (level,) * 3) for level in levels or [90] * len(scenes)]
        for i, picture in enumerate(self.pictures):
            picture.info["frame"] = i
        self.detected_in: list[int] = []

    def detect(self, picture: Image.Image) -> Scene:
        self.detected_in.append(picture.info["frame"])
        return [quad + 2.0 for quad in self.scenes[picture.info["frame"]]]  # the detector is not exact

    def refine(self, picture: Image.Image, quad: Quad) -> Quad:
        near = [q for q in self.scenes[picture.info["frame"]] if np.abs(q - quad).max() < 40]
        if not near:
            return quad
        return min(near, key=lambda q: float(np.abs(q - quad).max())) + self.rng.normal(0, self.noise, 2)

    def track(self, number: int | None = None) -> Track:
        return track_face(self.pictures, self.detect, self.refine, number)


def moving_quads(count: int, x: float = 90, size: float = 80) -> list[Quad]:
    return [square(x + 3 * i, 120 + 10 * np.sin(i / 5), size * 1.01**i, 2 * i) for i in range(count)]


def errors(track: Track, truth: Sequence[Quad]) -> np.ndarray:
    return np.array([np.abs(track.quad(i) - quad).max() for i, quad in enumerate(truth)])


def test_a_quad_equals_the_quad_of_its_state():
    for quad in (square(30, 40, 50, 20), square(300.5, 7, 12.5, -160)):
        np.testing.assert_allclose(quad_from_state(state_from_quad(quad)), quad, atol=1e-9)
        check_quad(quad_from_state(state_from_quad(quad)))


def test_a_face_is_tracked_with_few_detections():
    truth = moving_quads(30)
    film = FakeFilm([[quad] for quad in truth])
    track = film.track()
    assert errors(track, truth).max() < 0.5
    assert track.visible.all()
    assert list(track.runs()) == [range(30)]
    assert film.detected_in == list(range(0, 30, DETECTION_INTERVAL))


def test_noise_is_smoothed_without_lag():
    truth = moving_quads(40)
    track = FakeFilm([[quad] for quad in truth], noise=0.6).track()
    jitter = np.diff([track.quad(i) - quad for i, quad in enumerate(truth)], 2, axis=0)
    assert jitter.std() < 0.3 * 0.6 * 6**0.5  # of the noise's own jitter
    assert errors(track, truth).mean() < 0.6


def test_the_requested_face_is_kept_when_faces_change_places():
    a, b = moving_quads(20, 60, 90), [square(240 - 3 * i, 180, 60) for i in range(20)]
    large = FakeFilm([[*pair] for pair in zip(a, b, strict=True)])
    small = FakeFilm([[*pair] for pair in zip(a, b, strict=True)])
    assert errors(large.track(), a).max() < 2
    assert errors(small.track(1), b).max() < 2


def test_a_short_gap_is_filled_and_a_long_one_stays():
    truth = moving_quads(40)
    for gap, filled in ((3, True), (MAX_GAP + 4, False)):
        scenes = [[] if 12 <= i < 12 + gap else [quad] for i, quad in enumerate(truth)]
        track = FakeFilm(scenes).track()
        assert track.visible[12 : 12 + gap].all() == filled
        assert track.visible[:12].all()
        assert track.visible[12 + gap :].all()
        if filled:
            assert errors(track, truth).max() < 1.5
        else:
            assert list(track.runs()) == [range(12), range(12 + gap, 40)]


def test_tracking_restarts_after_a_cut_without_smoothing_across():
    truth = [*moving_quads(10), *[square(230, 60, 50) for _ in range(10)]]
    track = FakeFilm([[quad] for quad in truth], [90] * 10 + [200] * 10).track()
    assert list(track.runs()) == [range(10), range(10, 20)]
    assert errors(track, truth).max() < 0.5


def test_no_detection_gives_an_empty_track():
    track = FakeFilm([[] for _ in range(6)]).track()
    assert not track.visible.any()
    assert list(track.runs()) == []


def test_a_run_of_two_frames_is_dropped_unless_the_film_is_as_short():
    states = np.full((12, 4), np.nan)
    states[3:5] = state_from_quad(square(90, 90, 60))
    assert not smooth_track(Track(states, np.zeros(12, dtype=int))).visible.any()
    assert smooth_track(Track(states[3:5], np.zeros(2, dtype=int))).visible.all()
