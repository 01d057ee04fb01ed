"""The watermark is faint, is read after sharing, and is not found where there is none."""

from __future__ import annotations

import io
from collections.abc import Callable
from datetime import date

import numpy as np
import pytest
from PIL import Image, ImageFilter

from faceloom.marks.payload import Payload
from faceloom.marks.watermark import MAX_GAIN, MAX_LEVEL, embed, embed_gray, embed_transparent, lattice, tile_side
from faceloom.marks.watermark_reader import read_frames, read_watermark

PAYLOAD = Payload("edited", 0xABCDE, date(2026, 11, 27))


def make_scene(side: int = 768, seed: int = 0) -> Image.Image:
    """Return a picture with smooth surfaces, edges and texture, which is not a periodic pattern."""
    rng = np.random.RandomState(seed)
    coarse = Image.fromarray(rng.randint(0, 256, (12, 12, 3), np.uint8)).resize((side, side), Image.Resampling.BICUBIC)
    fine = Image.fromarray(rng.randint(0, 256, (side, side, 3), np.uint8)).filter(ImageFilter.GaussianBlur(1.5))
    mask = Image.fromarray(rng.randint(0, 70, (6, 6), np.uint8)).resize((side, side), Image.Resampling.BICUBIC)
    return Image.composite(fine, coarse, mask)


def mark(photo: Image.Image, payload: Payload = PAYLOAD) -> Image.Image:
    return Image.fromarray(embed(np.asarray(photo), payload))


def to_jpeg(photo: Image.Image, quality: int) -> Image.Image:
    buffer = io.BytesIO()
    photo.save(buffer, "JPEG", quality=quality)
    return Image.open(buffer).convert("RGB")


def share(photo: Image.Image) -> Image.Image:
    half = to_jpeg(photo, 85).resize((photo.width // 2, photo.height // 2), Image.Resampling.BICUBIC)
    return to_jpeg(half.crop((7, 31, 7 + round(0.9 * half.width), 31 + round(0.9 * half.height))), 85)


def show(photo: Image.Image) -> Image.Image:
    screen = Image.new("RGB", (900, 700), (40, 60, 90))
    screen.paste(photo.resize((550, 550), Image.Resampling.BILINEAR), (123, 77))
    return to_jpeg(screen, 80)


DAMAGES: dict[str, Callable[[Image.Image], Image.Image]] = {
    "none": lambda photo: photo,
    "jpeg 60": lambda photo: to_jpeg(photo, 60),
    "shared": share,
    "screenshot": show,
    "enlarged": lambda photo: photo.resize((1333, 1333), Image.Resampling.LANCZOS),
    "one side cropped": lambda photo: photo.crop((0, 0, photo.width, photo.height // 2)),
    "brighter": lambda photo: photo.point([min(255, round(1.15 * level + 8)) for level in range(256)] * 3),
}


@pytest.mark.parametrize("damage", list(DAMAGES))
def test_the_payload_is_read_back(damage: str):
    assert read_watermark(DAMAGES[damage](mark(make_scene()))).payload == PAYLOAD


def test_a_mirrored_picture_is_read_and_said_to_be_mirrored():
    reading = read_watermark(mark(make_scene()).transpose(Image.Transpose.FLIP_LEFT_RIGHT))
    assert reading.payload == PAYLOAD
    assert reading.mirrored


@pytest.mark.parametrize("size", [(1024, 1024), (600, 900), (256, 256), (97, 130)])
def test_the_change_is_faint(size: tuple[int, int]):
    before = np.asarray(make_scene().resize(size))
    change = embed(before, PAYLOAD).astype(int) - before
    assert 10 * np.log10(255**2 / np.square(change).mean()) >= 42
    assert np.abs(change).max() <= 5 * MAX_LEVEL * MAX_GAIN
    assert abs(change.mean()) < 0.1


def test_a_flat_picture_is_changed_by_single_levels():
    before = np.full((512, 512, 3), 128, np.uint8)
    change = embed(before, PAYLOAD).astype(int) - before
    assert np.abs(change).max() <= 2
    assert np.array_equal(change[..., 0], change[..., 2])


@pytest.mark.parametrize("seed", range(4))
def test_no_mark_is_found_where_there_is_none(seed: int):
    reading = read_watermark(make_scene(512, seed))
    assert reading.payload is None
    assert read_watermark(share(make_scene(seed=seed))).payload is None


def test_periodic_pictures_are_no_mark():
    wave = 128 + 60 * np.sin(2 * np.pi * np.arange(512) / 16)
    stripes = np.repeat(np.add.outer(wave, wave)[..., None] / 2, 3, 2).astype(np.uint8)
    assert read_watermark(Image.fromarray(stripes)).payload is None
    assert read_watermark(Image.new("RGB", (64, 64), "white")).payload is None


def test_frames_of_a_film_are_read_together():
    frames = [to_jpeg(mark(make_scene(192, seed)).resize((112, 112)), 50) for seed in range(8)]
    assert sum(read_watermark(frame).payload == PAYLOAD for frame in frames) < 8
    assert read_frames(frames).payload == PAYLOAD


def test_two_payloads_differ_and_the_tile_grows_with_the_picture():
    other = Payload("generated", 0, date(2027, 1, 1))
    assert read_watermark(mark(make_scene(), other)).payload == other
    assert tile_side(1024, 1024) == 128
    assert tile_side(512, 512) == 112
    assert tile_side(200, 200) == tile_side(100, 100) == 96
    assert len(lattice().sync) + len(lattice().slot) // 2 == len(lattice().u)


def make_icon(side: int, seed: int = 0) -> Image.Image:
    """Return a scene inside a disk that covers half of a transparent picture."""
    y, x = np.mgrid[:side, :side] - (side - 1) / 2
    alpha = np.clip(side * 0.4 - np.hypot(x, y), 0, 1) * 255
    icon = make_scene(side, seed).convert("RGBA")
    icon.putalpha(Image.fromarray(alpha.astype(np.uint8)))
    return icon


@pytest.mark.parametrize("background", [(255, 255, 255), (0, 0, 0), (40, 90, 160)])
def test_transparent_pictures_are_read_on_any_plain_background(background: tuple[int, int, int]):
    icon = make_icon(512)
    marked = Image.fromarray(embed_transparent(np.asarray(icon), PAYLOAD))
    assert np.asarray(marked)[..., 3].tolist() == np.asarray(icon)[..., 3].tolist()
    hidden = np.asarray(icon)[..., 3] == 0
    assert (np.asarray(marked)[hidden] == np.asarray(icon)[hidden]).all()
    shown = Image.composite(marked.convert("RGB"), Image.new("RGB", icon.size, background), marked.getchannel("A"))
    assert read_watermark(shown).payload == PAYLOAD
    assert read_watermark(to_jpeg(shown, 80)).payload == PAYLOAD


@pytest.mark.parametrize("bits", [8, 16])
def test_gray_pictures_are_read(bits: int):
    gray = np.asarray(make_scene(512).convert("L"))
    levels = gray if bits == 8 else gray.astype(np.uint16) * 257
    marked = embed_gray(levels, PAYLOAD)
    assert marked.dtype == levels.dtype
    change = np.abs(marked.astype(float) - levels) * (255 / np.iinfo(levels.dtype).max)
    assert 0 < change.max() <= 5 * MAX_LEVEL * MAX_GAIN
    shown = Image.fromarray((marked // (1 if bits == 8 else 257)).astype(np.uint8))
    assert read_watermark(shown.convert("RGB")).payload == PAYLOAD
