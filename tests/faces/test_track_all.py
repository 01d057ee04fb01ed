"""Tracking of all faces: none is missed where it was detected, and two faces never share a track."""

from __future__ import annotations

import numpy as np
from PIL import Image

from faceloom.faces.align import Quad
from faceloom.faces.track_all import track_all
from tests.faces.scenes import square

PLAIN = Image.new("RGB", (160, 90), (90, 90, 90))


def keep(picture: Image.Image, quad: Quad) -> Quad:
    return quad  # the same object: the aligner could not refine


def run(frames: list[list[Quad]], pictures: list[Image.Image] | None = None):
    queue = iter(frames)
    return track_all(pictures or [PLAIN] * len(frames), lambda picture: next(queue), keep)


def test_two_faces_have_two_tracks():
    found = run([[square(40 + i, 45, 30), square(120 - i, 45, 24)] for i in range(8)])
    assert len(found.tracks) == 2
    assert all(track.visible.all() for track in found.tracks)
    assert not found.loose
    x = [track.states[0, 0] for track in found.tracks]
    assert abs(x[0] - x[1]) > 60


def test_a_missing_detection_is_interpolated():
    frames = [[square(40 + i, 45, 30)] for i in range(9)]
    frames[4] = []
    found = run(frames)
    assert len(found.tracks) == 1
    assert found.tracks[0].visible.all()
    assert abs(found.tracks[0].states[4, 0] - 44) < 1


def test_a_face_that_is_seen_once_is_loose():
    frames: list[list[Quad]] = [[square(40, 45, 30)] for _ in range(8)]
    frames[3] = [*frames[3], square(120, 45, 20)]
    found = run(frames)
    assert len(found.tracks) == 1
    assert list(found.loose) == [3]


def test_a_cut_starts_new_tracks():
    white = Image.new("RGB", (160, 90), (240, 240, 240))
    found = run([[square(60, 45, 30)] for _ in range(10)], [PLAIN] * 5 + [white] * 5)
    assert sorted(int(np.flatnonzero(track.visible)[0]) for track in found.tracks) == [0, 5]
    assert found.count == 10
