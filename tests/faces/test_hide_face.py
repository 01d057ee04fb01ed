"""Hiding of faces: what is hidden cannot be read, and the rest is untouched."""

from __future__ import annotations

import numpy as np
from PIL import Image

from faceloom.faces.hide_face import BLOCKS, hide_box, hide_quad
from tests.faces.scenes import smooth, square


def test_only_the_surroundings_of_the_box_change():
    photo = smooth(400, 300)
    before, after = np.asarray(photo), np.asarray(hide_box(photo, (150, 100, 210, 180)))
    changed = (before != after).any(-1)
    assert changed[140, 180]
    assert not changed[:60].any()
    assert not changed[:, :120].any()
    assert not changed[:, 250:].any()


def test_detail_is_gone():
    noise = np.random.default_rng(0).integers(0, 256, (300, 300, 3), dtype=np.uint8)
    after = np.asarray(hide_quad(Image.fromarray(noise), square(150, 150, 200)), dtype=float)
    face = after[110:200, 110:190]
    assert np.abs(np.diff(face, axis=0)).mean() < 3  # noise has about 85
    assert BLOCKS <= 6


def test_a_tilted_face_is_hidden_whole():
    photo = smooth(400, 400)
    changed = (np.asarray(photo) != np.asarray(hide_quad(photo, square(200, 200, 160, 90)))).any(-1)
    assert changed[200, 200 - 60]  # the chin of a face that is turned to the left


def test_a_face_beyond_the_edge_leaves_the_photo_as_it_is():
    photo = smooth(100, 100)
    assert np.array_equal(np.asarray(hide_box(photo, (150, 150, 200, 200))), np.asarray(photo))
    assert hide_box(photo, (-20, -20, 30, 30)).size == photo.size
