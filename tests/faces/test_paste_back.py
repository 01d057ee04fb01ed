"""Pasting back: nothing outside changes, nothing at all when the face did not, no seam when it did."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from PIL import Image
from scenes import smooth, square

from faceloom.errors import FaceError, ShapeError
from faceloom.faces import align, detect, paste_back, quad_from_landmarks
from faceloom.faces.align import frame_of
from faceloom.faces.geometry import inverse, moved_by
from faceloom.faces.paste_back import GRID, colour_offset, opacity
from faceloom.images import to_img
from faceloom.networks.mtcnn import Mtcnn

QUADS = [
    square(160, 150, 140),
    square(160.3, 149.6, 133.7, 21),
    square(160, 150, 90, -115),
    square(60, 50, 150, 10),  # reaches over two edges
    square(150, 140, 600, 3),  # larger than the photo
]


def levels(photo: Image.Image) -> np.ndarray:
    return np.asarray(photo).astype(int)


def inside(quad: np.ndarray, size: tuple[int, int], margin: float = 0.0) -> np.ndarray:
    """Which pixels of a photo lie in the quad, by their centres."""
    y, x = np.mgrid[: size[1], : size[0]] + 0.5
    places = moved_by(inverse(frame_of(quad)), np.stack([x, y], -1))
    return ((places > margin) & (places < 1 - margin)).all(-1)


def psnr(a: np.ndarray, b: np.ndarray) -> float:
    return float(10 * np.log10(255**2 / max(((a - b) ** 2).mean(), 1e-9)))


@pytest.mark.parametrize("quad", QUADS)
@pytest.mark.parametrize("size", [64, 256])
def test_an_unchanged_face_changes_nothing(quad: np.ndarray, size: int) -> None:
    photo = smooth(320, 300)
    face = align(photo, quad, size).image
    for reference in (face, None):
        assert psnr(levels(paste_back(photo, face, quad, reference=reference)), levels(photo)) > 60


@pytest.mark.parametrize("quad", QUADS)
def test_pixels_outside_are_untouched(quad: np.ndarray) -> None:
    photo = smooth(320, 300)
    before = photo.tobytes()
    result = levels(paste_back(photo, smooth(128, 128, seed=5), quad))
    assert photo.tobytes() == before
    outside = ~inside(quad, photo.size)
    assert (result[outside] == levels(photo)[outside]).all()
    assert (result != levels(photo)).any()


@pytest.mark.parametrize("degrees", [0, 37, -150])
def test_the_edit_lands_where_the_quad_says(degrees: float) -> None:
    photo = Image.new("RGB", (320, 300), (100, 100, 100))
    quad = square(161.5, 148.25, 150, degrees)
    face = align(photo, quad, 256).image
    face.paste((255, 255, 255), (150, 80, 170, 100))  # its middle: (160, 90)
    result = levels(paste_back(photo, face, quad))[..., 0] - 100.0
    y, x = np.mgrid[:300, :320] + 0.5
    middle = np.array([(result * x).sum(), (result * y).sum()]) / result.sum()
    assert np.hypot(*(middle - align(photo, quad, 256).to_photo(np.array([160.0, 90.0])))) < 0.5


@pytest.mark.parametrize("shift", [(25, -15, -20), (-30, -30, -30), (0, 0, 18)])
def test_a_colour_cast_is_taken_off_everywhere(shift: tuple[int, int, int]) -> None:
    photo = smooth(320, 300).point(lambda level: 50 + level // 2)
    quad = square(160, 150, 140, 12)
    face = align(photo, quad, 256).image
    tinted = Image.fromarray((levels(face) + shift).clip(0, 255).astype(np.uint8))
    difference = np.abs(levels(paste_back(photo, tinted, quad)) - levels(photo))
    assert difference.max() <= 4


def test_an_edit_of_the_face_alone_is_kept() -> None:
    photo = smooth(320, 300).point(lambda level: 50 + level // 2)
    quad = square(160, 150, 140)
    face = levels(align(photo, quad, 256).image)
    face[64:192, 64:192] += 40
    result = levels(paste_back(photo, face.astype(np.uint8), quad))
    middle = np.s_[130:170, 140:180]
    assert (result[middle] - levels(photo)[middle]).mean() == pytest.approx(40, abs=1)


@pytest.mark.parametrize("quad", QUADS[:3])
def test_no_step_at_the_edge(quad: np.ndarray) -> None:
    photo = Image.new("RGB", (320, 300), (60, 90, 120))
    bright = Image.new("RGB", (128, 128), (220, 200, 180))
    bright.paste((30, 40, 50), (30, 30, 98, 98))  # so that the difference is no cast
    result = levels(paste_back(photo, bright, quad)).astype(float)
    edge = inside(quad, photo.size, 0.0) & ~inside(quad, photo.size, 0.03)
    assert np.abs(result[edge] - (60, 90, 120)).max() < 12


def test_a_large_face_is_antialiased_into_a_small_quad() -> None:
    checkers = ((np.mgrid[:512, :512].sum(0) % 2) * 255).astype(np.uint8)[..., None].repeat(3, 2)
    photo = Image.new("RGB", (200, 200), (127, 127, 127))
    result = levels(paste_back(photo, checkers, square(100, 100, 63.7, 8)))
    assert np.abs(result - 127).max() < 8


def test_levels_are_cut_off_not_wrapped() -> None:
    photo = Image.new("RGB", (200, 200), (250, 5, 128))
    face = Image.new("RGB", (64, 64), (200, 60, 128))
    face.paste((255, 0, 128), (20, 20, 44, 44))
    result = levels(paste_back(photo, face, square(100, 100, 120)))
    assert result[..., 0].min() > 190
    assert result[..., 1].max() < 70


def test_all_forms_of_a_picture() -> None:
    photo, quad = smooth(200, 200), square(100, 100, 120)
    face = smooth(64, 64, seed=3)
    one = paste_back(photo, face, quad).tobytes()
    assert paste_back(photo, np.asarray(face), quad).tobytes() == one
    assert paste_back(photo, to_img(face), quad).tobytes() == one


def test_what_cannot_be_pasted() -> None:
    photo, quad = smooth(200, 200), square(100, 100, 120)
    with pytest.raises(ShapeError, match="face"):
        paste_back(photo, smooth(64, 48), quad)
    with pytest.raises(ShapeError, match="reference"):
        paste_back(photo, smooth(64, 64), quad, reference=smooth(64, 48))
    with pytest.raises(ShapeError, match="quad"):
        paste_back(photo, smooth(64, 64), np.zeros((4, 2)))
    with pytest.raises(FaceError, match="in the photo"):
        paste_back(photo, smooth(64, 64), square(900, 900, 120))


def test_opacity_is_smooth_and_gone_at_the_edge() -> None:
    along = np.linspace(0, 1, 201)
    across = opacity(along, np.full_like(along, 0.5))
    assert across[0] == across[-1] == 0
    assert (across[25:-25] == 1).all()
    assert np.abs(np.diff(across)).max() < 0.12
    assert opacity(np.array([0.02]), np.array([0.02])) == 0


def test_a_wrong_background_is_no_cast() -> None:
    original = np.full((GRID, GRID, 3), 100, np.float32)
    face = original.copy()
    face[:8] += 80  # bright above the head only
    everywhere = np.ones((GRID, GRID), bool)
    offset = colour_offset(original, face, everywhere)
    assert offset[0, GRID // 2].max() < -60
    assert np.abs(offset[GRID // 2, GRID // 2]).max() < 3
    assert (colour_offset(original, face, ~everywhere) == 0).all()


@pytest.mark.models
@pytest.mark.parametrize("name", ["obama", "biden", "astronaut"])
@pytest.mark.parametrize("turns", [0, 1])
def test_portraits_survive_the_round_trip(
    mtcnn: Mtcnn, portrait: Callable[[str], Image.Image], name: str, turns: int
) -> None:
    photo = portrait(name).rotate(90 * turns, expand=True)
    (face,) = detect(mtcnn, photo)
    quad = quad_from_landmarks(face.landmarks)
    aligned = align(photo, quad, 512)
    assert psnr(levels(paste_back(photo, aligned.image, quad, reference=aligned.image)), levels(photo)) > 60
    darker = aligned.image.point(lambda level: round(level * 0.9))
    assert 20 < psnr(levels(paste_back(photo, darker, quad)), levels(photo)) < 60
