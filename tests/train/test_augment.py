"""ADA's augmentations: against kornia, against the paper's chances and spreads, and differentiated twice."""

from __future__ import annotations

import math

import kornia
import pytest
import torch

from faceloom.train.augment import DRAWS, PIPES, Augment, Draws, colours, moved, octave_filters, placement, recoloured
from faceloom.train.warp import SYM6, sample, warp

STAGES = ("blit", "geom", "color", "filter", "noise", "cutout")


def seeded(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def pictures(n: int, h: int = 16, w: int = 16) -> torch.Tensor:
    return torch.rand(n, 3, h, w, generator=seeded(n)) * 2 - 1


def smooth(n: int, h: int, w: int) -> torch.Tensor:
    x = torch.nn.functional.interpolate(pictures(n, 5, 5), size=(h, w), mode="bicubic", align_corners=True)
    return x.clamp(-1, 1)


def rows_with(n: int = 1, **given: tuple[float, ...]) -> torch.Tensor:
    """Rows in which only the given transformations are done (for 0 < p < 1), as their numbers say."""
    parts = []
    for name, count in DRAWS.items():
        part = torch.tensor([0.0, *given[name]]) if name in given else torch.ones(count)
        parts.append(part.expand(n, -1))
    return torch.cat(parts, dim=1)


@pytest.mark.parametrize("pipe", PIPES)
@pytest.mark.parametrize("size", [(16, 16), (24, 16)])
def test_shapes_stay_and_numbers_are_finite(pipe: str, size: tuple[int, int]):
    img = pictures(6, *size)
    out = Augment(pipe)(img, 1.0, seeded())
    assert out.shape == img.shape
    assert out.dtype == torch.float32
    assert out.isfinite().all()
    assert not torch.allclose(out, img)


@pytest.mark.parametrize("pipe", ["bgcfnc"])
def test_without_a_chance_nothing_happens(pipe: str):
    img = pictures(4)
    torch.testing.assert_close(Augment(pipe)(img, 0.0, seeded()), img, atol=1e-5, rtol=0)


def test_seeds_repeat_and_the_batch_does_not_matter():
    augment, img = Augment("bgcfnc"), pictures(5, 24, 16)
    rows = augment.rows(5, seeded(3))
    together = augment.apply_rows(img, 0.7, rows)
    torch.testing.assert_close(augment(img, 0.7, seeded(3)), together, rtol=0, atol=0)
    singly = torch.cat([augment.apply_rows(img[i : i + 1], 0.7, rows[i : i + 1]) for i in range(5)])
    torch.testing.assert_close(singly, together)


def test_every_image_may_have_its_own_chance():
    augment, img = Augment("bgc"), pictures(2)
    out = augment(img, torch.tensor([0.0, 1.0]), seeded())
    torch.testing.assert_close(out[0], img[0])
    assert not torch.allclose(out[1], img[1])


@pytest.mark.parametrize("name", ["flip", "hue", "shift", "cutout", "second_turn"])
def test_p_is_the_chance_of_every_transformation(name: str):
    draws = Draws(Augment.rows(4000, seeded()), 0.3)
    assert draws.is_done(name).float().mean().item() == pytest.approx(0.3, abs=0.03)


def test_two_turns_together_have_the_chance_p():
    """Without stretching they are one turn: `1 - (1 - q)^2 = p` (appendix B.2)."""
    draws = Draws(rows_with(1), 0.64)
    q = 1 - math.sqrt(1 - 0.64)
    rows = torch.rand(20000, sum(DRAWS.values()), generator=seeded())
    draws = Draws(rows, 0.64)
    one = torch.full((20000,), q)
    turned = draws.is_done("turn", one) | draws.is_done("second_turn", one)
    assert turned.float().mean().item() == pytest.approx(0.64, abs=0.02)


def test_spreads_are_the_papers():
    draws = Draws(Augment.rows(20000, seeded()), 1.0)
    assert draws.lognormal("zoom", 0.2).log2().std().item() == pytest.approx(0.2, rel=0.03)
    assert draws.lognormal("saturation", 1).log2().std().item() == pytest.approx(1, rel=0.03)
    assert draws.normal("brightness", 0.2).std().item() == pytest.approx(0.2, rel=0.03)
    assert draws.normal("noise", 0.1).abs().mean().item() == pytest.approx(0.1 * math.sqrt(2 / math.pi), rel=0.03)


# ----- where pixels go


def test_the_filter_is_orthonormal_to_its_shifts():
    taps = torch.tensor(SYM6, dtype=torch.float64)
    for shift in range(1, 6):
        assert (taps[2 * shift :] * taps[: -2 * shift]).sum().item() == pytest.approx(0, abs=1e-9)
    assert taps.square().sum().item() == pytest.approx(1)
    assert taps.sum().item() == pytest.approx(math.sqrt(2))


@pytest.mark.parametrize("size", [(16, 16), (9, 14)])
def test_warping_by_the_identity_gives_the_image(size: tuple[int, int]):
    img = pictures(2, *size)
    torch.testing.assert_close(warp(img, torch.eye(3).expand(2, 3, 3)), img, atol=1e-5, rtol=0)


def test_flips_and_quarter_turns_are_those_of_the_array():
    img = smooth(1, 32, 32)
    for given, expected in (
        ({"flip": (0.9,)}, img.flip(3)),
        ({"quarter_turns": (0.3,)}, torch.rot90(img, -1, (2, 3))),
        ({"quarter_turns": (0.6,)}, torch.rot90(img, 2, (2, 3))),
    ):
        out = moved(img, placement(Draws(rows_with(**given), 0.5), ("blit",), 32, 32))
        torch.testing.assert_close(out, expected, atol=0.05, rtol=0)


def test_whole_pixels_move_exactly_and_what_comes_in_is_mirrored():
    img = pictures(1, 16, 16)
    out = moved(img, placement(Draws(rows_with(whole_pixels=(1.0, 0.5)), 0.5), ("blit",), 16, 16))  # 2 px to the right
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
def test_smooth_pictures_move_as_kornia_moves_them(given: dict[str, tuple[float, ...]]):
    h, w = 48, 32
    img, draws = smooth(2, h, w), Draws(rows_with(2, **given), 0.9999)
    inverse = placement(draws, ("geom",), h, w)
    centre = torch.tensor([[1, 0, (w - 1) / 2], [0, 1, (h - 1) / 2], [0, 0, 1]])
    forward = centre @ torch.linalg.inv(inverse) @ torch.linalg.inv(centre)
    expected = kornia.geometry.transform.warp_affine(
        img, forward[:, :2], (h, w), mode="bilinear", padding_mode="reflection", align_corners=True
    )
    inner = (..., slice(8, -8), slice(8, -8))
    torch.testing.assert_close(warp(img, inverse)[inner], expected[inner], atol=0.06, rtol=0)


def test_a_turn_turns_as_kornia_says():
    """A positive angle turns clockwise, as y points down; kornia's turn anticlockwise."""
    inverse = placement(Draws(rows_with(turn=(0.75,)), 0.9999), ("geom",), 16, 16)  # a quarter turn
    angle = torch.tensor([-90.0])
    matrix = kornia.geometry.transform.get_rotation_matrix2d(torch.zeros(1, 2), angle, torch.ones(1, 2))
    torch.testing.assert_close(torch.linalg.inv(inverse)[:, :2], matrix, atol=1e-5, rtol=0)


def test_fine_detail_is_not_aliased():
    """Shrunk to half, stripes of one pixel become grey; bilinear samples alone would keep some of them."""
    img = torch.ones(1, 3, 32, 32)
    img[..., ::2] = -1
    half = torch.diag(torch.tensor([1.7, 1.7, 1]))[None]
    assert warp(img, half)[..., 8:-8, 8:-8].abs().max() < 0.5


# ----- colours, filters, corruptions


def test_hue_turns_colours_and_saturation_one_leaves_them():
    draws = Draws(rows_with(hue=(0.5 + 1 / 3,)), 0.5)  # a third of a turn
    img = pictures(1)
    out = recoloured(img, *colours(draws))
    torch.testing.assert_close(out, img[:, [2, 0, 1]], atol=1e-5, rtol=0)


def test_brightness_and_contrast_are_kornias():
    img = pictures(1) * 0.2
    draws = Draws(rows_with(brightness=(0.7,), contrast=(0.7,)), 0.5)
    shift, factor = draws.normal("brightness", 0.2).item(), draws.lognormal("contrast", 0.5).item()
    expected = kornia.enhance.adjust_contrast(img + shift + 1, factor, clip_output=False) - factor
    torch.testing.assert_close(recoloured(img, *colours(draws)), expected, atol=1e-5, rtol=0)


def test_inversion_mirrors_brightness_and_keeps_colour():
    img = pictures(1)
    out = recoloured(img, *colours(Draws(rows_with(inversion=(0.9,)), 0.5)))
    torch.testing.assert_close(out.mean(dim=1), -img.mean(dim=1), atol=1e-5, rtol=0)
    torch.testing.assert_close(out - out.mean(1, True), img - img.mean(1, True), atol=1e-5, rtol=0)


def test_octaves_sum_to_a_pulse_and_each_passes_its_band():
    octaves = octave_filters()
    pulse = torch.zeros(43)
    pulse[21] = 1
    torch.testing.assert_close(octaves.sum(dim=0), pulse, atol=1e-6, rtol=0)
    torch.testing.assert_close(octaves, octaves.flip(1), atol=1e-6, rtol=0)
    response = torch.fft.rfft(octaves, 512).abs()  # 257 frequencies up to half the sampling rate
    middles = [8, 48, 96, 192]
    assert response[:, middles].argmax(dim=0).tolist() == [0, 1, 2, 3]
    assert response.sum(dim=0).sub(1).abs().max() < 1e-4  # all are without a shift of phase


def test_one_band_alone_keeps_the_usual_power():
    from faceloom.train.augment import POWER, amplification

    rows = rows_with(1, bands=(0.9, 1, 1, 1, 1, 1, 1)).clone()
    taps = amplification(Draws(rows, 0.5), octave_filters())
    gain = torch.linalg.lstsq(octave_filters().T, taps.T).solution.flatten()
    assert (gain.square() * torch.tensor(POWER)).sum().item() == pytest.approx(1, abs=1e-4)
    assert gain[0] > gain[1]
    torch.testing.assert_close(gain[1:], gain[1].expand(3), atol=1e-4, rtol=0)


def test_a_cut_out_rectangle_is_half_as_wide_and_high():
    out = Augment("cutout").apply_rows(torch.ones(1, 3, 24, 16), 0.5, rows_with(cutout=(0.5, 0.5)))
    assert (out == 0).sum().item() == 3 * 12 * 8
    assert (out[0, :, 6:18, 4:12] == 0).all()


def test_filters_mirror_even_where_they_are_longer_than_the_image():
    out = Augment("filter")(torch.full((2, 3, 8, 12), 0.5), 1.0, seeded())
    torch.testing.assert_close(out, out[:, :1, :1, :1].expand_as(out), atol=1e-5, rtol=0)


# ----- derivatives


@pytest.mark.parametrize("pipe", STAGES)
def test_gradients_of_gradients(pipe: str):
    augment, img = Augment(pipe), pictures(2, 8, 8).double().requires_grad_()
    rows = augment.rows(2, seeded(5))

    def f(img: torch.Tensor) -> torch.Tensor:
        return augment.apply_rows(img, 1.0, rows)[:, :, ::3, ::3].square()

    assert torch.autograd.gradcheck(f, img)
    assert torch.autograd.gradgradcheck(f, img)


def test_samples_and_their_transpose_are_exact_derivatives():
    img = pictures(1, 5, 4).double().requires_grad_()
    grid = (torch.rand(1, 3, 6, 2, generator=seeded()) * 2 - 1).double()
    assert torch.autograd.gradcheck(lambda x: sample(x, grid).square(), img)
    assert torch.autograd.gradgradcheck(lambda x: sample(x, grid).square(), img)


def test_a_gradient_penalty_goes_through_the_whole_pipeline():
    augment, critic = Augment("bgcfnc"), torch.nn.Conv2d(3, 4, 3)
    img = pictures(4, 16, 16).requires_grad_()
    logits = torch.nn.functional.softplus(critic(augment(img, 0.8, seeded()))).mean(dim=(1, 2, 3))
    (gradient,) = torch.autograd.grad(logits.sum(), img, create_graph=True)
    gradient.square().sum().backward()
    assert critic.weight.grad.abs().sum() > 0
