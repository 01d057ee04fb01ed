"""Alignment: FFHQ's square compared to its recipe, the padding, and the way back to the photo."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from faceloom.errors import FaceError, ShapeError
from faceloom.faces.align import QUAD_SCALE, QUAD_SHIFT_Y, align, check_quad, ffhq_quad, quad_from_landmarks, quad_side
from faceloom.faces.detect import detect
from faceloom.networks.mtcnn import Mtcnn
from tests.faces.scenes import smooth, square

LANDMARKS = np.array([(204.0, 101), (247, 103), (225, 129), (202, 140), (245, 142)])


def ramp(width: int, height: int) -> Image.Image:
    """Return a picture whose red is x and whose green is y of each pixel's center, scaled to 0...255."""
    y, x = (np.mgrid[:height, :width] + 0.5) * 255 / np.array([height, width])[:, None, None]
    return Image.fromarray(np.stack([x, y, 0 * x + 128], -1).round().astype(np.uint8))


def align_by_recipe(photo: Image.Image, quad: np.ndarray, size: int) -> np.ndarray:
    """Align by FFHQ's published recipe, step by step in floating point, without shrinking: the reference result."""
    quad = quad - 0.5  # FFHQ counts from pixel centers
    side = np.hypot(*(quad[3] - quad[0]))
    border = max(int(np.rint(side * 0.1)), 3)
    low = np.maximum(np.floor(quad.min(0)).astype(int) - border, 0)
    high = np.minimum(np.ceil(quad.max(0)).astype(int) + border, photo.size)
    img = np.asarray(photo, dtype=np.float64)[low[1] : high[1], low[0] : high[0]]
    quad = quad - low
    h, w = img.shape[:2]
    pad = [*(border - np.floor(quad.min(0))), *(np.ceil(quad.max(0)) - (w, h) + border)]
    if max(pad) > border - 4:
        left, top, right, bottom = (int(max(p, np.rint(side * 0.3))) for p in pad)
        img = np.pad(img, ((top, bottom), (left, right), (0, 0)), mode="reflect")
        quad = quad + np.array([left, top])
        h, w = img.shape[:2]
        y, x = np.mgrid[:h, :w].astype(float)
        mask = np.maximum(1 - np.minimum(x / left, (w - 1 - x) / right), 1 - np.minimum(y / top, (h - 1 - y) / bottom))
        img = img + (blur(img, side * 0.02) - img) * np.clip(mask * 3 + 1, 0, 1)[..., None]
        img = img + (np.median(img, axis=(0, 1)) - img) * np.clip(mask, 0, 1)[..., None]
        img = img.round().clip(0, 255)
    return sample(img, quad + 0.5, size * 4).reshape(size, 4, size, 4, 3).mean((1, 3))


def blur(img: np.ndarray, sigma: float) -> np.ndarray:
    reach = int(4 * sigma + 0.5)
    kernel = np.exp(-0.5 * (np.arange(-reach, reach + 1) / sigma) ** 2)
    for axis in (0, 1):
        pad = [(reach, reach) if a == axis else (0, 0) for a in range(3)]
        wide = np.pad(img, pad, mode="symmetric")
        img = np.apply_along_axis(np.convolve, axis, wide, kernel / kernel.sum(), mode="valid")
    return img


def sample(img: np.ndarray, quad: np.ndarray, size: int) -> np.ndarray:
    """Sample the quad's inside bilinearly."""
    v, u = (np.mgrid[:size, :size] + 0.5) / size
    x, y = np.moveaxis(quad[0] + u[..., None] * (quad[3] - quad[0]) + v[..., None] * (quad[1] - quad[0]), -1, 0) - 0.5
    x0, y0 = np.floor(x).astype(int), np.floor(y).astype(int)
    fx, fy = (x - x0)[..., None], (y - y0)[..., None]
    upper = img[y0, x0] * (1 - fx) + img[y0, x0 + 1] * fx
    return upper * (1 - fy) + (img[y0 + 1, x0] * (1 - fx) + img[y0 + 1, x0 + 1] * fx) * fy


# -- the quad ---------------------------------------------------------------------------------------------------------


def test_upright_quad_by_hand() -> None:
    landmarks = np.array([(40.0, 50), (60, 50), (50, 60), (42, 74), (58, 74)])
    # eyes 20 apart, mouth 24 below: half a side is max(2 * 20, 1.8 * 24) = 43.2, the center 2.4 below the eyes
    np.testing.assert_allclose(ffhq_quad(landmarks), square(50, 52.4, 86.4), atol=1e-9)


def test_quad_golden() -> None:
    golden = [(143.5039, 15.7146), (135.1146, 187.6961), (307.0961, 196.0854), (315.4854, 24.1039)]  # by hand
    np.testing.assert_allclose(ffhq_quad(LANDMARKS), golden, atol=1e-3)


@pytest.mark.parametrize("degrees", [17, 90, 163, -120])
def test_quad_rotates_scales_and_moves_with_the_face(degrees: float) -> None:
    a = np.radians(degrees)
    turn = 3.7 * np.array([(np.cos(a), -np.sin(a)), (np.sin(a), np.cos(a))])
    for make_quad in (ffhq_quad, quad_from_landmarks):
        np.testing.assert_allclose(make_quad(LANDMARKS @ turn.T + 99), make_quad(LANDMARKS) @ turn.T + 99, atol=1e-9)


def test_correction_follows_the_constants() -> None:
    raw, corrected = ffhq_quad(LANDMARKS), quad_from_landmarks(LANDMARKS)
    assert quad_side(corrected) == pytest.approx(quad_side(raw) * QUAD_SCALE)
    np.testing.assert_allclose(corrected.mean(0) - raw.mean(0), QUAD_SHIFT_Y * (raw[1] - raw[0]), atol=1e-9)


@pytest.mark.parametrize("landmarks", [np.full((5, 2), 40.0), np.full((5, 2), np.nan)])
def test_coinciding_landmarks_are_refused(landmarks: np.ndarray) -> None:
    with pytest.raises(FaceError):
        quad_from_landmarks(landmarks)


@pytest.mark.parametrize(
    "quad",
    [
        np.zeros((4, 2)),
        np.full((4, 2), np.nan),
        pytest.param(np.zeros((3, 2)), marks=pytest.mark.wrong_types),
        square(5, 5, 9)[::-1],
        square(5, 5, 9) * (1, 2),
    ],
)
def test_a_quad_that_is_not_a_square_is_refused(quad: np.ndarray) -> None:
    with pytest.raises(ShapeError, match="quad"):
        check_quad(quad)


# -- the picture ------------------------------------------------------------------------------------------------------


def test_aligning_the_whole_picture_returns_it() -> None:
    photo = smooth(256, 256)
    aligned = align(photo, square(128, 128, 256), 256)
    inner = np.s_[8:-8, 8:-8]
    difference = np.asarray(aligned.image).astype(int) - np.asarray(photo)
    assert np.abs(difference[90:-90, 90:-90]).max() <= 2  # nearer to the edge the recipe blurs
    assert np.abs(difference[inner]).mean() < 4


@pytest.mark.parametrize(
    ("quad", "size"),
    [
        (square(150, 140, 130), 64),
        (square(150, 140, 130, 25), 64),
        (square(150, 140, 61.3, -140), 64),
        (square(70.4, 60.2, 150, 8), 64),  # reaches over the top and the left
        (square(250, 230, 190, -15), 96),  # reaches over the right and the bottom
        (square(150, 130, 420, 3), 128),  # larger than the photo on all sides
    ],
)
def test_the_result_matches_the_recipe(quad: np.ndarray, size: int) -> None:
    photo = smooth(300, 280)
    difference = np.asarray(align(photo, quad, size).image) - align_by_recipe(photo, quad, size)
    assert np.sqrt((difference**2).mean()) < 1.5
    assert np.abs(difference).max() < 12


@pytest.mark.parametrize("scale", [2.2, 4.1, 7.6])
def test_shrinking_a_large_photo_does_not_shift_it(scale: float) -> None:
    photo = ramp(round(150 * scale), round(140 * scale))
    ratio = np.divide(photo.size, (150, 140))
    quad = square(80 * ratio[0], 65 * ratio[0], 90 * ratio[0], 20)
    aligned = align(photo, quad, 64)
    y, x = np.mgrid[:64, :64] + 0.5
    expected = aligned.to_photo(np.stack([x, y], -1)) * 255 / photo.size
    difference = np.asarray(aligned.image)[..., :2] - expected
    assert np.abs(difference.mean((0, 1))).max() < 0.7  # of a level; a level is a third of a pixel and more
    assert np.abs(difference).max() < 2.5


@pytest.mark.parametrize("quad", [square(40, 32, 140), square(40, 32, 100, 45), square(10, 8, 40, 5)])
def test_tiny_photos_are_mirrored_repeatedly(quad: np.ndarray) -> None:
    photo = smooth(80, 64).point(lambda level: 60 + level // 2)
    assert np.asarray(align(photo, quad, 64).image).min() >= 58  # no black corners


def test_a_quad_far_larger_than_the_photo_is_refused() -> None:
    with pytest.raises(FaceError, match="in the photo"):
        align(smooth(80, 64), square(32, 32, 500, -10), 64)


def test_padding_fades_to_the_median_without_black_corners() -> None:
    photo = Image.new("RGB", (200, 200), (200, 60, 30))
    aligned = align(photo, square(100, 100, 300, 30), 64)
    assert np.abs(np.asarray(aligned.image).astype(int) - (200, 60, 30)).max() <= 1


def test_a_quad_outside_is_refused() -> None:
    with pytest.raises(FaceError, match="0%"):
        align(smooth(200, 200), square(900, 900, 100), 64)


def test_the_photo_is_not_changed() -> None:
    photo = smooth(200, 200)
    before = photo.tobytes()
    align(photo, square(30, 30, 100), 64)
    assert photo.tobytes() == before


# -- the way back -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("degrees", [0, 12.3, 90, -171])
@pytest.mark.parametrize("size", [64, 256])
def test_corners_map_back_exactly(degrees: float, size: int) -> None:
    quad = square(150.3, 140.7, 123.4, degrees)
    aligned = align(smooth(300, 280), quad, size)
    corners = np.array([(0, 0), (0, size), (size, size), (size, 0)], dtype=float)
    np.testing.assert_allclose(aligned.to_photo(corners), quad, atol=1e-9)
    np.testing.assert_allclose(aligned.to_square(quad), corners, atol=1e-9)
    assert (aligned.quad == quad).all()
    assert aligned.size == size


@pytest.mark.parametrize("degrees", [0, 33, -100])
def test_pixels_lie_at_their_transformed_positions(degrees: float) -> None:
    photo = Image.new("RGB", (400, 400))
    dots = [(150, 160), (250, 170), (210, 240), (180, 215)]
    for x, y in dots:
        photo.paste((255, 255, 255), (x - 2, y - 2, x + 3, y + 3))  # its middle is at (x + 0.5, y + 0.5)
    aligned = align(photo, square(200, 200, 230, degrees), 512)
    light = np.asarray(aligned.image).astype(float)[..., 0]
    rows, columns = np.mgrid[:512, :512] + 0.5
    for dot in aligned.to_square(np.array(dots) + 0.5):
        near = light * (np.hypot(columns - dot[0], rows - dot[1]) < 16)
        middle = np.array([(near * columns).sum(), (near * rows).sum()]) / near.sum()
        assert np.hypot(*(middle - dot)) < 0.25


# -- with the published weights ---------------------------------------------------------------------------------------


@pytest.mark.models
def test_generated_faces_are_aligned_to_their_frame(mtcnn: Mtcnn, default_model: Any) -> None:
    from faceloom.edit.generate import generate_latents
    from faceloom.images import area_resize, to_pixels

    errors = []
    for seed in range(8):
        with torch.no_grad():
            img = default_model.G.synthesis(generate_latents(default_model.G, [seed], 0.7))
        (face,) = detect(mtcnn, Image.fromarray(to_pixels(area_resize(img, 256))))
        quad = quad_from_landmarks(face.landmarks)
        x = quad[3] - quad[0]
        errors.append((*(quad.mean(0) / 256 - 0.5), np.hypot(*x) / 256 - 1, np.degrees(np.arctan2(x[1], x[0]))))
    assert (np.abs(errors) < (0.012, 0.012, 0.06, 2.0)).all()
    assert (np.abs(np.mean(errors, 0)) < (0.004, 0.004, 0.02, 0.7)).all()


@pytest.mark.models
@pytest.mark.parametrize("name", ["obama", "astronaut"])
def test_aligning_an_aligned_face_changes_little(
    mtcnn: Mtcnn, portrait: Callable[[str], Image.Image], name: str
) -> None:
    photo = portrait(name)
    (face,) = detect(mtcnn, photo)
    aligned = align(photo, quad_from_landmarks(face.landmarks), 512)
    (again,) = detect(mtcnn, aligned.image)
    assert np.abs(quad_from_landmarks(again.landmarks) - square(256, 256, 512)).max() < 0.02 * 512
