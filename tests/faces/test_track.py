"""Following a face through pictures: the right one, through gaps, not through cuts, and smoothly."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from PIL import Image
from scenes import square

from faceloom.faces.align import Quad, check_quad
from faceloom.faces.track import BRIDGED, EVERY, Track, follow, quad_of, smoothed, state_of

Scene = Sequence[Quad]


class World:
    """Pictures that show squares where it is told; finding and refining look there, with the aligner's noise."""

    def __init__(self, scenes: Sequence[Scene], levels: Sequence[int] | None = None, noise: float = 0.0) -> None:
        self.scenes, self.rng, self.noise = scenes, np.random.default_rng(0), noise
        self.pictures = [Image.new("RGB", (320, 240), (level,) * 3) for level in levels or [90] * len(scenes)]
        for i, picture in enumerate(self.pictures):
            picture.info["frame"] = i
        self.searched: list[int] = []

    def find(self, picture: Image.Image) -> Scene:
        self.searched.append(picture.info["frame"])
        return [quad + 2.0 for quad in self.scenes[picture.info["frame"]]]  # a detector is a little off

    def refine(self, picture: Image.Image, quad: Quad) -> Quad:
        there = [q for q in self.scenes[picture.info["frame"]] if np.abs(q - quad).max() < 40]
        if not there:
            return quad
        return min(there, key=lambda q: float(np.abs(q - quad).max())) + self.rng.normal(0, self.noise, 2)

    def follow(self, number: int | None = None) -> Track:
        return follow(self.pictures, self.find, self.refine, number)


def moving(count: int, x: float = 90, size: float = 80) -> list[Quad]:
    return [square(x + 3 * i, 120 + 10 * np.sin(i / 5), size * 1.01**i, 2 * i) for i in range(count)]


def errors(track: Track, truth: Sequence[Quad]) -> np.ndarray:
    return np.array([np.abs(track.quad(i) - quad).max() for i, quad in enumerate(truth)])


def test_a_square_and_its_state_are_the_same():
    for quad in (square(30, 40, 50, 20), square(300.5, 7, 12.5, -160)):
        np.testing.assert_allclose(quad_of(state_of(quad)), quad, atol=1e-9)
        check_quad(quad_of(state_of(quad)))


def test_a_face_is_followed_and_seldom_searched_for():
    truth = moving(30)
    world = World([[quad] for quad in truth])
    track = world.follow()
    assert errors(track, truth).max() < 0.5
    assert track.seen.all()
    assert list(track.runs()) == [range(30)]
    assert world.searched == list(range(0, 30, EVERY))


def test_noise_is_smoothed_without_lag():
    truth = moving(40)
    track = World([[quad] for quad in truth], noise=0.6).follow()
    jitter = np.diff([track.quad(i) - quad for i, quad in enumerate(truth)], 2, axis=0)
    assert jitter.std() < 0.3 * 0.6 * 6**0.5  # of the noise's own
    assert errors(track, truth).mean() < 0.6


def test_the_face_that_was_asked_for_is_kept_when_faces_change_places():
    a, b = moving(20, 60, 90), [square(240 - 3 * i, 180, 60) for i in range(20)]
    large, small = World([[*pair] for pair in zip(a, b, strict=True)]), None
    small = World([[*pair] for pair in zip(a, b, strict=True)])
    assert errors(large.follow(), a).max() < 2
    assert errors(small.follow(1), b).max() < 2


def test_a_short_gap_is_bridged_and_a_long_one_stays():
    truth = moving(40)
    for gap, bridged in ((3, True), (BRIDGED + 4, False)):
        scenes = [[] if 12 <= i < 12 + gap else [quad] for i, quad in enumerate(truth)]
        track = World(scenes).follow()
        assert track.seen[12 : 12 + gap].all() == bridged
        assert track.seen[:12].all()
        assert track.seen[12 + gap :].all()
        if bridged:
            assert errors(track, truth).max() < 1.5
        else:
            assert list(track.runs()) == [range(12), range(12 + gap, 40)]


def test_a_cut_begins_anew_and_is_not_smoothed_over():
    truth = [*moving(10), *[square(230, 60, 50) for _ in range(10)]]
    track = World([[quad] for quad in truth], [90] * 10 + [200] * 10).follow()
    assert list(track.runs()) == [range(10), range(10, 20)]
    assert errors(track, truth).max() < 0.5


def test_nothing_found_is_no_error():
    track = World([[] for _ in range(6)]).follow()
    assert not track.seen.any()
    assert list(track.runs()) == []


def test_a_face_of_two_frames_was_none_unless_the_film_is_no_longer():
    states = np.full((12, 4), np.nan)
    states[3:5] = state_of(square(90, 90, 60))
    assert not smoothed(Track(states, np.zeros(12, dtype=int))).seen.any()
    assert smoothed(Track(states[3:5], np.zeros(2, dtype=int))).seen.all()
