"""Filters that draw a generated face in five styles: the examples from which the shipped styles were fitted.

Every filter is a function of the face and of its regions. Regular patterns (pixels, halftone dots) lie on a grid of
64 x 64 cells, because the generator's features have that grid at 64 px.

Sources: Winnemöller et al. 2012 (XDoG lines), Papari et al. 2007 (Kuwahara filter with eight sectors), He et al. 2010
(guided filter), Bousseau et al. 2006 (watercolor as a change of pigment density).
"""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor

from faceloom.networks.regions import REGIONS

SIDE = 1024
GRID = 64  # cells of a regular pattern in a row
CELL = SIDE // GRID

Filter = Callable[[Tensor, Tensor], Tensor]
"""A filter: face `[1, 3, 1024, 1024]`, 0...1, and regions `[1, 10, 64, 64]` -> picture, as the face."""


# -- parts of filters -------------------------------------------------------------------------------------------------


def blur(x: Tensor, sigma: float) -> Tensor:
    """Blur with a Gaussian of `sigma` pixels; wide ones are blurred at a lower resolution."""
    if sigma > 12:
        factor = 2 ** int(math.log2(sigma / 4))
        small = blur(F.avg_pool2d(x, factor), sigma / factor)
        return F.interpolate(small, x.shape[-2:], mode="bicubic", align_corners=False)
    radius = max(1, math.ceil(3 * sigma))
    taps = torch.arange(-radius, radius + 1, dtype=torch.float32)
    kernel = (-0.5 * (taps / sigma).square()).exp()
    kernel = (kernel / kernel.sum()).expand(x.shape[1], 1, 1, -1)
    x = F.conv2d(F.pad(x, (radius, radius, 0, 0), mode="reflect"), kernel, groups=x.shape[1])
    return F.conv2d(F.pad(x, (0, 0, radius, radius), mode="reflect"), kernel.mT, groups=x.shape[1])


def luminance(face: Tensor) -> Tensor:
    """Return the luminance `[1, 1, h, w]`."""
    return (face * torch.tensor([0.299, 0.587, 0.114]).view(3, 1, 1)).sum(1, keepdim=True)


def saturate(face: Tensor, factor: float) -> Tensor:
    """Multiply the distance of every color from gray."""
    gray = luminance(face)
    return (gray + factor * (face - gray)).clamp(0, 1)


def step(x: Tensor, low: float, high: float) -> Tensor:
    """Return a smooth step from 0 at `low` to 1 at `high`."""
    t = ((x - low) / (high - low)).clamp(0, 1)
    return t * t * (3 - 2 * t)


def kuwahara(face: Tensor, radius: int) -> Tensor:
    """Smooth within shapes and keep their edges: average the most uniform of eight sectors around each pixel.

    Runs at half the resolution.
    """
    x = F.avg_pool2d(face, 2)
    y_grid, x_grid = torch.meshgrid(torch.arange(-radius, radius + 1), torch.arange(-radius, radius + 1), indexing="ij")
    angle, distance = torch.atan2(y_grid.float(), x_grid.float()), (y_grid**2 + x_grid**2).float()
    weight = (-distance / (2 * (radius / 2) ** 2)).exp() * (distance <= radius**2 + 0.5)
    kernels = []
    for sector in range(8):
        turn = torch.remainder(angle - sector * math.pi / 4 + math.pi, 2 * math.pi) - math.pi
        kernel = weight * (1 - turn.abs() / (math.pi / 4)).clamp(min=0)
        kernel[radius, radius] = 1 / 8
        kernels.append(kernel / kernel.sum())
    kernel = torch.stack(kernels)[:, None]  # [8 1 k k]
    padded = F.pad(x, (radius,) * 4, mode="reflect")
    channels = torch.cat((padded, padded.square().sum(1, keepdim=True)), dim=1).transpose(0, 1)  # [4 1 h w]
    mean = F.conv2d(channels, kernel)  # [4 8 h w]
    variance = (mean[3] - mean[:3].square().sum(0)).clamp(min=1e-6)
    share = variance.pow(-3)
    share = share / share.sum(0, keepdim=True)
    smooth = (mean[:3] * share).sum(1)[None]
    return F.interpolate(smooth, scale_factor=2, mode="bicubic", align_corners=False).clamp(0, 1)


def ink_lines(gray: Tensor, sigma: float, sharpness: float, threshold: float, softness: float) -> Tensor:
    """Return lines (0) on white (1): XDoG of a luminance (Winnemöller et al. 2012, eq. 5 to 7)."""
    narrow, wide = blur(gray, sigma), blur(gray, sigma * 1.6)
    response = narrow + sharpness * (narrow - wide)
    return torch.where(response >= threshold, torch.ones(()), 1 + torch.tanh(softness * (response - threshold)))


def even_light(gray: Tensor, share: float, sigma: float = 70) -> Tensor:
    """Take a share of the slow changes out of a luminance, so that lines are found on light and dark skin alike."""
    return gray - share * (blur(gray, sigma) - 0.62)


def matte(face: Tensor, regions: Tensor) -> Tensor:
    """Return how much of each pixel is the person: regions at 64 px, refined along the picture's edges."""
    person = 1 - regions[:, :1]
    coarse = F.interpolate(person, face.shape[-2:], mode="bicubic", align_corners=False).clamp(0, 1)
    guide = luminance(face)
    sigma, epsilon = 14.0, 4e-4
    mean_guide, mean = blur(guide, sigma), blur(coarse, sigma)
    variance = blur(guide * guide, sigma) - mean_guide.square()
    slope = (blur(guide * coarse, sigma) - mean_guide * mean) / (variance.clamp(min=0) + epsilon)
    refined = blur(slope, sigma) * guide + blur(mean - slope * mean_guide, sigma)
    return step(refined, 0.25, 0.75)


def region_map(regions: Tensor, *names: str) -> Tensor:
    """Return the probability of some regions at the full size."""
    part = regions[:, [REGIONS.index(name) for name in names]].sum(1, keepdim=True)
    return F.interpolate(part, (SIDE, SIDE), mode="bicubic", align_corners=False).clamp(0, 1)


def cloud(seed: int, cells: int, octaves: int = 4) -> Tensor:
    """Return smooth noise `[1, 1, 1024, 1024]` of zero mean and unit variance, the same for all faces."""
    random = torch.Generator().manual_seed(seed)
    total = torch.zeros(1, 1, SIDE, SIDE)
    for octave in range(octaves):
        side = min(cells << octave, SIDE)
        layer = torch.randn(1, 1, side, side, generator=random)
        total += F.interpolate(layer, (SIDE, SIDE), mode="bicubic", align_corners=False) / 2**octave
    return (total - total.mean()) / total.std()


def mix(a: Tensor, b: Tensor, share: Tensor) -> Tensor:
    """Return `a` where the share is 0 and `b` where it is 1."""
    return a + (b - a) * share


def color(*values: float) -> Tensor:
    """Return a color `[1, 3, 1, 1]`."""
    return torch.tensor(values).view(1, 3, 1, 1)


# -- the five styles --------------------------------------------------------------------------------------------------


def ink(face: Tensor, regions: Tensor) -> Tensor:
    """Draw with a brush: ink lines over a gray wash of three tones on warm paper; the background stays empty."""
    person = matte(face, regions)
    smooth = kuwahara(face, 5)
    gray = luminance(smooth)
    lines = ink_lines(even_light(gray, 0.75), 2.6, 22, 0.50, 9)
    wash = 1 - 0.16 * step(-gray, -0.60, -0.50) - 0.22 * step(-gray, -0.36, -0.27) - 0.32 * step(-gray, -0.18, -0.10)
    tone = mix(torch.ones(()), lines * blur(wash, 1.5), person)
    return mix(color(0.09, 0.09, 0.15), color(0.975, 0.955, 0.905), tone)


def watercolor(face: Tensor, regions: Tensor) -> Tensor:
    """Paint in watercolor: flat washes with darker edges and pigment that flows, on paper that stays white around."""
    person = matte(face, regions)
    smooth = kuwahara(face, 9)
    washes = saturate(smooth, 1.35).pow(0.78)
    gray = luminance(smooth)
    edges = step((blur(gray, 2) - blur(gray, 5)).abs(), 0.01, 0.07)
    density = 1 + 0.30 * cloud(1, 12) * 0.6 + 0.10 * cloud(2, 256, 2) + 0.75 * edges
    painted = washes - (washes - washes.square()) * (density - 1)  # Bousseau et al. 2006, eq. 1
    paper = color(0.985, 0.975, 0.955)
    behind = mix(paper, saturate(kuwahara(face, 9), 1.2).pow(0.6), torch.tensor(0.18))
    painted = mix(behind, painted, person)
    y = torch.linspace(-1, 1, SIDE).view(1, 1, -1, 1)
    x = torch.linspace(-1, 1, SIDE).view(1, 1, 1, -1)
    reach = (x.abs().pow(3) + y.abs().pow(3)).pow(1 / 3) + 0.05 * cloud(3, 8)
    painted = mix(painted, paper, step(reach, 0.84, 1.0))
    return (painted * (1 + 0.012 * cloud(4, 256, 2))).clamp(0, 1)


def marble(face: Tensor, regions: Tensor) -> Tensor:
    """Carve in marble: the relief of the face without its colors, in white stone with gray clouds on a dark ground."""
    person = matte(face, regions)
    gray = luminance(kuwahara(face, 3))
    eyes, brows, hair = region_map(regions, "eyes"), region_map(regions, "brows"), region_map(regions, "hair")
    gray = mix(gray, blur(gray, 9), (1.5 * blur(eyes, 4)).clamp(0, 0.85))  # carved eyes have no iris
    local = gray.clamp(min=0.04).log()
    folds = (local - blur(local, 22)) * (1 - 0.6 * brows)
    form = (blur(local, 14) - blur(local, 110)) * (1 - 0.6 * hair) * (1 - 0.5 * brows)
    depth = (1.5 * folds + 0.75 * form) * (1 - 0.6 * (1.6 * blur(eyes, 4)).clamp(0, 1))
    shade = 0.74 + torch.where(depth < 0, 0.62, 0.30) * torch.tanh(1.5 * depth)
    clouds = 1 + 0.035 * cloud(5, 6) - 0.10 * (-(cloud(6, 4, 5).abs() * 3.5)).exp()
    stone = mix(color(0.17, 0.165, 0.175), color(0.985, 0.97, 0.945), (shade * clouds).clamp(0, 1))
    y = torch.linspace(0, 1, SIDE).view(1, 1, -1, 1)
    ground = color(0.155, 0.165, 0.185) * (1.25 - 0.5 * y)
    return mix(ground, stone, person).clamp(0, 1)


def comic(face: Tensor, regions: Tensor) -> Tensor:
    """Print a comic: flat bright colors, halftone dots in the shadows, ink lines, dots on a pale ground."""
    person = matte(face, regions)
    smooth = kuwahara(face, 7)
    gray = luminance(smooth)
    levels = 4.0
    scaled = gray.clamp(0, 1).pow(0.85) * levels
    flat = (scaled.floor() + step(scaled - scaled.floor(), 0.40, 0.60)) / levels
    colors = saturate(smooth * (flat + 0.06) / (gray + 0.06).clamp(min=0.05), 1.5)
    dots = halftone()
    shadow = step(-gray, -0.52, -0.20)
    colors = colors * (1 - 0.42 * step(shadow * 0.85 - dots, -0.06, 0.06))
    lines = ink_lines(even_light(gray, 0.75), 2.8, 24, 0.46, 12)
    drawn = mix(color(0.06, 0.05, 0.10), colors, lines)
    y = torch.linspace(0, 1, SIDE).view(1, 1, -1, 1)
    ground = mix(color(0.99, 0.86, 0.40), color(0.97, 0.62, 0.30), step(0.15 + 0.55 * y - dots, -0.06, 0.06))
    return mix(ground, drawn, person).clamp(0, 1)


def halftone() -> Tensor:
    """Return a screen of dots at 45 degrees, one at each cell's center and one at its corners: 0 at dots' centers."""
    steps = (torch.arange(SIDE) + 0.5) / CELL * 2 * math.pi
    return (0.5 + 0.5 * steps.cos().view(1, 1, -1, 1) * steps.cos().view(1, 1, 1, -1) * -1).clamp(0, 1)


def pixel(face: Tensor, regions: Tensor) -> Tensor:
    """Draw with large pixels: 64 x 64 squares in 40 colors of a fixed palette."""
    small = F.avg_pool2d(face, CELL)
    sharp = (small + 0.8 * (small - F.avg_pool2d(F.pad(small, (1,) * 4, mode="reflect"), 3, 1))).clamp(0, 1)
    bright = saturate(sharp, 1.35)
    flat = bright.flatten(2)[0].T  # [4096 3]
    chosen = PALETTE[torch.cdist(flat * WEIGHTS, PALETTE * WEIGHTS).argmin(1)]
    return chosen.T.reshape(1, 3, GRID, GRID).repeat_interleave(CELL, 2).repeat_interleave(CELL, 3)


WEIGHTS = torch.tensor([0.75, 1.0, 0.6])  # of red, green and blue in the distance of two colors
PALETTE = (
    torch.tensor(
        [
            [20, 18, 28], [42, 34, 44], [66, 50, 56], [92, 66, 62], [122, 84, 70], [150, 104, 82], [178, 126, 98],
            [202, 150, 116], [222, 174, 140], [238, 198, 168], [248, 222, 200], [255, 244, 230], [72, 36, 26],
            [106, 54, 34], [140, 74, 42], [172, 98, 56], [200, 130, 70], [224, 168, 96], [240, 206, 140],
            [140, 44, 48], [184, 66, 70], [214, 104, 100], [232, 148, 140], [44, 58, 92], [60, 88, 134],
            [94, 130, 174], [146, 176, 206], [200, 216, 230], [40, 66, 50], [64, 98, 62], [104, 136, 82],
            [158, 178, 116], [60, 60, 68], [88, 88, 96], [118, 118, 124], [150, 150, 154], [184, 184, 186],
            [214, 214, 214], [92, 62, 104], [142, 104, 148],
        ],
        dtype=torch.float32,
    )
    / 255
)  # fmt: skip

FILTERS: dict[str, Filter] = {
    "ink": ink,
    "watercolor": watercolor,
    "marble": marble,
    "pixel": pixel,
    "comic": comic,
}
