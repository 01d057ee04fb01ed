"""Degradations: blur, gray and hidden parts are found where they are, and nowhere else."""

from __future__ import annotations

import pytest
import torch

from faceloom.invert.degradation import (
    Degradation,
    blur,
    correct,
    deblur,
    estimate_blur,
    find_hidden,
    in_colors_of,
    is_monochrome,
    no_damage,
    stretch_levels,
    to_gray,
    widen,
)

SEEN = torch.ones(1, 1, 256, 256)


@pytest.fixture(scope="module")
def texture() -> torch.Tensor:
    """Return a picture with detail of all sizes, in all colors: `[1, 3, 256, 256]`."""
    torch.manual_seed(0)
    noise = sum(blur(torch.randn(1, 3, 256, 256), sigma) * sigma for sigma in (0.5, 1, 2, 4, 8, 16))
    return (noise / noise.std() * 0.35).clamp(-1, 1)


def test_no_damage_changes_nothing(texture):
    assert torch.equal(no_damage(256).apply(texture), texture)


@pytest.mark.parametrize("sigma", [2.0, 4.0, 6.0])
def test_the_blur_of_another_picture_of_the_same_kind_is_found(texture, sigma):
    assert estimate_blur(blur(texture, sigma), texture.flip(3), SEEN) == pytest.approx(sigma, abs=0.51)


def test_a_sharp_picture_has_no_blur(texture):
    assert estimate_blur(texture, texture.flip(2), SEEN) == 0


def test_blur_keeps_a_constant_and_the_mean(texture):
    assert torch.allclose(blur(torch.full((1, 3, 64, 64), 0.3), 5), torch.tensor(0.3), atol=1e-5)
    assert float(blur(texture, 3).mean()) == pytest.approx(float(texture.mean()), abs=0.01)


def test_gray_and_brown_toned_pictures_are_monochrome(texture):
    gray = to_gray(texture)
    assert is_monochrome(gray, SEEN)
    assert is_monochrome(gray * torch.tensor([1.0, 0.85, 0.6]).view(1, 3, 1, 1) + 0.1, SEEN)
    assert not is_monochrome(texture, SEEN)


def test_faded_levels_are_stretched_and_full_ones_stay(texture):
    full = (texture * 3).clamp(-1, 1)
    assert stretch_levels(full, SEEN) is full
    faded = stretch_levels(full * 0.2 + 0.4, SEEN)
    assert float(faded.amax() - faded.amin()) > 1.6


@pytest.mark.parametrize("level", [-0.9, 0.0, 0.9])
def test_a_patch_is_found_whole_and_alone(texture, level):
    photo = blur(texture, 2)
    photo[..., 80:160, 100:180] = level
    hidden = find_hidden(photo, blur(texture, 2))
    assert hidden[..., 80:160, 100:180].mean() > 0.97
    hidden[..., 70:170, 90:190] = 0
    assert hidden.mean() < 0.01


def test_a_patch_of_one_color_is_hidden_though_the_generated_face_repeats_it(texture):
    photo = blur(texture, 2)
    photo[..., 100:180, 100:180] = 0.1
    hidden = find_hidden(photo, photo)
    assert hidden[..., 100:180, 100:180].min() == 1
    assert hidden.mean() < 0.15


def test_overexposed_skin_and_an_even_background_are_not_hidden(texture):
    photo = blur(texture, 2)
    photo[..., 100:180, 100:180] = 1.0
    photo[..., :60, :] = 0.2
    assert not find_hidden(photo, photo).any()


def test_a_blur_is_undone_as_far_as_noise_allows(texture):
    blurred = blur(texture, 3)
    lost, left = ((x - texture).square().mean() for x in (blurred, deblur(blurred, 3)))
    assert left < 0.85 * lost
    assert torch.equal(deblur(texture, 0), texture)
    assert torch.allclose(deblur(torch.full((1, 3, 64, 64), 0.3), 5), torch.tensor(0.3), atol=0.01)


def test_a_correction_shows_what_the_photo_shows_and_leaves_the_rest(texture):
    visible = torch.ones(1, 1, 256, 256)
    visible[..., 100:180, 100:180] = 0
    found = texture.flip(3)
    sharp = correct(found, texture, Degradation(visible))
    assert torch.allclose(sharp[..., :80], texture.clamp(-1, 1)[..., :80], atol=1e-4)
    gray = correct(found * 0.3, to_gray(texture) * 0.3, Degradation(visible, is_gray=True))
    assert torch.allclose(to_gray(gray)[..., :80], to_gray(texture)[..., :80] * 0.3, atol=0.01)
    assert (gray[:, 0] - gray[:, 2] - 0.3 * (found[:, 0] - found[:, 2])).abs().mean() < 0.01
    blurred = Degradation(visible, sigma=4.0)
    rest = blurred.apply(correct(found, blurred.apply(texture), blurred) - texture)[..., :60]
    assert rest.square().mean() < 0.2 * blurred.apply(found - texture)[..., :60].square().mean()


def test_thin_scratches_are_found(texture):
    photo = blur(texture, 2)
    photo[..., 40:200, 120:122] = 1.0
    hidden = find_hidden(photo, blur(texture, 2))
    assert hidden[..., 45:195, 120:122].mean() > 0.9
    assert hidden.mean() < 0.05


def test_nothing_is_hidden_in_a_picture_that_is_only_blurred(texture):
    assert not find_hidden(blur(texture, 4), blur(texture, 4)).any()


def test_widening_and_narrowing_are_opposite_for_a_square():
    mask = torch.zeros(1, 1, 32, 32)
    mask[..., 10:20, 10:20] = 1
    assert torch.equal(widen(widen(mask, 3), -3), mask)


def test_the_damage_is_told_in_sentences():
    visible = torch.ones(1, 1, 10, 10)
    visible[..., :2, :] = 0
    text = " ".join(Degradation(visible, is_gray=True, is_faded=True, sigma=3.5).found())
    assert all(word in text for word in ("no colors", "faded", "3.5 px", "20%"))
    assert no_damage(10).found() == ()


def test_colors_of_another_picture_leave_the_photos_brightness(texture):
    photo = to_gray(texture) * 0.5 - 0.3  # a dark face
    colored = torch.tensor([0.5, 0.1, -0.2]).view(1, 3, 1, 1).expand_as(photo)
    found = in_colors_of(photo, colored)
    assert torch.allclose(to_gray(found), photo, atol=1e-4)
    assert torch.allclose((found[:, 0] + 1) / (found[:, 2] + 1), torch.tensor(1.55 / 0.85), atol=1e-3)
    assert torch.allclose(in_colors_of(photo, to_gray(colored)), photo, atol=1e-4)
