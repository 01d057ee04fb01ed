"""Paste-back: unchanged pixels stay bit-identical, the edit appears at its place, and there is no seam."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageFilter

from faceloom.errors import FaceError, ShapeError
from faceloom.faces.align import align, quad_frame, quad_from_landmarks
from faceloom.faces.detect import detect
from faceloom.faces.geometry import invert_frame, transform_points
from faceloom.faces.paste_back import FIELD_SIZE, estimate_grain, fade_mask, matching_blur, paste_back, plan_change
from faceloom.images import to_img
from faceloom.networks.mtcnn import Mtcnn
from tests.faces.scenes import make_hair_scene, smooth, square

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
    """Return a mask of the photo's pixels whose centers lie in the quad."""
    y, x = np.mgrid[: size[1], : size[0]] + 0.5
    positions = transform_points(invert_frame(quad_frame(quad)), np.stack([x, y], -1))
    return ((positions > margin) & (positions < 1 - margin)).all(-1)


def psnr(a: np.ndarray, b: np.ndarray) -> float:
    return float(10 * np.log10(255**2 / max(((a - b) ** 2).mean(), 1e-9)))


def make_reproduction(seed: int = 7, size: int = 256) -> Image.Image:
    """Return a stand-in for a generator's reproduction: similar to the face, but not equal."""
    return smooth(size, size, seed=seed)


def brighten_spot(picture: Image.Image, box: tuple[int, int, int, int], level: int = 40) -> Image.Image:
    """Brighten a spot with soft edges."""
    spot = Image.new("L", picture.size)
    ImageDraw.Draw(spot).ellipse(box, fill=level)
    spot = spot.filter(ImageFilter.GaussianBlur(picture.width / 50))
    return Image.fromarray((levels(picture) + levels(spot)[..., None]).clip(0, 255).astype(np.uint8))


@pytest.mark.parametrize("quad", QUADS)
@pytest.mark.parametrize("size", [64, 256])
def test_without_an_edit_the_photo_is_bit_identical(quad: np.ndarray, size: int) -> None:
    photo = smooth(320, 300)
    for picture in (make_reproduction(size=size), align(photo, quad, size).image):
        assert paste_back(photo, picture, quad, original=picture).tobytes() == photo.tobytes()
    result = paste_back(photo, align(photo, quad, size).image, quad)
    assert psnr(levels(result), levels(photo)) > 60


@pytest.mark.parametrize("quad", QUADS)
def test_pixels_outside_are_untouched(quad: np.ndarray) -> None:
    photo = smooth(320, 300)
    before = photo.tobytes()
    result = levels(paste_back(photo, smooth(128, 128, seed=5), quad, original=smooth(128, 128, seed=6)))
    assert photo.tobytes() == before
    outside = ~inside(quad, photo.size)
    assert (result[outside] == levels(photo)[outside]).all()
    assert (result != levels(photo)).any()


@pytest.mark.parametrize("quad", QUADS[:3])
def test_only_pixels_near_the_edit_change(quad: np.ndarray) -> None:
    photo = smooth(320, 300)
    original = make_reproduction()
    result = levels(paste_back(photo, brighten_spot(original, (110, 110, 146, 146)), quad, original=original))
    far = ~inside(quad, photo.size, 0.28)
    assert (result[far] == levels(photo)[far]).all()
    assert (result != levels(photo))[inside(quad, photo.size, 0.45)].mean() > 0.5


@pytest.mark.parametrize("degrees", [0, 30, 37, -150])
def test_the_edit_appears_at_the_quads_position(degrees: float) -> None:
    photo = Image.new("RGB", (320, 300), (100, 100, 100))
    quad = square(161.5, 148.25, 150, degrees)
    face = brighten_spot(align(photo, quad, 256).image, (130, 70, 170, 110), 100)  # its middle: (150.5, 90.5)
    result = levels(paste_back(photo, face, quad))[..., 0] - 100.0
    y, x = np.mgrid[:300, :320] + 0.5
    middle = np.array([(result * x).sum(), (result * y).sum()]) / result.sum()
    assert np.hypot(*(middle - align(photo, quad, 256).to_photo(np.array([150.5, 90.5])))) < 0.5


def test_a_tint_keeps_the_photos_own_detail() -> None:
    photo = smooth(320, 300).point(lambda level: 108 + level // 6)
    quad = square(160, 150, 140)
    original = Image.new("RGB", (256, 256), (128, 128, 128))
    result = levels(paste_back(photo, brighten_spot(original, (60, 60, 196, 196)), quad, original=original))
    middle = np.s_[140:160, 150:170]
    assert np.abs((result - levels(photo))[middle] - 40).max() <= 3


def test_a_new_shape_is_shown_with_the_photos_light() -> None:
    rng = np.random.default_rng(0)
    scene = levels(smooth(256, 256, seed=1).resize((256, 256))).astype(float) * 0.4 + 70
    original = Image.fromarray(scene.astype(np.uint8))
    photo = Image.fromarray((scene + 15 + rng.normal(0, 25, scene.shape)).clip(0, 255).astype(np.uint8))
    face = levels(original)
    face[96:160, 96:160] = (rng.integers(0, 2, (16, 16, 1)) * 100 + 60).repeat(4, 0).repeat(4, 1)
    result = levels(paste_back(photo, face.astype(np.uint8), square(128, 128, 256), original=original))
    middle = np.s_[112:144, 112:144]
    assert (result[middle] - face[middle]).mean() == pytest.approx(15, abs=5)
    assert np.corrcoef(result[middle].mean(-1).ravel(), face[middle][..., 0].ravel())[0, 1] > 0.85


def test_the_plan_is_within_its_bounds() -> None:
    own, before, after = (levels(smooth(FIELD_SIZE, FIELD_SIZE, seed=seed)).astype(np.float32) for seed in (1, 2, 3))
    plan = plan_change(own, before, after)
    for part in (plan.mask, plan.replaced, plan.trusted, plan.known):
        assert ((part >= 0) & (part <= 1)).all()
    assert (plan.mask[[0, -1]] == 0).all()
    assert (plan.mask[:, [0, -1]] == 0).all()
    none = plan_change(own, before, before)
    assert not none.mask.any()
    assert not none.replaced.any()
    lit = plan_change(before + 12, before, after)
    assert np.abs(lit.light - 12).max() < 1
    assert not lit.replaced.any()  # the reproduction lacks no detail


@pytest.mark.parametrize("wall", [(120, 122, 125), (12, 12, 14), "flag"])
def test_hair_turns_white_without_a_halo(wall: tuple[int, int, int] | str) -> None:
    scene = make_hair_scene(wall)
    result = levels(paste_back(scene.photo, scene.after, square(128, 128, 256), original=scene.before))
    changed = np.abs(result - levels(scene.photo)).mean(-1)
    error = np.abs(result - levels(scene.expected)).mean(-1)
    only_generated = (scene.opacity < 0.02) & (scene.generated_opacity > 0.3)  # a wall in the photo, hair in R0
    assert only_generated.sum() > 150
    assert changed[only_generated].mean() < 8
    assert error[scene.opacity > 0.98].mean() < 5
    assert error[(scene.opacity > 0.1) & (scene.opacity < 0.9)].mean() < 20
    assert changed[(scene.opacity < 0.001) & (scene.generated_opacity < 0.001)].mean() < 0.3


@pytest.mark.parametrize("wall", [(120, 122, 125), (12, 12, 14), "flag"])
def test_the_outline_is_as_steep_as_it_should_be(wall: tuple[int, int, int] | str) -> None:
    scene = make_hair_scene(wall)
    result = paste_back(scene.photo, scene.after, square(128, 128, 256), original=scene.before)
    edge = (scene.opacity > 0.1) & (scene.opacity < 0.9)
    steep, expected = (np.hypot(*np.gradient(levels(p).mean(-1)))[edge].mean() for p in (result, scene.expected))
    assert steep == pytest.approx(expected, rel=0.35)


def test_nothing_changes_where_the_mask_is_0() -> None:
    photo, original = smooth(320, 300), make_reproduction()
    face = brighten_spot(original, (60, 60, 196, 196), 80)
    mask = np.zeros((64, 64), np.float32)
    mask[:, :32] = 1
    quad = square(160, 150, 256)
    result = levels(paste_back(photo, face, quad, original=original, mask=mask))
    changed = np.abs(result - levels(photo)).mean(-1)
    assert changed[:, :150][100:200].mean() > 4
    assert (changed[:, 200:] == 0).all()
    assert paste_back(photo, face, quad, original=original, mask=mask * 0).tobytes() == photo.tobytes()


def test_no_step_at_the_edge() -> None:
    photo = Image.new("RGB", (320, 300), (60, 90, 120))
    bright = Image.new("RGB", (128, 128), (220, 200, 180))
    for quad in QUADS[:3]:
        result = levels(paste_back(photo, bright, quad)).astype(float)
        edge = inside(quad, photo.size, 0.0) & ~inside(quad, photo.size, 0.01)
        assert np.abs(result[edge] - (60, 90, 120)).max() < 12


def test_a_soft_photo_gets_a_soft_edit() -> None:
    sharp = smooth(256, 256, seed=4)
    assert matching_blur(sharp, sharp) == 0
    assert matching_blur(sharp.filter(ImageFilter.GaussianBlur(4)), sharp) > 2


@pytest.mark.parametrize("noise", [2.0, 6.0])
def test_grain_is_estimated(noise: float) -> None:
    gray = 100 + np.linspace(0, 50, 256) + np.random.default_rng(0).normal(0, noise, (256, 256))
    picture = Image.fromarray(gray.round().astype(np.uint8)).convert("RGB")
    assert estimate_grain(picture) == pytest.approx(noise, rel=0.15)
    assert estimate_grain(smooth(256, 256).point(lambda _: 90)) == 0


def test_the_seed_determines_the_grain() -> None:
    rng = np.random.default_rng(0)
    photo = Image.fromarray(rng.normal(120, 12, (256, 256, 3)).clip(0, 255).astype(np.uint8))
    checks = Image.fromarray((np.indices((256, 256)).sum(0) // 4 % 2 * 120 + 60).astype(np.uint8)).convert("RGB")
    checks.paste((120, 120, 120), (0, 0, 256, 150))
    plain, quad = Image.new("RGB", (256, 256), (120, 120, 120)), square(128, 128, 256)
    a, b, c = (paste_back(photo, checks, quad, original=plain, seed=seed).tobytes() for seed in (1, 1, 2))
    assert a == b != c


def test_a_large_face_is_antialiased_into_a_small_quad() -> None:
    checkers = ((np.mgrid[:512, :512].sum(0) % 2) * 255).astype(np.uint8)[..., None].repeat(3, 2)
    photo = Image.new("RGB", (200, 200), (127, 127, 127))
    result = levels(paste_back(photo, checkers, square(100, 100, 63.7, 8)))
    assert np.abs(result - 127).max() < 8


def test_levels_are_clipped_not_wrapped() -> None:
    photo = Image.new("RGB", (200, 200), (250, 5, 128))
    face = brighten_spot(Image.new("RGB", (64, 64), (200, 60, 128)), (20, 20, 44, 44), 90)
    result = levels(paste_back(photo, face, square(100, 100, 120), original=Image.new("RGB", (64, 64), (200, 60, 128))))
    assert result[..., 0].min() > 190
    assert result[..., 1].max() < 110


def test_all_types_of_a_picture() -> None:
    photo, quad = smooth(200, 200), square(100, 100, 120)
    face = smooth(64, 64, seed=3)
    one = paste_back(photo, face, quad).tobytes()
    assert paste_back(photo, np.asarray(face), quad).tobytes() == one
    assert paste_back(photo, to_img(face), quad).tobytes() == one


def test_invalid_arguments_are_refused() -> None:
    photo, quad = smooth(200, 200), square(100, 100, 120)
    with pytest.raises(ShapeError, match="face"):
        paste_back(photo, smooth(64, 48), quad)
    with pytest.raises(ShapeError, match="original"):
        paste_back(photo, smooth(64, 64), quad, original=smooth(64, 48))
    with pytest.raises(ShapeError, match="mask"):
        paste_back(photo, smooth(64, 64), quad, mask=np.ones((64, 48), np.float32))
    with pytest.raises(ShapeError, match="quad"):
        paste_back(photo, smooth(64, 64), np.zeros((4, 2)))
    with pytest.raises(FaceError, match="in the photo"):
        paste_back(photo, smooth(64, 64), square(900, 900, 120))


def test_the_fade_is_smooth_and_zero_at_the_edge() -> None:
    along = np.linspace(0, 1, 201)
    across = fade_mask(along, np.full_like(along, 0.5))
    assert across[0] == across[-1] == 0
    assert (across[25:-25] == 1).all()
    assert np.abs(np.diff(across)).max() < 0.12
    assert fade_mask(np.array([0.02]), np.array([0.02])) == 0


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
    assert psnr(levels(paste_back(photo, aligned.image, quad)), levels(photo)) > 60
    darker = aligned.image.point(lambda level: round(level * 0.9))
    assert 20 < psnr(levels(paste_back(photo, darker, quad)), levels(photo)) < 60
