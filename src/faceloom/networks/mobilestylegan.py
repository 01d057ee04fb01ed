"""MobileStyleGAN: a generator that draws wavelets, so that a 1024 px image needs features of 512 px only.

Belousov 2021, "MobileStyleGAN: A Lightweight Convolutional Neural Network for High-Fidelity Image Synthesis"; what
lets it be trained without a teacher (normalised styles, an image from every resolution) as in StyleGAN2 (Karras et
al. 2020) and, in wavelets, SWAGAN (Gal et al. 2021). Torch only, never opens a file.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from faceloom.latents import check_w_plus
from faceloom.networks.generator import NoiseMode, area_reduce
from faceloom.networks.init import start
from faceloom.networks.mapping import MappingNetwork
from faceloom.networks.ops import SQRT2


class WaveletShape:
    """The size of an image that is drawn, or seen, as wavelets at half its side."""

    channels: tuple[int, ...]
    base: tuple[int, int]

    @property
    def img_size(self) -> tuple[int, int]:
        """Height and width of the image: twice those of the last features, for the last step is a wavelet's."""
        return self.base[0] << len(self.channels), self.base[1] << len(self.channels)

    @property
    def img_resolution(self) -> int:
        """The image's longer side in pixels."""
        return max(self.img_size)


@dataclass(frozen=True)
class MobileStyleGANConfig(WaveletShape):
    """The shape of the network; the defaults are the published FFHQ 1024 model's. `from_scratch` gives one to train."""

    channels: tuple[int, ...] = (512, 512, 512, 512, 512, 256, 128, 64)  # features at 4, 8, 16 ... px
    z_dim: int = 512
    w_dim: int = 512
    mapping_layers: int = 8
    c_dim: int = 0  # numbers in a label, 0: unconditional
    base: tuple[int, int] = (4, 4)  # height and width of the first features in pixels
    demodulate: bool = False  # bring every convolution's output to the variance of its input (StyleGAN2, eq. 3)
    learned_noise: bool = False  # stored noise of unit variance and a strength that is learned, instead of scaled noise
    skip: bool = False  # draw an image at every resolution and add them up, instead of the last one only
    separable_from: int = 1  # doubling from which on convolutions are separable; before it they are plain

    @staticmethod
    def from_scratch(
        channels: tuple[int, ...], z_dim: int = 256, w_dim: int = 256, **more: Any
    ) -> MobileStyleGANConfig:
        """The network that trains well from random weights; `more` are fields, `channels` counts from `base` up."""
        fields: dict[str, Any] = {"mapping_layers": 4, "demodulate": True, "learned_noise": True, "skip": True}
        return MobileStyleGANConfig(channels, z_dim, w_dim, **(fields | more))


def inverse_haar(x: Tensor) -> Tensor:
    """One inverse step of the two-dimensional Haar transform: `[n, 4c, h, w]` -> `[n, c, 2h, 2w]`.

    Convention: the four bands follow each other, c channels each: mean, then detail between rows, between columns,
    and along the diagonal. The transform keeps the sum of squares.
    """
    return _butterfly(x * 0.5)


def _butterfly(x: Tensor) -> Tensor:
    """Twice the inverse Haar step: who scales the channels anyway halves them there, not at four times the size."""
    n, c, h, w = x.shape
    mean, rows, columns, diagonal = x.chunk(4, dim=1)
    top, bottom = mean + rows, mean - rows
    right, left = columns + diagonal, columns - diagonal
    corners = (top + right, top - right, bottom + left, bottom - left)
    if torch.compiler.is_compiling():  # this form becomes one loop
        return F.pixel_shuffle(torch.stack(corners, dim=2).flatten(1, 2), 2)
    first, second, third, fourth = (corner.permute(0, 2, 3, 1) for corner in corners)  # channels last: no copy
    upper, lower = torch.stack((first, second), dim=3), torch.stack((third, fourth), dim=3)
    out = torch.stack((upper, lower), dim=2)  # [n h 2 w 2 c]
    return out.view(n, 2 * h, 2 * w, c // 4).permute(0, 3, 1, 2)


class StyledConv(nn.Module):
    """Scale the input by a style, convolve, normalise where the model does, add noise and bias, leaky ReLU.

    Convention: x [n, in_channels, h, w], w [n, w_dim] -> [n, out_channels, h, w].
    """

    noise: Tensor

    def __init__(
        self, config: MobileStyleGANConfig, in_channels: int, out_channels: int, size: tuple[int, int], plain: bool
    ) -> None:
        super().__init__()
        self.affine = nn.Linear(config.w_dim, in_channels)
        self.conv = plain_conv(in_channels, out_channels) if plain else separable(in_channels, out_channels)
        self.demodulate = config.demodulate
        self.register_buffer("noise", torch.randn(size) if config.learned_noise else torch.zeros(size))
        self.noise_strength = nn.Parameter(torch.zeros(())) if config.learned_noise else None

    def forward(self, x: Tensor, w: Tensor, noise_mode: NoiseMode) -> Tensor:
        style = self.affine(w)
        x = self._normalised(x, style) if self.demodulate else self.conv(modulate(x, style))
        if noise_mode != "none":
            x = x.add_(self._noise(x, noise_mode))
        return F.leaky_relu(x, 0.2, inplace=True)

    def _normalised(self, x: Tensor, style: Tensor) -> Tensor:
        """The convolution without a change of variance; the root of two makes up for what the leaky ReLU takes."""
        *before, last = convolutions(self.conv)
        x = modulate(x, style)
        for depthwise in before:
            x = depthwise(x)
        x = modulate(last.without_bias(x), demodulation(self.conv, style) * SQRT2)
        return x if last.bias is None else x.add_(last.bias.to(x.dtype)[:, None, None])

    def _noise(self, x: Tensor, noise_mode: NoiseMode) -> Tensor:
        """Stored noise, or fresh noise as strong as the stored."""
        if noise_mode == "const":
            noise = self.noise.to(x.dtype)
            return noise if self.noise_strength is None else noise * self.noise_strength.to(x.dtype)
        strength = self.noise.std() if self.noise_strength is None else self.noise_strength
        return torch.randn_like(x[:, :1]) * strength.to(x.dtype)


class Block(nn.Module):
    """Double the resolution by a modulated wavelet step, then two styled convolutions; uses three styles."""

    def __init__(
        self, config: MobileStyleGANConfig, in_channels: int, out_channels: int, size: tuple[int, int], plain: bool
    ) -> None:
        super().__init__()
        self.up_affine = nn.Linear(config.w_dim, in_channels)
        self.conv1 = StyledConv(config, in_channels // 4, out_channels, size, plain)
        self.conv2 = StyledConv(config, out_channels, out_channels, size, plain)

    def forward(self, x: Tensor, w_plus: Tensor, noise_mode: NoiseMode) -> Tensor:
        up, first, second = w_plus.unbind(dim=1)
        x = _butterfly(modulate(x, 0.5 * self.up_affine(up)))
        x = self.conv1(x, first, noise_mode)
        out: Tensor = self.conv2(x, second, noise_mode)
        return out


class MobileStyleGAN(nn.Module):
    """The whole generator, behind the `Generator` protocol.

    Layers, by depth: the convolution at 4 px; for each resolution from 8 px on the up-sampling (which styles the
    features before it, also for the image drawn from them) and two convolutions; the last convolution to an image.
    Train it with the learning rates of `scratch.parameter_groups`.
    """

    w_avg: Tensor

    def __init__(self, config: MobileStyleGANConfig | None = None) -> None:
        super().__init__()
        config = config or MobileStyleGANConfig()
        channels, w_dim, (height, width) = config.channels, config.w_dim, config.base
        self.config = config
        self.z_dim, self.c_dim, self.w_dim = config.z_dim, config.c_dim, w_dim
        self.num_ws = 3 * len(channels) - 1
        self.img_resolution, self.img_size = config.img_resolution, config.img_size
        sides = [max(config.base) << i for i in range(len(channels))]
        self.layer_resolutions = (sides[0], *(r for side in sides[1:] for r in (side // 2, side, side)), sides[-1])
        self.dtype: torch.dtype | None = None  # of the features; None: the weights'

        self.mapping_network = MappingNetwork(config.z_dim, w_dim, config.mapping_layers, config.c_dim)
        self.const = nn.Parameter(torch.randn(1, channels[0], height, width))
        self.first = StyledConv(config, channels[0], channels[0], config.base, plain=True)
        self.blocks = nn.ModuleList(
            Block(config, before, here, (height << i, width << i), plain=i < config.separable_from)
            for i, (before, here) in enumerate(pairwise(channels), start=1)
        )
        self.to_img_affine = nn.Linear(w_dim, channels[-1])
        self.to_img = Conv(channels[-1], 12, 1)
        heads = channels[:-1] if config.skip else ()
        self.heads = nn.ModuleList(Conv(c, 12, 1) for c in heads)
        self.register_buffer("w_avg", torch.zeros(w_dim))
        if config.demodulate:
            self._start()
        self.to(memory_format=torch.channels_last)  # type: ignore[call-overload]

    def mapping(self, z: Tensor, c: Tensor | None = None) -> Tensor:
        """`z [n, z_dim]`, `c [n, c_dim]` -> `w [n, w_dim]`. Raises ShapeError for a label that is missing."""
        w: Tensor = self.mapping_network(z, c)
        return w

    def synthesis(self, w_plus: Tensor, noise_mode: NoiseMode = "const") -> Tensor:
        """`w_plus [n, num_ws, w_dim]` -> `img [n, 3, *img_size]`, float32.

        Raises ShapeError for a latent of another generator.
        """
        return inverse_haar(self._bands(w_plus, noise_mode).float())

    def synthesis_at(self, w_plus: Tensor, resolution: int, noise_mode: NoiseMode = "const") -> Tensor:
        """The image area-reduced to `resolution`. Below the full size the detail bands are never made into pixels:
        half the mean band is the average of four pixels.
        """
        if resolution >= self.img_resolution:
            return self.synthesis(w_plus, noise_mode)
        return area_reduce(self._bands(w_plus, noise_mode)[:, :3].float() * 0.5, resolution)

    def affines(self, layer: int) -> list[nn.Module]:
        """The affine maps that take layer `layer`'s style: one a layer."""
        return [module for name, module in self.named_modules() if name.endswith("affine")][layer : layer + 1]

    def in_precision(self, dtype: torch.dtype) -> MobileStyleGAN:
        """Hold the convolutions in `dtype` from now on; mapping, styles and images stay float32. Returns itself."""
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                module.to(dtype)
            elif isinstance(module, StyledConv):
                module.noise = module.noise.to(dtype)
        return self

    def _bands(self, w_plus: Tensor, noise_mode: NoiseMode) -> Tensor:
        """The wavelet bands of the image `[n, 12, h / 2, w / 2]`."""
        check_w_plus(w_plus, self.num_ws, self.w_dim)
        x = self.const.to(self.dtype or self.to_img.weight.dtype).expand(w_plus.shape[0], -1, -1, -1)
        x = x.contiguous(memory_format=torch.channels_last)
        x = self.first(x, w_plus[:, 0], noise_mode)
        bands = None
        for i, block in enumerate(self.blocks):
            if self.heads:
                style = block.get_submodule("up_affine")(w_plus[:, 3 * i + 1])
                bands = add_smaller(self.heads[i](modulate(x, style)), bands)
            x = block(x, w_plus[:, 3 * i + 1 : 3 * i + 4], noise_mode)
        return add_smaller(self.to_img(modulate(x, self.to_img_affine(w_plus[:, -1]))), bands)

    def _start(self) -> None:
        """Weights to train from; what makes details starts faint, for pictures are smooth."""
        self.mapping_network.start()
        for module in self.modules():
            if isinstance(module, StyledConv):
                start(module.affine, bias=1)
                for conv in convolutions(module.conv):
                    start(conv)
            elif isinstance(module, Block):
                start(module.up_affine, bias=1)
                self._soften(module.up_affine, SQRT2)
        start(self.to_img_affine, bias=1)
        heads = (*self.heads, self.to_img)
        for head in heads:
            start(head, gain=0.25 / len(heads) ** 0.5)
            self._soften(head, 2)

    @staticmethod
    def _soften(layer: nn.Linear | nn.Conv2d, gain: float) -> None:
        """More of the mean and a quarter of the details: a wavelet step then nearly repeats pixels, at their size."""
        with torch.no_grad():
            for parameter in layer.parameters():
                mean, details = parameter.split((len(parameter) // 4, len(parameter) * 3 // 4))
                mean.mul_(gain)
                details.mul_(0.25)


def add_smaller(bands: Tensor, smaller: Tensor | None) -> Tensor:
    """Add an image of half the side: its pixels are half the mean band's."""
    if smaller is None:
        return bands
    img = _butterfly(smaller)
    return torch.cat((bands[:, :3] + img, bands[:, 3:]), dim=1)


def modulate(x: Tensor, style: Tensor) -> Tensor:
    """Scale each channel: x [n, c, h, w], style [n, c]."""
    return x * style.to(x.dtype)[:, :, None, None]


def demodulation(conv: nn.Module, style: Tensor) -> Tensor:
    """What brings a modulated convolution, plain or separable, back to its input's variance: `[n, o]`.

    Source: Karras et al. 2020, eq. 3; a separable kernel is the product of its two.
    """
    *before, last = convolutions(conv)
    energy = last.weight.float().square().sum(dim=(2, 3))  # [o i]
    for depthwise in before:
        energy = energy * depthwise.weight.float().square().sum(dim=(1, 2, 3))  # [i]
    return (style.float().square() @ energy.T + 1e-8).rsqrt()


def convolutions(conv: nn.Module) -> list[Conv]:
    """The one or two convolutions that a plain or a separable one is made of."""
    return [module for module in conv.modules() if isinstance(module, Conv)]


class Conv(nn.Conv2d):
    """A convolution that computes in its input's precision, whatever its weights are held in."""

    def forward(self, x: Tensor) -> Tensor:
        """As torch's."""
        out: Tensor = self._conv_forward(
            x, self.weight.to(x.dtype), None if self.bias is None else self.bias.to(x.dtype)
        )
        return out

    def without_bias(self, x: Tensor) -> Tensor:
        """The convolution alone."""
        out: Tensor = self._conv_forward(x, self.weight.to(x.dtype), None)
        return out


def plain_conv(in_channels: int, out_channels: int) -> Conv:
    """A 3x3 convolution with bias."""
    return Conv(in_channels, out_channels, 3, padding=1)


def separable(in_channels: int, out_channels: int) -> nn.Sequential:
    """A depthwise 3x3 convolution, then a pointwise one with the bias."""
    depthwise = Conv(in_channels, in_channels, 3, padding=1, groups=in_channels, bias=False)
    return nn.Sequential(depthwise, Conv(in_channels, out_channels, 1))
