"""Tests that a picture is recognized in any format, and that other pictures and other colors are not."""

from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image, ImageDraw

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
    "warmer": lambda image: Image.merge(
        "RGB", [image.getchannel("R").point(lambda level: level * 1.03), *image.split()[1:]]
    ),
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


def draw_flag(*colors: str) -> Image.Image:
    image = Image.new("RGB", (96, 64))
    for i, color in enumerate(colors):
        image.paste(color, (32 * i, 0, 32 * i + 32, 64))
    return image


def draw_leaf(color: str) -> Image.Image:
    image = Image.new("RGB", (96, 96), "#fafafa")
    ImageDraw.Draw(image).ellipse((30, 10, 66, 86), fill=color)
    return image


def draw_stamp(ink: str) -> Image.Image:
    design = Image.fromarray(np.random.default_rng(3).integers(0, 2, (12, 12), np.uint8) * 255)
    return Image.composite(
        Image.new("RGB", (96, 96), ink), Image.new("RGB", (96, 96), "#f0ebdc"), design.resize((96, 96))
    )


@pytest.mark.parametrize(
    "pictures",
    [
        [draw_flag("#002654", "white", "#ce1126"), draw_flag("#0d5e2a", "white", "#ce1126")],
        [draw_flag("#002b7f", "#fcd116", "#ce1126"), draw_flag("#002664", "#fecb00", "#c60c30")],  # Romania and Chad
        [draw_leaf("#3c8c32"), draw_leaf("#b43c28"), draw_leaf("#a08c28")],
        [draw_stamp("#b41e1e"), draw_stamp("#1e3ca0"), draw_stamp("#141414")],
        [make_picture(1), make_picture(1).convert("L").convert("RGB")],
    ],
    ids=["flags", "similar flags", "leaves", "stamps", "gray"],
)
def test_colors_count(pictures: list[Image.Image]):
    finder = DuplicateFinder()
    for picture in pictures:
        assert not finder.find(levels(picture))
        finder.add(levels(picture))
        assert finder.find(levels(picture))


def test_near_zero_finds_identical_pixels_only():
    finder = DuplicateFinder(near=0)
    finder.add(levels(make_picture(1)))
    assert finder.find(levels(make_picture(1)))
    assert not finder.find(levels(saved(make_picture(1))))
