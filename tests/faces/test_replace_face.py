"""Replacement of a face: colors match, nothing outside the mask changes, and no seam is left."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from faceloom.errors import FaceError
from faceloom.faces.fields import FIELD_SIZE
from faceloom.faces.replace_face import match_colors, measure_mismatch, replace_face
from tests.faces.scenes import smooth, square


def disc() -> np.ndarray:
    y, x = (np.mgrid[:64, :64] + 0.5) / 64
    return (np.hypot(x - 0.5, (y - 0.6) * 0.9) < 0.28).astype(np.float32)


def test_pixels_outside_the_mask_are_untouched():
    photo = smooth(500, 400)
    result = np.asarray(replace_face(photo, smooth(256, 256, seed=1), square(250, 200, 256), disc()))
    changed = (result != np.asarray(photo)).any(-1)
    assert changed[220, 250]
    assert not changed[:, :150].any()
    assert not changed[:90].any()


def test_a_face_of_another_color_takes_the_color_of_the_photo():
    photo = Image.new("RGB", (256, 256), (150, 100, 80))
    face = Image.new("RGB", (256, 256), (210, 180, 170))
    result = np.asarray(replace_face(photo, face, square(128, 128, 256), disc()), dtype=float)
    assert np.abs(result - (150, 100, 80)).max() <= 2


def test_light_from_one_side_stays():
    light = np.linspace(0.6, 1.0, 256)[None, :, None]
    photo = Image.fromarray((light * np.array([200, 150, 130]) * np.ones((256, 1, 1))).astype(np.uint8))
    face = Image.new("RGB", (256, 256), (160, 120, 100))
    result = np.asarray(replace_face(photo, face, square(128, 128, 256), disc()), dtype=float)
    assert np.abs(result - np.asarray(photo, dtype=float))[100:200].mean() < 3


def test_colors_are_matched_where_both_pictures_agree():
    colors = np.random.default_rng(0).uniform(60, 200, (FIELD_SIZE, FIELD_SIZE, 3)).astype(np.float32)
    gain, offset = match_colors(colors, colors * 0.9 + 12, np.ones((FIELD_SIZE, FIELD_SIZE), np.float32))
    assert gain == pytest.approx([0.9] * 3, abs=0.01)
    assert offset == pytest.approx([12] * 3, abs=1)


def test_what_differs_around_the_core_counts_as_a_mismatch_and_other_colors_do_not():
    face = smooth(256, 256)
    colors = Image.fromarray((np.asarray(face) * 0.85).astype(np.uint8))
    fringe = face.copy()
    fringe.paste((10, 10, 10), (40, 60, 80, 256))
    mask = np.ones((64, 64), np.float32)
    assert measure_mismatch(face, face, mask) == 0
    assert measure_mismatch(face, colors, mask) < 0.01
    assert measure_mismatch(face, fringe, mask) > 0.05


def test_a_square_outside_the_photo_is_refused():
    with pytest.raises(FaceError):
        replace_face(smooth(200, 200), smooth(64, 64), square(600, 600, 100), disc())
