"""Tests of pictures of one, three and four channels: conversion, alpha, resizing, files and sheets."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from faceloom.errors import ImageError, ShapeError
from faceloom.images import make_contact_sheet, open_photo, save_picture
from faceloom.images.channels import (
    COLORS,
    GRAY,
    GRAY16,
    RGB,
    RGBA,
    colors_of,
    convert,
    find_colors,
    from_levels,
    img_to_levels,
    levels_to_img,
    on_colors,
    premultiply,
    resize,
    show,
    show_img,
    to_levels,
    to_pictures,
    to_rgb,
    unpremultiply,
)


def make_levels(channels: int, bits: int = 8, side: int = 64, seed: int = 0) -> np.ndarray:
    dtype = np.uint8 if bits == 8 else np.uint16
    return np.random.default_rng(seed).integers(0, 1 << bits, (side, side, channels), dtype)


def red_disk(side: int = 64) -> Image.Image:
    """Return a red disk on transparent green, which must never be seen."""
    y, x = np.mgrid[:side, :side] - (side - 1) / 2
    inside = np.hypot(x, y) < side / 3
    levels = np.zeros((side, side, 4), np.uint8)
    levels[..., 0], levels[..., 1], levels[..., 3] = 255 * inside, 255 * ~inside, 255 * inside
    return Image.fromarray(levels)


@pytest.mark.parametrize("colors", COLORS.values(), ids=str)
def test_levels_come_back(colors):
    levels = make_levels(colors.channels, colors.bits)
    picture = from_levels(levels)
    assert colors_of(picture) == find_colors(colors.channels, colors.bits) == colors
    assert (to_levels(picture) == levels).all()
    wide = torch.from_numpy(levels.astype(np.int32) if colors.bits == 16 else levels)[None]
    img = levels_to_img(wide)
    assert img.shape == (1, colors.channels, 64, 64)
    assert -1 <= img.min() <= img.max() <= 1
    (again,) = img_to_levels(img, colors.bits)
    seen = levels[..., -1] > 0 if colors == RGBA else np.ones(levels.shape[:2], bool)
    assert (again[seen] == levels[seen]).all()


def test_other_channels_are_refused():
    with pytest.raises(ShapeError, match="got 2 of 8 bits"):
        img_to_levels(torch.zeros(1, 2, 4, 4))
    with pytest.raises(ShapeError, match="got 3 of 16 bits"):
        img_to_levels(torch.zeros(1, 3, 4, 4), 16)
    with pytest.raises(ImageError, match="not finite"):
        img_to_levels(torch.full((1, 1, 4, 4), torch.nan))
    with pytest.raises(ImageError, match="mode CMYK"):
        colors_of(Image.new("CMYK", (4, 4)))


def test_alpha_is_premultiplied_in_tensors():
    straight = torch.rand(2, 4, 5, 5, generator=torch.Generator().manual_seed(0)) * 1.6 - 0.6
    img = premultiply(straight)
    assert torch.allclose(unpremultiply(img), straight, atol=1e-5)
    transparent = torch.cat((straight[:, :3], -torch.ones(2, 1, 5, 5)), dim=1)
    assert premultiply(transparent).equal(-torch.ones(2, 4, 5, 5))
    assert unpremultiply(premultiply(transparent)).equal(-torch.ones(2, 4, 5, 5))


def test_views_in_rgb():
    (red,) = to_pictures(levels_to_img(torch.from_numpy(to_levels(red_disk()))[None]))
    assert show(red).getpixel((32, 32)) == (255, 0, 0)
    assert {show(red).getpixel((0, 0)), show(red).getpixel((8, 0))} == {(255,) * 3, (204,) * 3}
    assert convert(red, RGB).getpixel((0, 0)) == (255, 255, 255)
    img = levels_to_img(torch.from_numpy(to_levels(red_disk()))[None])
    assert to_rgb(img)[0, :, 0, 0].tolist() == [1, 1, 1]
    assert to_rgb(img, -1.0)[0, :, 0, 0].tolist() == [-1, -1, -1]
    assert to_rgb(img)[0, :, 32, 32].tolist() == [1, -1, -1]
    assert np.abs(img_to_levels(show_img(img))[0].astype(int) - np.asarray(show(red))).max() <= 1
    gray = torch.rand(1, 1, 4, 4)
    assert to_rgb(gray).shape == (1, 3, 4, 4)
    assert to_rgb(gray)[:, 2:].equal(gray)


@pytest.mark.parametrize("start", COLORS.values(), ids=str)
@pytest.mark.parametrize("to", COLORS.values(), ids=str)
def test_every_conversion_keeps_gray(start, to):
    level = 60 * 257 if start == GRAY16 else 60
    levels = np.full((8, 8, start.channels), level, np.uint16 if start == GRAY16 else np.uint8)
    levels[..., 3:] = 255
    out = convert(from_levels(levels), to)
    assert colors_of(out) == to
    assert (to_levels(out)[..., :3] == (60 * 257 if to == GRAY16 else 60)).all()


def test_resizing_keeps_hidden_colors_hidden():
    small = np.asarray(resize(red_disk(), (16, 16)))
    seen = small[..., 3] > 8
    assert small[seen][:, 1].max() <= 4
    assert small[seen][:, 0].min() >= 250
    deep = from_levels((np.linspace(0, 65535, 64 * 64).reshape(64, 64, 1)).astype(np.uint16))
    reduced = np.asarray(resize(deep, (16, 16), (0, 0, 64, 64)))
    assert reduced.dtype == np.uint16
    assert len(np.unique(reduced)) > 250
    assert abs(float(reduced.mean()) - 32767) < 40


@pytest.mark.parametrize("colors", COLORS.values(), ids=str)
def test_opening_keeps_channels(tmp_path: Path, colors):
    picture = from_levels(make_levels(colors.channels, colors.bits))
    path = save_picture(picture, tmp_path / "a.png", ai_generated=False)
    assert colors_of(open_photo(path, keeps_channels=True).image) == colors
    assert (to_levels(open_photo(path, keeps_channels=True).image) == to_levels(picture)).all()
    assert colors_of(open_photo(path).image) == RGB


def test_opaque_alpha_is_no_transparency():
    opaque = Image.fromarray(make_levels(3)).convert("RGBA")
    for picture, mode in ((opaque, "RGB"), (opaque.convert("LA"), "L")):
        buffer = io.BytesIO()
        picture.save(buffer, "PNG")
        assert open_photo(buffer.getvalue(), keeps_channels=True).image.mode == mode


@pytest.mark.parametrize(
    ("suffix", "modes"),
    [
        (".png", {"gray": "L", "gray16": "I;16", "rgb": "RGB", "rgba": "RGBA"}),
        (".webp", {"gray": "RGB", "gray16": "RGB", "rgb": "RGB", "rgba": "RGBA"}),
        (".jpg", {"gray": "RGB", "gray16": "RGB", "rgb": "RGB", "rgba": "RGB"}),
    ],
)
def test_formats_hold_what_they_can(tmp_path: Path, suffix: str, modes: dict[str, str]):
    for name, mode in modes.items():
        picture = convert(red_disk(), COLORS[name])
        path = save_picture(picture, tmp_path / f"{name}{suffix}", ai_generated=True)
        with Image.open(path) as image:
            assert image.mode == mode
            assert b"trainedAlgorithmicMedia" in image.info["xmp"] or "XML:com.adobe.xmp" in image.info
        white = np.asarray(open_photo(path).image)[2, 2]
        assert (white >= 250).all()


def test_a_sheet_shows_a_checkerboard():
    sheet = make_contact_sheet([red_disk(), convert(red_disk(), GRAY), convert(red_disk(), GRAY16)], 3, 64)
    pixels = np.asarray(sheet)
    assert {204, 255} <= set(np.unique(pixels[4:10, 4:20, 1]).tolist())
    assert (pixels[34, 34] == (255, 0, 0)).all()
    assert pixels[34, 34 + 66].std() == pixels[34, 34 + 132].std() == 0


def test_color_changes_leave_alpha():
    img = levels_to_img(torch.from_numpy(to_levels(red_disk()))[None])

    def brighten(colors: torch.Tensor, alpha: torch.Tensor | None) -> torch.Tensor:
        assert alpha is not None
        return colors + 0.5 * alpha

    out = on_colors(img, brighten)
    assert out[:, 3:].equal(img[:, 3:])
    assert out[0, :, 0, 0].tolist() == [-1, -1, -1, -1]
    assert out[0, :, 32, 32].tolist() == [1.5, -0.5, -0.5, 1]
