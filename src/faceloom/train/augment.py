"""Change real and made images alike before the discriminator sees them, so that it cannot learn them by heart.

Source: Karras et al. 2020b, "Training Generative Adversarial Networks with Limited Data" (ADA), appendix B: eighteen
transformations, each done to an image with a chance of p. Everything can be differentiated twice.
Randomness is drawn as one row of numbers an image: who draws the rows elsewhere, as by image numbers, gets the same
images in any batch.
"""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from faceloom.train.warp import warp

STAGES = ("blit", "geom", "color", "filter", "noise", "cutout")
PIPES = {stage: (stage,) for stage in STAGES} | {
    letters: STAGES[: len(letters)] for letters in ("bg", "bgc", "bgcf", "bgcfn", "bgcfnc")
}

DRAWS = {
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
"""How many uniform numbers a transformation takes of an image's row: whether it is done (a chance), then how."""

LN2 = math.log(2)

# the low-pass filter of the wavelet sym2 (Daubechies 1992)
SYM2 = (-0.12940952255092145, 0.22414386804185735, 0.836516303737469, 0.48296291314469025)
POWER = (10 / 13, 1 / 13, 1 / 13, 1 / 13)
"""What part of a natural image's power lies in each octave, the lowest first (appendix B.3)."""


class Augment(nn.Module):
    """The pipeline: `Augment("bgc")(img, p, generator)`.

    Convention: img float32 `[n, 3, h, w]`, -1...1, of any shape above 6 px; p 0...1, one number or one an image. The
    result has the same shape; colours may leave -1...1. `pipe` is a stage (blit, geom, color, filter, noise, cutout)
    or the initials of the first ones in this order (bg, bgc ... bgcfnc).
    """

    def __init__(self, pipe: str = "bgc") -> None:
        super().__init__()
        self.stages = PIPES[pipe]
        self.register_buffer("octaves", octave_filters(), persistent=False)

    def forward(self, img: Tensor, p: float | Tensor, generator: torch.Generator | None = None) -> Tensor:
        """Augment with fresh rows."""
        return self.apply_rows(img, p, self.rows(len(img), generator))

    @staticmethod
    def rows(n: int, generator: torch.Generator | None = None) -> Tensor:
        """What decides on n images: uniform numbers `[n, k]`, drawn row after row."""
        device = generator.device if generator is not None else "cpu"
        return torch.rand(n, sum(DRAWS.values()), generator=generator, device=device)

    def apply_rows(self, img: Tensor, p: float | Tensor, rows: Tensor) -> Tensor:
        """Augment with rows that were drawn before, `[n, k]`."""
        draws = Draws(rows.to(img.device), p)
        if "blit" in self.stages or "geom" in self.stages:
            img = moved(img, placement(draws, self.stages, *img.shape[2:]))
        if "color" in self.stages:
            img = recoloured(img, *colours(draws))
        if "filter" in self.stages:
            img = filtered(img, amplification(draws, self.get_buffer("octaves")))
        if "noise" in self.stages:
            img = img + noise(draws, img)
        return img * keep(draws, *img.shape[2:]) if "cutout" in self.stages else img


class Draws:
    """An image's row of uniform numbers, read by transformation."""

    def __init__(self, rows: Tensor, p: float | Tensor) -> None:
        self.p = torch.as_tensor(p, dtype=rows.dtype, device=rows.device).expand(len(rows))
        self.by_name = dict(zip(DRAWS, rows.split(list(DRAWS.values()), dim=1), strict=True))
        self.n, self.device = len(rows), rows.device

    def is_done(self, name: str, p: Tensor | None = None) -> Tensor:
        """For which images a transformation is done: `[n]`."""
        chance: Tensor = self.by_name[name][:, 0]
        return chance < (self.p if p is None else p)

    def uniform(self, name: str, least: float, most: float, idle: float = 0, at: int = 1) -> Tensor:
        """Evenly spread numbers `[n]`, `idle` where the transformation is not done."""
        drawn = self.by_name[name][:, at] * (most - least) + least
        return torch.where(self.is_done(name), drawn, idle)

    def normal(self, name: str, std: float, at: int = 1) -> Tensor:
        """Normal numbers `[n]`, 0 where the transformation is not done."""
        return torch.where(self.is_done(name), std * _normal(self.by_name[name][:, at]), 0)

    def lognormal(self, name: str, octaves: float) -> Tensor:
        """Factors `[n]` whose logarithm to the base of two has a deviation of `octaves`, 1 where it is not done."""
        return (self.normal(name, octaves) * LN2).exp()


def _normal(uniform: Tensor) -> Tensor:
    """Normal numbers out of uniform ones, at most 5 from zero."""
    return torch.erfinv((2 * uniform - 1).clamp(-0.9999994, 0.9999994)) * 2**0.5


# ----- where pixels go: appendix B.1 and B.2


def placement(draws: Draws, stages: tuple[str, ...], h: int, w: int) -> Tensor:
    """Map each place of the result to the place in the image that it shows: `[n, 3, 3]`, in pixels from the middle.

    The transformations follow each other; the inverse of a product is the product of inverses in the other order.
    """
    inverse = torch.eye(3, device=draws.device).expand(draws.n, 3, 3)
    if "blit" in stages:
        inverse = inverse @ _scale(1 - 2 * _whole(draws, "flip", 2), torch.ones(draws.n, device=draws.device))
        inverse = inverse @ _turn(_whole(draws, "quarter_turns", 4) * (math.pi / 2))
        by = [draws.uniform("whole_pixels", -0.125, 0.125, at=i) for i in (1, 2)]
        inverse = inverse @ _shift((by[0] * w).round(), (by[1] * h).round())
    if "geom" in stages:
        inverse = inverse @ _geometry(draws, h, w)
    return inverse


def _geometry(draws: Draws, h: int, w: int) -> Tensor:
    """The general affine map. A turn before and one after the stretching are one turn where nothing is stretched, so
    each has the chance with which both together come to p.
    """
    zoom, stretch = draws.lognormal("zoom", 0.2), draws.lognormal("stretch", 0.2)
    one_turn = 1 - (1 - draws.p).clamp(min=0).sqrt()
    turns = [
        torch.where(draws.is_done(name, one_turn), draws.by_name[name][:, 1] * 2 - 1, 0) * math.pi
        for name in ("turn", "second_turn")
    ]
    inverse = _scale(1 / zoom, 1 / zoom) @ _turn(turns[0]) @ _scale(1 / stretch, stretch) @ _turn(turns[1])
    return inverse @ _shift(draws.normal("shift", 0.125 * w, at=1), draws.normal("shift", 0.125 * h, at=2))


def _whole(draws: Draws, name: str, count: int) -> Tensor:
    return draws.uniform(name, 0, count).floor()


def _scale(x: Tensor, y: Tensor) -> Tensor:
    """Scale: the matrix itself, `[n, 3, 3]`."""
    return torch.diag_embed(torch.stack((x, y, torch.ones_like(x)), dim=1))


def _turn(angle: Tensor) -> Tensor:
    """Turn by an angle in radians."""
    cosine, sine, zero = angle.cos(), angle.sin(), torch.zeros_like(angle)
    return torch.stack((cosine, sine, zero, -sine, cosine, zero, zero, zero, zero + 1), dim=1).view(-1, 3, 3)


def _shift(x: Tensor, y: Tensor) -> Tensor:
    """The inverse of a shift by (x, y) pixels."""
    zero, one = torch.zeros_like(x), torch.ones_like(x)
    return torch.stack((one, zero, -x, zero, one, -y, zero, zero, one), dim=1).view(-1, 3, 3)


def moved(img: Tensor, inverse: Tensor) -> Tensor:
    """Warp those images that move at all: the identity changes nothing, and costs as much as the rest."""
    is_moved = (inverse != torch.eye(3, device=img.device)).flatten(1).any(dim=1)
    some = is_moved.nonzero().flatten()
    if len(some) == 0:
        return img
    if len(some) == len(img):
        return warp(img, inverse)
    return img.index_copy(0, some, warp(img[some], inverse[some]))


# ----- colours: appendix B.3


def colours(draws: Draws) -> tuple[Tensor, Tensor]:
    """What to do with colours: a matrix `[n, 3, 3]` and what is added `[n, 3, 1]`."""
    eye = torch.eye(3, device=draws.device)
    grey = torch.full((3, 3), 1 / 3, device=draws.device)  # projects onto the axis of greys
    contrast = draws.lognormal("contrast", 0.5)[:, None, None]
    added = contrast * draws.normal("brightness", 0.2)[:, None, None].expand(-1, 3, 1)
    matrix = contrast * eye
    steps = (
        eye - 2 * grey * _whole(draws, "inversion", 2)[:, None, None],
        _hue(draws.uniform("hue", -math.pi, math.pi)[:, None, None]),
        grey + (eye - grey) * draws.lognormal("saturation", 1)[:, None, None],
    )
    for step in steps:
        matrix, added = step @ matrix, step @ added
    return matrix, added


def _hue(angle: Tensor) -> Tensor:
    """Turn colours about the axis of greys: angle `[n, 1, 1]` -> `[n, 3, 3]` (Rodrigues' formula)."""
    cross = torch.tensor([[0.0, -1, 1], [1, 0, -1], [-1, 1, 0]], device=angle.device) / 3**0.5
    return torch.eye(3, device=angle.device) + angle.sin() * cross + (1 - angle.cos()) * (cross @ cross)


def recoloured(img: Tensor, matrix: Tensor, added: Tensor) -> Tensor:
    """`matrix @ colour + added`, at every pixel."""
    return torch.baddbmm(added.to(img.dtype), matrix.to(img.dtype), img.flatten(2)).view(img.shape)


# ----- filters and corruptions: appendices B.4 and B.5


def octave_filters() -> Tensor:
    """Four filters `[4, 43]` that cut an image into octaves, the lowest first; they sum to one pulse.

    A wavelet's low-pass filter with its mirror image passes half of the band, without moving anything, and what it
    does not pass is the upper half; the same filter stretched does so to the lower half.
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


def amplification(draws: Draws, octaves: Tensor) -> Tensor:
    """A filter an image `[n, 43]` that amplifies some octaves, and keeps the power that images usually have."""
    power = torch.tensor(POWER, device=draws.device)
    gain = torch.ones(draws.n, 4, device=draws.device)
    for i, (chance, how) in enumerate(draws.by_name["bands"].view(draws.n, 4, 2).permute(1, 2, 0)):
        factors = torch.ones_like(gain)
        factors[:, i] = torch.where(chance < draws.p, (_normal(how) * LN2).exp(), 1)
        gain = gain * factors / (power * factors.square()).sum(dim=1, keepdim=True).sqrt()
    return gain @ octaves


def filtered(img: Tensor, taps: Tensor) -> Tensor:
    """Filter each image by its own taps, in both directions; what lies outside is mirrored."""
    n, c, h, w = img.shape
    weight, around = taps.to(img.dtype).repeat_interleave(c, dim=0), taps.shape[1] // 2
    rows, columns = mirrored(h, around, img.device), mirrored(w, around, img.device)
    x = img[:, :, rows][..., columns].reshape(1, n * c, len(rows), len(columns))
    x = F.conv2d(x, weight[:, None, None, :], groups=n * c)
    return F.conv2d(x, weight[:, None, :, None], groups=n * c).view(n, c, h, w)


def mirrored(size: int, around: int, device: torch.device) -> Tensor:
    """Which pixels of a side lie where, `around` more at each end, mirrored as often as it takes."""
    place = torch.arange(-around, size + around, device=device).remainder(2 * (size - 1))
    return size - 1 - (place - (size - 1)).abs()


def noise(draws: Draws, img: Tensor) -> Tensor:
    """Normal noise, up to about a quarter of the range; each image has its own generator."""
    strengths = draws.normal("noise", 0.1).abs()
    out = torch.zeros_like(img)
    for i, seed in enumerate((draws.by_name["noise"][:, 2].double() * 2**24).long().tolist()):
        if strengths[i] > 0:
            drawn = torch.randn(img.shape[1:], generator=torch.Generator().manual_seed(seed))
            out[i] = drawn.to(img.device) * strengths[i]
    return out


def keep(draws: Draws, h: int, w: int) -> Tensor:
    """Ones, and zeros on a rectangle of half the height and width anywhere: `[n, 1, h, w]`."""
    cut = []
    for at, size in ((1, w), (2, h)):
        places = (torch.arange(size, device=draws.device) + 0.5) / size
        cut.append((places - draws.by_name["cutout"][:, at, None]).abs() < 0.25)
    inside = cut[0][:, None, :] & cut[1][:, :, None] & draws.is_done("cutout")[:, None, None]
    kept: Tensor = (~inside).float()[:, None]
    return kept
