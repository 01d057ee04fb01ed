"""The same picture is found whatever it was saved as; another one is not."""

from __future__ import annotations

import io

import numpy as np
import pytest
from collections_ import encoded, picture
from PIL import Image

from faceloom.datasets.duplicates import Twins


def levels(image: Image.Image) -> np.ndarray:
    return np.asarray(image.resize((64, 64), Image.Resampling.LANCZOS))


def saved(image: Image.Image) -> Image.Image:
    return Image.open(io.BytesIO(encoded(image, "JPEG", quality=50))).convert("RGB")


@pytest.fixture
def many() -> Twins:
    twins = Twins()
    for seed in range(1100):  # more than it sets memory aside for at first
        twins.add(levels(picture(seed)))
    return twins


CHANGES = {
    "saved": saved,
    "smaller": lambda image: image.resize((48, 40)),
    "brighter": lambda image: image.point(lambda level: min(255, int(level * 1.1))),
    "grey": lambda image: image.convert("L").convert("RGB"),
}


@pytest.mark.parametrize("change", CHANGES)
def test_twins_are_found(many: Twins, change: str):
    for seed in (3, 500, 1099):
        twin = many.find(levels(CHANGES[change](picture(seed))))
        assert twin
        assert twin.index == seed
        assert 0 < twin.levels < 3


def test_others_are_not(many: Twins):
    assert many.find(levels(picture(5))) == type(many.find(levels(picture(5))))(5, 0.0)
    assert not any(many.find(levels(picture(seed))) for seed in range(2000, 2200))
    assert not Twins(near=0).find(levels(picture(1)))


def test_near_zero_finds_equal_pixels_alone():
    twins = Twins(near=0)
    twins.add(levels(picture(1)))
    assert twins.find(levels(picture(1)))
    assert not twins.find(levels(saved(picture(1))))
