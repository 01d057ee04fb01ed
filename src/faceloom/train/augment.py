"""Augmentation of real and generated images before the discriminator, which keeps it from memorizing the real ones.

Source: Karras et al. 2020b, "Training Generative Adversarial Networks with Limited Data" (ADA), appendix B: eighteen
transformations, each applied to an image with probability p. Everything is differentiable twice.
All randomness comes from one row of uniform numbers per image. A caller that derives the rows from image numbers
gets the same images in any batch.
"""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from faceloom.images.channels import on_colors
from faceloom.train.config import ADA_STAGES, PIPE_NAMES
from faceloom.train.warp import warp

STAGES = ADA_STAGES
PIPES = {name: (name,) if name in STAGES else STAGES[: len(name)] for name in PIPE_NAMES}

DRAW_COUNTS = {
    "flip": 2,
    "quarter_turns": 2,
    "whole_pixels": 3,
    "zoom": 2,
    "turn": 2,
    "stretch": 2,
    "second_turn": 2,
    "shift": 3,
    "brightness": 2,
    "contrast": 2,
    "inversion": 2,
    "hue": 2,
    "saturation": 2,
    "bands": 8,
    "noise": 3,
    "cutout": 3,
}
"""Number of uniform values that each transformation reads from an image's row: the first decides whether the
transformation is applied, the others decide how."""

LN2 = math.log(2)

# Low-pass filter of the wavelet sym2 (Daubechies 1992)
SYM2 = (-0.12940952255092145, 0.22414386804185735, 0.836516303737469, 0.48296291314469025)
POWER = (10 / 13, 1 / 13, 1 / 13, 1 / 13)
"""Share of a natural image's power in each octave, the lowest octave first (appendix B.3)."""


class Augment(nn.Module):
    """The augmentation pipeline: `Augment("bgc")(img, p, generator)`.

    Convention: img float32 `[n, c, h, w]`, -1...1, each side longer than 6 px; p 0...1, one number or one per image.
    The result has the same shape; colors may leave -1...1. Of an RGBA img (premultiplied) color transformations change
    the colors only, and cut out parts are transparent. `pipe` is a stage (blit, geom, color, filter, noise,
    cutout) or the initials of the first stages in this order (bg, bgc ... bgcfnc).
    """

    def __init__(self, pipe: str = "bgc") -> None:
        super().__init__()
        self.stages = PIPES[pipe]
        self.register_buffer("octaves", octave_filters(), persistent=False)

    def forward(self, img: Tensor, p: float | Tensor, generator: torch.Generator | None = None) -> Tensor:
        """Augment images with newly drawn random rows."""
        return self.apply_rows(img, p, self.rows(len(img), generator))

    @staticmethod
    def rows(n: int, generator: torch.Generator | None = None) -> Tensor:
        """Draw the random rows for n images: uniform numbers `[n, k]`, one row after the other."""
        device = generator.device if generator is not None else "cpu"
        return torch.rand(n, sum(DRAW_COUNTS.values()), generator=generator, device=device)

    def apply_rows(self, img: Tensor, p: float | Tensor, rows: Tensor) -> Tensor:
        """Augment images with random rows `[n, k]` that the caller drew."""
        draws = RandomRows(rows.to(img.device), p)
        if "blit" in self.stages or "geom" in self.stages:
            img = warp_moved(img, placement_matrix(draws, self.stages, *img.shape[2:]))
        if "color" in self.stages:
            img = apply_color(img, *color_transform(draws))
        if "filter" in self.stages:
            img = apply_filters(img, amplification_filters(draws, self.get_buffer("octaves")))
        if "noise" in self.stages:
            img = img + random_noise(draws, img)
        return cover(img, cutout_mask(draws, *img.shape[2:])) if "cutout" in self.stages else img


class RandomRows:
    """Random rows of uniform numbers, split by transformation."""

    def __init__(self, rows: Tensor, p: float | Tensor) -> None:
        self.p = torch.as_tensor(p, dtype=rows.dtype, device=rows.device).expand(len(rows))
        self.by_name = dict(zip(DRAW_COUNTS, rows.split(list(DRAW_COUNTS.values()), dim=1), strict=True))
        self.n, self.device = len(rows), rows.device

    def is_applied(self, name: str, p: Tensor | None = None) -> Tensor:
        """Return for which images a transformation is applied: bool `[n]`."""
        chance: Tensor = self.by_name[name][:, 0]
        return chance < (self.p if p is None else p)

    def uniform(self, name: str, least: float, most: float, default: float = 0, at: int = 1) -> Tensor:
        """Return uniform numbers `[n]` in least...most, or `default` where the transformation is not applied."""
        value = self.by_name[name][:, at] * (most - least) + least
        return torch.where(self.is_applied(name), value, default)

    def normal(self, name: str, std: float, at: int = 1) -> Tensor:
        """Return normal numbers `[n]` of deviation `std`, 0 where the transformation is not applied."""
        return torch.where(self.is_applied(name), std * _to_normal(self.by_name[name][:, at]), 0)

    def lognormal(self, name: str, octaves: float) -> Tensor:
        """Return factors `[n]` whose base-2 logarithm has a deviation of `octaves`, 1 where it is not applied."""
        return (self.normal(name, octaves) * LN2).exp()


def _to_normal(uniform: Tensor) -> Tensor:
    """Convert uniform numbers to normal ones, limited to 5 deviations from zero."""
    return torch.erfinv((2 * uniform - 1).clamp(-0.9999994, 0.9999994)) * 2**0.5


# ----- geometry: appendices B.1 and B.2


def placement_matrix(draws: RandomRows, stages: tuple[str, ...], h: int, w: int) -> Tensor:
    """Return the maps `[n, 3, 3]` from a position in the result to the source position, in pixels from the center.

    The transformations are applied in sequence. The inverse of a product is the product of the inverses in reverse
    order.
    """
    inverse = torch.eye(3, device=draws.device).expand(draws.n, 3, 3)
    if "blit" in stages:
        inverse = inverse @ _scale(1 - 2 * _random_integer(draws, "flip", 2), torch.ones(draws.n, device=draws.device))
        inverse = inverse @ _rotation(_random_integer(draws, "quarter_turns", 4) * (math.pi / 2))
        by = [draws.uniform("whole_pixels", -0.125, 0.125, at=i) for i in (1, 2)]
        inverse = inverse @ _inverse_shift((by[0] * w).round(), (by[1] * h).round())
    if "geom" in stages:
        inverse = inverse @ _geometry(draws, h, w)
    return inverse


def _geometry(draws: RandomRows, h: int, w: int) -> Tensor:
    """Return the inverse of the general affine map.

    There is one rotation before the stretching and one after it. Without stretching they act as one rotation, so each
    has the probability with which both together amount to p.
    """
    zoom, stretch = draws.lognormal("zoom", 0.2), draws.lognormal("stretch", 0.2)
    one_turn = 1 - (1 - draws.p).clamp(min=0).sqrt()
    turns = [
        torch.where(draws.is_applied(name, one_turn), draws.by_name[name][:, 1] * 2 - 1, 0) * math.pi
        for name in ("turn", "second_turn")
    ]
    inverse = _scale(1 / zoom, 1 / zoom) @ _rotation(turns[0]) @ _scale(1 / stretch, stretch) @ _rotation(turns[1])
    return inverse @ _inverse_shift(draws.normal("shift", 0.125 * w, at=1), draws.normal("shift", 0.125 * h, at=2))


def _random_integer(draws: RandomRows, name: str, count: int) -> Tensor:
    return draws.uniform(name, 0, count).floor()


def _scale(x: Tensor, y: Tensor) -> Tensor:
    """Return scaling matrices `[n, 3, 3]`."""
    return torch.diag_embed(torch.stack((x, y, torch.ones_like(x)), dim=1))


def _rotation(angle: Tensor) -> Tensor:
    """Return matrices `[n, 3, 3]` that rotate by an angle in radians."""
    cosine, sine, zero = angle.cos(), angle.sin(), torch.zeros_like(angle)
    return torch.stack((cosine, sine, zero, -sine, cosine, zero, zero, zero, zero + 1), dim=1).view(-1, 3, 3)


def _inverse_shift(x: Tensor, y: Tensor) -> Tensor:
    """Return the inverses `[n, 3, 3]` of shifts by (x, y) pixels."""
    zero, one = torch.zeros_like(x), torch.ones_like(x)
    return torch.stack((one, zero, -x, zero, one, -y, zero, zero, one), dim=1).view(-1, 3, 3)


def warp_moved(img: Tensor, inverse: Tensor) -> Tensor:
    """Warp only the images whose map is not the identity, because the identity costs as much as any other map."""
    needs_warp = (inverse != torch.eye(3, device=img.device)).flatten(1).any(dim=1)
    indices = needs_warp.nonzero().flatten()
    if len(indices) == 0:
        return img
    if len(indices) == len(img):
        return warp(img, inverse)
    return img.index_copy(0, indices, warp(img[indices], inverse[indices]))


# ----- color: appendix B.3


def color_transform(draws: RandomRows) -> tuple[Tensor, Tensor]:
    """Return the color transformations: a matrix `[n, 3, 3]` and an offset `[n, 3, 1]`."""
    eye = torch.eye(3, device=draws.device)
    gray = torch.full((3, 3), 1 / 3, device=draws.device)  # projects onto the gray axis
    contrast = draws.lognormal("contrast", 0.5)[:, None, None]
    added = contrast * draws.normal("brightness", 0.2)[:, None, None].expand(-1, 3, 1)
    matrix = contrast * eye
    steps = (
        eye - 2 * gray * _random_integer(draws, "inversion", 2)[:, None, None],
        _hue(draws.uniform("hue", -math.pi, math.pi)[:, None, None]),
        gray + (eye - gray) * draws.lognormal("saturation", 1)[:, None, None],
    )
    for step in steps:
        matrix, added = step @ matrix, step @ added
    return matrix, added


def _hue(angle: Tensor) -> Tensor:
    """Return rotations about the gray axis: angle `[n, 1, 1]` -> `[n, 3, 3]` (Rodrigues' formula)."""
    cross = torch.tensor([[0.0, -1, 1], [1, 0, -1], [-1, 1, 0]], device=angle.device) / 3**0.5
    return torch.eye(3, device=angle.device) + angle.sin() * cross + (1 - angle.cos()) * (cross @ cross)


def apply_color(img: Tensor, matrix: Tensor, added: Tensor) -> Tensor:
    """Return `matrix @ color + added` at every pixel; gray images get what the transformation makes of a gray pixel.

    Convention: matrix `[n, 3, 3]`, added `[n, 3, 1]`; the transformations map gray to gray, as those of ADA do.
    """
    matrix, added = matrix.to(img.dtype), added.to(img.dtype)
    if img.shape[1] == 1:
        matrix, added = matrix.sum(2, keepdim=True).mean(1, keepdim=True), added.mean(1, keepdim=True)

    def change(colors: Tensor, alpha: Tensor | None) -> Tensor:
        if alpha is None:
            return torch.baddbmm(added, matrix, colors.flatten(2)).view(colors.shape)
        return torch.baddbmm(added * alpha.flatten(2), matrix, colors.flatten(2)).view(colors.shape)

    return on_colors(img, change)


# ----- filters and corruptions: appendices B.4 and B.5


def octave_filters() -> Tensor:
    """Return four filters `[4, 43]` that split an image into octaves, the lowest first; they sum to a unit pulse.

    A wavelet's low-pass filter convolved with its mirror image passes the lower half of the band without a shift. The
    remainder is the upper half. The same filter, stretched, splits the lower half again.
    """
    taps = torch.tensor(SYM2, dtype=torch.float64)
    low = F.conv1d(taps.view(1, 1, -1), taps.view(1, 1, -1), padding=3).flatten() / 2
    pulse = torch.zeros(43, dtype=torch.float64)
    pulse[21] = 1
    rest, octaves = pulse, []
    for stretch in (1, 2, 4):
        wide = torch.zeros(6 * stretch + 1, dtype=torch.float64)
        wide[::stretch] = low
        lower = F.conv1d(rest.view(1, 1, -1), wide.view(1, 1, -1), padding=3 * stretch).flatten()
        octaves.append(rest - lower)
        rest = lower
    return torch.stack((rest, *reversed(octaves))).float()


def amplification_filters(draws: RandomRows, octaves: Tensor) -> Tensor:
    """Return one filter per image, `[n, 43]`, that amplifies some octaves and keeps the usual total power."""
    power = torch.tensor(POWER, device=draws.device)
    gain = torch.ones(draws.n, 4, device=draws.device)
    for i, (chance, how) in enumerate(draws.by_name["bands"].view(draws.n, 4, 2).permute(1, 2, 0)):
        factors = torch.ones_like(gain)
        factors[:, i] = torch.where(chance < draws.p, (_to_normal(how) * LN2).exp(), 1)
        gain = gain * factors / (power * factors.square()).sum(dim=1, keepdim=True).sqrt()
    return gain @ octaves


def apply_filters(img: Tensor, taps: Tensor) -> Tensor:
    """Filter each image with its own taps in both directions; the image is mirrored at its edges."""
    n, c, h, w = img.shape
    weight, around = taps.to(img.dtype).repeat_interleave(c, dim=0), taps.shape[1] // 2
    rows, columns = mirrored_indices(h, around, img.device), mirrored_indices(w, around, img.device)
    x = img[:, :, rows][..., columns].reshape(1, n * c, len(rows), len(columns))
    x = F.conv2d(x, weight[:, None, None, :], groups=n * c)
    return F.conv2d(x, weight[:, None, :, None], groups=n * c).view(n, c, h, w)


def mirrored_indices(size: int, around: int, device: torch.device) -> Tensor:
    """Return pixel indices along a side with `around` mirrored pixels at each end, mirrored repeatedly if necessary."""
    place = torch.arange(-around, size + around, device=device).remainder(2 * (size - 1))
    return size - 1 - (place - (size - 1)).abs()


def random_noise(draws: RandomRows, img: Tensor) -> Tensor:
    """Return normal noise, up to about a quarter of the range; each image has its own random generator."""
    strengths = draws.normal("noise", 0.1).abs()
    out = torch.zeros_like(img)
    for i, seed in enumerate((draws.by_name["noise"][:, 2].double() * 2**24).long().tolist()):
        if strengths[i] > 0:
            value = torch.randn(img.shape[1:], generator=torch.Generator().manual_seed(seed))
            out[i] = value.to(img.device) * strengths[i]
    return out


def cover(img: Tensor, kept: Tensor) -> Tensor:
    """Cover the pixels outside a mask `[n, 1, h, w]`: with gray, or of an RGBA img with transparency."""
    return img * kept if img.shape[1] != 4 else (img + 1) * kept - 1


def cutout_mask(draws: RandomRows, h: int, w: int) -> Tensor:
    """Return a mask `[n, 1, h, w]` of ones, with zeros on a rectangle of half the height and width at any position."""
    cut = []
    for at, size in ((1, w), (2, h)):
        places = (torch.arange(size, device=draws.device) + 0.5) / size
        cut.append((places - draws.by_name["cutout"][:, at, None]).abs() < 0.25)
    inside = cut[0][:, None, :] & cut[1][:, :, None] & draws.is_applied("cutout")[:, None, None]
    kept: Tensor = (~inside).float()[:, None]
    return kept
