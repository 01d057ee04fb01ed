"""Degradations of old photos: what turned a sharp picture in color into the photo.

A restoration compares the photo with the generated picture after the same degradation, so that the search does not
learn the damage. Works on tensors; does not open files or detect faces.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor

LUMA = (0.299, 0.587, 0.114)  # weights of red, green and blue in the brightness (ITU-R BT.601)
SIGMAS = (0.0, 0.7, 1.0, 1.4, 1.7, 2.0, 2.5, 3.0, 3.5, 4.0, 4.5, 5.0, 5.5, 6.0, 7.0, 8.0)
"""The blurs that a photo may have, as standard deviations in pixels."""
MAX_MONOCHROME = 0.12  # standard deviation beside the main axis of the colors, as a part of that along it
MIN_RANGE = 1.1  # range of brightness of a photo that has not faded, of 2
FLAT = 0.02  # largest range of the values, -1...1, in a patch without texture
BLANK = 0.012  # the same in a patch of one color, of which a rounded value may differ by one step of 256
IN_MIDDLE = 0.05  # part of a patch of one color that lies in the middle of the face when it hides the face
SATURATED = 0.97  # brightness, -1...1, from which a part may be of one color because it is overexposed
SEAM = 2  # pixels over which a correction fades at the edge of a hidden part
SPREAD = 12.0  # pixels over which the mean color of a correction goes on into a hidden part
NOISE = 0.01  # power of a photo's noise relative to that of its details, when a blur is undone
OTHER = 0.12  # mean difference, -1...1, from which a patch without texture shows something else than the face
PART_PIXELS = 4  # pixels of the squares in which connected parts are found
REBLUR = 2  # pixels of the blur that tells a sharp picture, which it changes much, from a blurred one
MIN_SIGMA = 1.4  # pixels of blur below which a photo counts as sharp: smooth skin looks blurred by 1 px
MAX_HIDDEN = 0.5  # largest part of the picture that may be taken for hidden
COLOR_SIGMA = 3.0  # pixels by which colors are blurred that are laid over another picture: its edges lie elsewhere
DARKEST = 0.05  # of 2: brightness below which colors fade, because they are not known well
FACE = (slice(64, 240), slice(56, 200))  # rows and columns of the face in the aligned picture of 256 px
MIDDLE = (slice(92, 216), slice(80, 176))  # those of the eyes, the nose, the mouth and the cheeks

Map = Float[Tensor, "1 1 h w"]


@dataclass(frozen=True, eq=False)
class Degradation:
    """The damage of one photo: color lost, blur, hidden parts; and whether its levels had faded.

    Convention: `sigma` is the standard deviation of the blur in pixels; `visible [1, 1, h, w]` is 1 where the photo
    shows the face, 0 where it is hidden. Faded levels are mended before the search, by `stretch_levels`.
    """

    visible: Map
    is_gray: bool = False
    is_faded: bool = False
    sigma: float = 0.0

    def apply(self, img: Tensor) -> Tensor:
        """Return pictures `[n, 3, h, w]`, -1...1, with this damage; hidden parts stay as they are."""
        img = to_gray(img) if self.is_gray else img
        return blur(img, self.sigma)

    def undo_blur(self, img: Tensor) -> Tensor:
        """Return blurred pictures `[n, 3, h, w]` sharper, as far as their noise allows (Wiener 1949)."""
        return deblur(img, self.sigma)

    def found(self) -> tuple[str, ...]:
        """Return a sentence for each damage."""
        hidden = 1 - float(self.visible.mean())
        facts = (
            (self.is_gray, "the photo has no colors"),
            (self.sigma > 0, f"the photo is blurred by {self.sigma:.1f} px at 256 px"),
            (self.is_faded, "the photo has faded"),
            (hidden >= 0.005, f"{hidden:.0%} of the face's picture is hidden or scratched"),
        )
        return tuple(sentence for is_true, sentence in facts if is_true)


def no_damage(side: int) -> Degradation:
    """Return the degradation that changes nothing, for pictures of a side in pixels."""
    return Degradation(torch.ones(1, 1, side, side))


def estimate_blur(photo: Tensor, sharp: Tensor, visible: Map) -> float:
    """Return the standard deviation of a photo's blur in pixels: 0, or one of SIGMAS.

    It is the blur after which a sharp picture of a similar face loses as much detail by more blur as the photo does, in
    the visible part of the face. Zhuo and Sim 2011 compare the gradients of one edge in this way.
    Convention: `photo` and `sharp` `[1, 3, h, w]`, -1...1.
    """
    detail = fine_detail(photo, visible)
    sigma = min(SIGMAS, key=lambda sigma: abs(fine_detail(blur(sharp, sigma), visible) - detail))
    return sigma if sigma >= MIN_SIGMA else 0.0


def fine_detail(img: Tensor, visible: Map) -> float:
    """Return how much detail a picture has that a blur by REBLUR pixels removes, as the logarithm of a ratio.

    The ratio is that of the squared differences of neighboring pixels before and after that blur, in the visible part
    of the face. The contrast of the picture does not change it.
    """
    near = REBLUR * 4  # a hidden part changes the blurred picture within this distance
    inner = -F.max_pool2d(-visible, 2 * near + 1, stride=1, padding=near)[..., FACE[0], FACE[1]]
    before, after = (_roughness(x, inner) for x in (img, blur(img, REBLUR)))
    return math.log(before / after)


def _roughness(img: Tensor, weight: Map) -> float:
    """Return the sum of squared differences of neighboring pixels in the face."""
    face = to_gray(img)[:, :1, FACE[0], FACE[1]]
    rows = (face[:, :, 1:] - face[:, :, :-1]).square() * weight[:, :, 1:]
    columns = (face[..., 1:] - face[..., :-1]).square() * weight[..., 1:]
    return float(rows.sum() + columns.sum()) + 1e-6


def is_monochrome(photo: Tensor, visible: Map) -> bool:
    """Return whether all colors of a photo `[1, 3, h, w]` lie on one line, as in a gray or a brown-toned print."""
    pixels = photo[0].flatten(1)[:, visible.flatten() > 0.5]
    spread = torch.linalg.eigvalsh(torch.cov(pixels)).clamp_min(0).sqrt()  # ascending
    return float(spread[1]) <= MAX_MONOCHROME * float(spread[2])


def stretch_levels(photo: Tensor, visible: Map) -> Tensor:
    """Return a faded photo `[1, 3, h, w]` with the full range in every channel; another photo stays as it is."""
    levels = torch.tensor([0.02, 0.98])
    brightness = to_gray(photo)[0, 0].flatten()[visible.flatten() > 0.5]
    low, high = torch.quantile(brightness, levels).tolist()
    if high - low >= MIN_RANGE:
        return photo
    channels = photo[0].flatten(1)[:, visible.flatten() > 0.5]
    lows, highs = torch.quantile(channels, levels, dim=1)[:, None, :, None, None]
    stretched: Tensor = (photo - lows) / (highs - lows).clamp_min(0.05) * 1.7 - 0.85
    return stretched.clamp(-1, 1)


def in_colors_of(photo: Tensor, colored: Tensor) -> Tensor:
    """Return a photo without colors in the colors of another picture, pixel by pixel, with its own brightness.

    The colors are the ratios of the channels to the brightness: they stay what they are when the light changes.
    Convention: both `[n, 3, h, w]`, -1...1.
    """
    ratio = (colored + 1 + DARKEST) / (to_gray(colored) + 1 + DARKEST)
    return ((to_gray(photo) + 1) * blur(ratio, COLOR_SIGMA) - 1).clamp(-1, 1)


def correct(restored: Tensor, photo: Tensor, damage: Degradation) -> Tensor:
    """Return a restored picture with everything that the photo shows of it: brightness, colors, and details.

    What the photo shows differently is added, less the photo's blur. It fades into the hidden parts without a seam.
    Convention: `restored` and `photo` `[1, 3, h, w]`, -1...1.
    """
    visible = blur(widen(damage.visible, -2 * SEAM), SEAM)
    difference = visible * damage.undo_blur(visible * (photo - damage.apply(restored)))
    weight = blur(visible, SPREAD)
    beyond = blur(difference, SPREAD) / weight.clamp_min(1e-3) * (weight / 0.05).clamp(max=1)
    return (restored + difference + (1 - visible) * beyond).clamp(-1, 1)


def find_hidden(photo: Tensor, degraded: Tensor) -> Map:
    """Return which parts of a photo show something else than the face: 1 hidden, 0 not.

    These are patches of one color in the middle of the face, patches without texture that differ from the generated
    face, patches that differ from it extremely, and lines thinner than 5 px.
    Convention: `photo` and `degraded` `[1, 3, h, w]`, -1...1, the generated face with the photo's blur.
    """
    difference = (photo - degraded).abs().mean(dim=1, keepdim=True)
    near, wide = (F.avg_pool2d(difference, k, 1, k // 2, count_include_pad=False) for k in (5, 21))
    typical = float(wide[..., FACE[0], FACE[1]].median())
    flat = flat_patches(photo)
    patches = (_mean_of_part(difference, flat) > OTHER) | (wide > max(0.6, 5 * typical))
    lines = scratches(photo) & (near > max(0.08, 1.5 * typical))
    certain = blank_parts(photo)
    hidden = widen(certain.maximum(patches.float()), 3).maximum(widen(lines.float(), 2))
    return hidden if float(hidden.mean()) <= MAX_HIDDEN else widen(certain, 3)


def scratches(photo: Tensor) -> Tensor:
    """Return the pixels of bright or dark lines thinner than 5 px: `[1, 1, h, w]`, boolean."""
    light = to_gray(photo)[:, :1]
    opened = widen(widen(light, -3), 3)
    closed = widen(widen(light, 3), -3)
    return torch.maximum(light - opened, closed - light) > 0.45


def flat_patches(photo: Tensor, most: float = FLAT) -> Map:
    """Return where a photo `[1, 3, h, w]` lies in a square of 15 px without texture: 1 there, 0 elsewhere.

    The values in such a square differ by less than `most`.
    """
    spread = (widen(photo, 7) + widen(-photo, 7)).amax(dim=1, keepdim=True)  # the largest less the smallest value
    return widen((spread < most).float(), 7)


def blank_parts(photo: Tensor) -> Map:
    """Return the parts of a photo `[1, 3, h, w]` that cover the middle of the face in one color: 1 there, 0 elsewhere.

    No skin is that even, in a blurred photo either, unless it is overexposed or black.
    """
    is_unsaturated = (to_gray(photo)[:, :1].abs() < SATURATED).float()
    blank = flat_patches(photo, BLANK) * is_unsaturated
    middle = torch.zeros_like(blank)
    middle[..., MIDDLE[0], MIDDLE[1]] = 1
    return (_mean_of_part(middle, blank) > IN_MIDDLE).float()


def _mean_of_part(values: Map, mask: Map) -> Map:
    """Return the mean of the values over each connected part of a mask; 0 outside the mask."""
    coarse = F.max_pool2d(mask, PART_PIXELS)
    numbers = torch.arange(1.0, coarse.numel() + 1).view_as(coarse) * coarse
    while not torch.equal(grown := F.max_pool2d(numbers, 3, 1, 1) * coarse, numbers):
        numbers = grown
    parts = F.interpolate(numbers, size=mask.shape[-2:]).long() * (mask > 0)  # one number a part
    totals, counts = (
        torch.zeros(coarse.numel() + 1).scatter_add(0, parts.flatten(), x.flatten())
        for x in (values, torch.ones_like(values))
    )
    means = totals / counts.clamp_min(1)
    means[0] = 0
    return means[parts]


def widen(x: Tensor, pixels: int) -> Tensor:
    """Return the largest value within `pixels` of each pixel; with a negative number, the smallest."""
    side = 2 * abs(pixels) + 1
    return F.max_pool2d(x, side, 1, pixels) if pixels >= 0 else -F.max_pool2d(-x, side, 1, -pixels)


def to_gray(img: Tensor) -> Tensor:
    """Return pictures `[n, 3, h, w]` without color, in three equal channels."""
    weights = torch.tensor(LUMA).view(1, 3, 1, 1)
    return (img * weights).sum(dim=1, keepdim=True).expand_as(img)


def blur(img: Tensor, sigma: float) -> Tensor:
    """Blur pictures `[n, 3, h, w]` by a Gaussian of `sigma` pixels; the edges are reflected."""
    if sigma <= 0:
        return img
    radius = min(round(3 * sigma), img.shape[-1] - 1)
    x = torch.arange(-radius, radius + 1, dtype=img.dtype)
    kernel = torch.exp(-0.5 * (x / sigma).square())
    kernel = (kernel / kernel.sum()).expand(img.shape[1], 1, 1, -1)
    padded = F.pad(img, (radius,) * 4, mode="reflect")
    rows = F.conv2d(padded, kernel, groups=img.shape[1])
    return F.conv2d(rows, kernel.transpose(2, 3), groups=img.shape[1])


def deblur(img: Tensor, sigma: float) -> Tensor:
    """Undo a Gaussian blur of `sigma` pixels, of pictures `[n, 3, h, w]`, by Wiener's filter; the edges are reflected.

    Details that the blur left weaker than the noise stay lost.
    """
    if sigma <= 0:
        return img
    border = min(round(3 * sigma), img.shape[-1] - 1)
    padded = F.pad(img, (border,) * 4, mode="reflect")
    height, width = padded.shape[-2:]
    frequency = torch.fft.fftfreq(height)[:, None].square() + torch.fft.rfftfreq(width).square()
    response = torch.exp(-2 * (math.pi * sigma) ** 2 * frequency)
    spectrum = torch.fft.rfft2(padded) * (response / (response.square() + NOISE))
    sharper: Tensor = torch.fft.irfft2(spectrum, s=(height, width))
    return sharper[..., border:-border, border:-border]
