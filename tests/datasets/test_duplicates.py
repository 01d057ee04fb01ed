"""Tests that a picture is recognized in any format, and that other pictures are not."""

from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image

from faceloom.datasets.duplicates import DuplicateFinder
from tests.datasets.picture_files import encode_image, make_picture


def levels(image: Image.Image) -> np.ndarray:
    return np.asarray(image.resize((64, 64), Image.Resampling.LANCZOS))


def saved(image: Image.Image) -> Image.Image:
    return Image.open(io.BytesIO(encode_image(image, "JPEG", quality=50))).convert("RGB")


@pytest.fixture
def many() -> DuplicateFinder:
    finder = DuplicateFinder()
    for seed in range(1100):  # more than the initial number of rows
        finder.add(levels(make_picture(seed)))
    return finder


CHANGES = {
    "saved": saved,
    "smaller": lambda image: image.resize((48, 40)),
    "brighter": lambda image: image.point(lambda level: min(255, int(level * 1.1))),
    "grey": lambda image: image.convert("L").convert("RGB"),
}


@pytest.mark.parametrize("change", CHANGES)
def test_changed_copies_are_found(many: DuplicateFinder, change: str):
    for seed in (3, 500, 1099):
        match = many.find(levels(CHANGES[change](make_picture(seed))))
        assert match
        assert match.index == seed
        assert 0 < match.levels < 3


def test_other_pictures_are_not_duplicates(many: DuplicateFinder):
    assert many.find(levels(make_picture(5))) == type(many.find(levels(make_picture(5))))(5, 0.0)
    assert not any(many.find(levels(make_picture(seed))) for seed in range(2000, 2200))
    assert not DuplicateFinder(near=0).find(levels(make_picture(1)))


def test_near_zero_finds_identical_pixels_only():
    finder = DuplicateFinder(near=0)
    finder.add(levels(make_picture(1)))
    assert finder.find(levels(make_picture(1)))
    assert not finder.find(levels(saved(make_picture(1))))
