"""Tests of ADA's augmentations: against kornia, against the paper's probabilities and deviations, and derivatives."""

from __future__ import annotations

import math

import kornia
import pytest
import torch

from faceloom.images.channels import premultiply
from faceloom.train.augment import (
    DRAW_COUNTS,
    PIPES,
    Augment,
    RandomRows,
    apply_color,
    color_transform,
    octave_filters,
    placement_matrix,
    warp_moved,
)
from faceloom.train.warp import SYM6, sample_bilinear, warp

STAGES = ("blit", "geom", "color", "filter", "noise", "cutout")


def seeded(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def pictures(n: int, h: int = 16, w: int = 16) -> torch.Tensor:
    return torch.rand(n, 3, h, w, generator=seeded(n)) * 2 - 1


def smooth(n: int, h: int, w: int) -> torch.Tensor:
    x = torch.nn.functional.interpolate(pictures(n, 5, 5), size=(h, w), mode="bicubic", align_corners=True)
    return x.clamp(-1, 1)


def rows_with(n: int = 1, **given: tuple[float, ...]) -> torch.Tensor:
    """Return rows in which only the given transformations are applied (for 0 < p < 1), with the given numbers."""
    parts = []
    for name, count in DRAW_COUNTS.items():
        part = torch.tensor([0.0, *given[name]]) if name in given else torch.ones(count)
        parts.append(part.expand(n, -1))
    return torch.cat(parts, dim=1)


@pytest.mark.parametrize("pipe", PIPES)
@pytest.mark.parametrize("size", [(16, 16), (24, 16)])
def test_augmentation_keeps_shapes_and_gives_finite_values(pipe: str, size: tuple[int, int]):
    img = pictures(6, *size)
    out = Augment(pipe)(img, 1.0, seeded())
    assert out.shape == img.shape
    assert out.dtype == torch.float32
    assert out.isfinite().all()
    assert not torch.allclose(out, img)


@pytest.mark.parametrize("pipe", ["bgcfnc"])
def test_p_zero_changes_nothing(pipe: str):
    img = pictures(4)
    torch.testing.assert_close(Augment(pipe)(img, 0.0, seeded()), img, atol=1e-5, rtol=0)


def test_result_depends_on_the_seed_not_on_the_batch():
    augment, img = Augment("bgcfnc"), pictures(5, 24, 16)
    rows = augment.rows(5, seeded(3))
    together = augment.apply_rows(img, 0.7, rows)
    torch.testing.assert_close(augment(img, 0.7, seeded(3)), together, rtol=0, atol=0)
    singly = torch.cat([augment.apply_rows(img[i : i + 1], 0.7, rows[i : i + 1]) for i in range(5)])
    torch.testing.assert_close(singly, together)


def test_p_may_differ_by_image():
    augment, img = Augment("bgc"), pictures(2)
    out = augment(img, torch.tensor([0.0, 1.0]), seeded())
    torch.testing.assert_close(out[0], img[0])
    assert not torch.allclose(out[1], img[1])


@pytest.mark.parametrize("name", ["flip", "hue", "shift", "cutout", "second_turn"])
def test_p_is_the_probability_of_each_transformation(name: str):
    draws = RandomRows(Augment.rows(4000, seeded()), 0.3)
    assert draws.is_applied(name).float().mean().item() == pytest.approx(0.3, abs=0.03)


def test_two_rotations_together_have_probability_p():
    """Check that without stretching they act as one rotation: `1 - (1 - q)^2 = p` (appendix B.2)."""
    draws = RandomRows(rows_with(1), 0.64)
    q = 1 - math.sqrt(1 - 0.64)
    rows = torch.rand(20000, sum(DRAW_COUNTS.values()), generator=seeded())
    draws = RandomRows(rows, 0.64)
    one = torch.full((20000,), q)
    turned = draws.is_applied("turn", one) | draws.is_applied("second_turn", one)
    assert turned.float().mean().item() == pytest.approx(0.64, abs=0.02)


def test_deviations_match_the_paper():
    draws = RandomRows(Augment.rows(20000, seeded()), 1.0)
    assert draws.lognormal("zoom", 0.2).log2().std().item() == pytest.approx(0.2, rel=0.03)
    assert draws.lognormal("saturation", 1).log2().std().item() == pytest.approx(1, rel=0.03)
    assert draws.normal("brightness", 0.2).std().item() == pytest.approx(0.2, rel=0.03)
    assert draws.normal("noise", 0.1).abs().mean().item() == pytest.approx(0.1 * math.sqrt(2 / math.pi), rel=0.03)


# ----- geometry


def test_wavelet_filter_is_orthonormal_to_its_shifts():
    taps = torch.tensor(SYM6, dtype=torch.float64)
    for shift in range(1, 6):
        assert (taps[2 * shift :] * taps[: -2 * shift]).sum().item() == pytest.approx(0, abs=1e-9)
    assert taps.square().sum().item() == pytest.approx(1)
    assert taps.sum().item() == pytest.approx(math.sqrt(2))


@pytest.mark.parametrize("size", [(16, 16), (9, 14)])
def test_identity_warp_reproduces_the_image(size: tuple[int, int]):
    img = pictures(2, *size)
    torch.testing.assert_close(warp(img, torch.eye(3).expand(2, 3, 3)), img, atol=1e-5, rtol=0)


def test_flips_and_quarter_turns_match_array_operations():
    img = smooth(1, 32, 32)
    for given, expected in (
        ({"flip": (0.9,)}, img.flip(3)),
        ({"quarter_turns": (0.3,)}, torch.rot90(img, -1, (2, 3))),
        ({"quarter_turns": (0.6,)}, torch.rot90(img, 2, (2, 3))),
    ):
        out = warp_moved(img, placement_matrix(RandomRows(rows_with(**given), 0.5), ("blit",), 32, 32))
        torch.testing.assert_close(out, expected, atol=0.05, rtol=0)


def test_integer_shift_is_exact_and_mirrors_the_border():
    img = pictures(1, 16, 16)
    out = warp_moved(
        img, placement_matrix(RandomRows(rows_with(whole_pixels=(1.0, 0.5)), 0.5), ("blit",), 16, 16)
    )  # 2 px to the right
    torch.testing.assert_close(out[..., 2:], img[..., :-2], atol=1e-4, rtol=0)
    torch.testing.assert_close(out[..., :2], img[..., 1:3].flip(3), atol=0.1, rtol=0)


@pytest.mark.parametrize(
    "given",
    [
        {"zoom": (0.8,)},
        {"turn": (0.6,)},
        {"stretch": (0.75,)},
        {"shift": (0.6, 0.35)},
        {"zoom": (0.9,), "turn": (0.45,), "stretch": (0.3,), "second_turn": (0.2,), "shift": (0.55, 0.4)},
    ],
)
def test_geometry_matches_kornia_on_smooth_images(given: dict[str, tuple[float, ...]]):
    h, w = 48, 32
    img, draws = smooth(2, h, w), RandomRows(rows_with(2, **given), 0.9999)
    inverse = placement_matrix(draws, ("geom",), h, w)
    center = torch.tensor([[1, 0, (w - 1) / 2], [0, 1, (h - 1) / 2], [0, 0, 1]])
    forward = center @ torch.linalg.inv(inverse) @ torch.linalg.inv(center)
    expected = kornia.geometry.transform.warp_affine(
        img, forward[:, :2], (h, w), mode="bilinear", padding_mode="reflection", align_corners=True
    )
    inner = (..., slice(8, -8), slice(8, -8))
    torch.testing.assert_close(warp(img, inverse)[inner], expected[inner], atol=0.06, rtol=0)


def test_rotation_matches_kornia():
    """Check the direction: a positive angle turns clockwise, as y points down; kornia's turns counterclockwise."""
    inverse = placement_matrix(RandomRows(rows_with(turn=(0.75,)), 0.9999), ("geom",), 16, 16)  # a quarter turn
    angle = torch.tensor([-90.0])
    matrix = kornia.geometry.transform.get_rotation_matrix2d(torch.zeros(1, 2), angle, torch.ones(1, 2))
    torch.testing.assert_close(torch.linalg.inv(inverse)[:, :2], matrix, atol=1e-5, rtol=0)


def test_downscaling_does_not_alias():
    """Check that one-pixel stripes become gray at half size; bilinear samples alone would keep some of them."""
    img = torch.ones(1, 3, 32, 32)
    img[..., ::2] = -1
    half = torch.diag(torch.tensor([1.7, 1.7, 1]))[None]
    assert warp(img, half)[..., 8:-8, 8:-8].abs().max() < 0.5


# ----- color, filters, corruptions


def test_hue_rotation_by_a_third_permutes_channels():
    draws = RandomRows(rows_with(hue=(0.5 + 1 / 3,)), 0.5)  # a third of a full rotation
    img = pictures(1)
    out = apply_color(img, *color_transform(draws))
    torch.testing.assert_close(out, img[:, [2, 0, 1]], atol=1e-5, rtol=0)


def test_brightness_and_contrast_match_kornia():
    img = pictures(1) * 0.2
    draws = RandomRows(rows_with(brightness=(0.7,), contrast=(0.7,)), 0.5)
    shift, factor = draws.normal("brightness", 0.2).item(), draws.lognormal("contrast", 0.5).item()
    expected = kornia.enhance.adjust_contrast(img + shift + 1, factor, clip_output=False) - factor
    torch.testing.assert_close(apply_color(img, *color_transform(draws)), expected, atol=1e-5, rtol=0)


def test_inversion_negates_brightness_and_keeps_color():
    img = pictures(1)
    out = apply_color(img, *color_transform(RandomRows(rows_with(inversion=(0.9,)), 0.5)))
    torch.testing.assert_close(out.mean(dim=1), -img.mean(dim=1), atol=1e-5, rtol=0)
    torch.testing.assert_close(out - out.mean(1, True), img - img.mean(1, True), atol=1e-5, rtol=0)


def test_octave_filters_sum_to_a_pulse_and_pass_their_bands():
    octaves = octave_filters()
    pulse = torch.zeros(43)
    pulse[21] = 1
    torch.testing.assert_close(octaves.sum(dim=0), pulse, atol=1e-6, rtol=0)
    torch.testing.assert_close(octaves, octaves.flip(1), atol=1e-6, rtol=0)
    response = torch.fft.rfft(octaves, 512).abs()  # 257 frequencies up to half the sampling rate
    middles = [8, 48, 96, 192]
    assert response[:, middles].argmax(dim=0).tolist() == [0, 1, 2, 3]
    assert response.sum(dim=0).sub(1).abs().max() < 1e-4  # no filter shifts the phase


def test_amplifying_one_band_keeps_the_total_power():
    from faceloom.train.augment import POWER, amplification_filters

    rows = rows_with(1, bands=(0.9, 1, 1, 1, 1, 1, 1)).clone()
    taps = amplification_filters(RandomRows(rows, 0.5), octave_filters())
    gain = torch.linalg.lstsq(octave_filters().T, taps.T).solution.flatten()
    assert (gain.square() * torch.tensor(POWER)).sum().item() == pytest.approx(1, abs=1e-4)
    assert gain[0] > gain[1]
    torch.testing.assert_close(gain[1:], gain[1].expand(3), atol=1e-4, rtol=0)


def test_cutout_covers_half_the_width_and_height():
    out = Augment("cutout").apply_rows(torch.ones(1, 3, 24, 16), 0.5, rows_with(cutout=(0.5, 0.5)))
    assert (out == 0).sum().item() == 3 * 12 * 8
    assert (out[0, :, 6:18, 4:12] == 0).all()


def test_filters_longer_than_the_image_mirror_repeatedly():
    out = Augment("filter")(torch.full((2, 3, 8, 12), 0.5), 1.0, seeded())
    torch.testing.assert_close(out, out[:, :1, :1, :1].expand_as(out), atol=1e-5, rtol=0)


# ----- derivatives


@pytest.mark.parametrize("pipe", STAGES)
def test_augmentation_is_twice_differentiable(pipe: str):
    augment, img = Augment(pipe), pictures(2, 8, 8).double().requires_grad_()
    rows = augment.rows(2, seeded(5))

    def f(img: torch.Tensor) -> torch.Tensor:
        return augment.apply_rows(img, 1.0, rows)[:, :, ::3, ::3].square()

    assert torch.autograd.gradcheck(f, img)
    assert torch.autograd.gradgradcheck(f, img)


def test_bilinear_sampling_is_twice_differentiable():
    img = pictures(1, 5, 4).double().requires_grad_()
    grid = (torch.rand(1, 3, 6, 2, generator=seeded()) * 2 - 1).double()
    assert torch.autograd.gradcheck(lambda x: sample_bilinear(x, grid).square(), img)
    assert torch.autograd.gradgradcheck(lambda x: sample_bilinear(x, grid).square(), img)


def test_gradient_penalty_passes_through_the_pipeline():
    augment, critic = Augment("bgcfnc"), torch.nn.Conv2d(3, 4, 3)
    img = pictures(4, 16, 16).requires_grad_()
    logits = torch.nn.functional.softplus(critic(augment(img, 0.8, seeded()))).mean(dim=(1, 2, 3))
    (gradient,) = torch.autograd.grad(logits.sum(), img, create_graph=True)
    gradient.square().sum().backward()
    assert critic.weight.grad.abs().sum() > 0


def transparent(n: int, h: int = 16, w: int = 16) -> torch.Tensor:
    """Return premultiplied RGBA images whose left half is transparent."""
    straight = torch.cat((pictures(n, h, w), torch.ones(n, 1, h, w)), dim=1)
    straight[:, 3, :, : w // 2] = -1
    return premultiply(straight)


@pytest.mark.parametrize("pipe", ["bgc", "bgcfnc"])
@pytest.mark.parametrize("channels", [1, 4])
def test_other_channels_are_augmented(pipe: str, channels: int):
    img = transparent(6) if channels == 4 else pictures(6)[:, :1]
    out = Augment(pipe)(img, 1.0, seeded())
    assert out.shape == img.shape
    assert out.isfinite().all()


def test_color_changes_neither_alpha_nor_transparent_pixels():
    img = transparent(4)
    out = Augment("color")(img, 1.0, seeded())
    assert out[:, 3:].equal(img[:, 3:])
    assert torch.allclose(out[..., :8], img[..., :8], atol=1e-6)
    opaque = Augment("color")(img[:, :3], 1.0, seeded())
    assert torch.allclose(out[:, :3, :, 8:], opaque[..., 8:], atol=1e-5)


def test_gray_colors_as_those_of_gray_rgb_images():
    gray = pictures(4)[:, :1]
    rgb = Augment("color")(gray.expand(-1, 3, -1, -1), 1.0, seeded())
    assert torch.allclose(Augment("color")(gray, 1.0, seeded()).expand(-1, 3, -1, -1), rgb, atol=1e-5)


def test_cut_out_parts_of_transparent_images_are_transparent():
    out = Augment("cutout").apply_rows(transparent(1), 0.5, rows_with(cutout=(0.75, 0.5)))
    assert out[0, :, 8, 12].tolist() == [-1, -1, -1, -1]


def test_mirroring_moves_alpha_with_the_colors():
    out = Augment("blit").apply_rows(transparent(1), 0.5, rows_with(flip=(0.9,)))
    assert out[0, 3, 4:12, :7].min() > 0.9
    assert out[0, :, 4:12, 9:].max() < -0.9
