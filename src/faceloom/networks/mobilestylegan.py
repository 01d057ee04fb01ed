"""MobileStyleGAN: a generator of wavelet bands, so that a 1024 px image needs features of 512 px only.

Source: Belousov 2021, "MobileStyleGAN: A Lightweight Convolutional Neural Network for High-Fidelity Image Synthesis".
The options for training without a teacher network (normalized styles, an image from every resolution) are as in
StyleGAN2 (Karras et al. 2020) and, in wavelets, SWAGAN (Gal et al. 2021). Does not open files.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from faceloom.latents import check_w_plus
from faceloom.networks.generator import NoiseMode, area_reduce
from faceloom.networks.init import init_weights
from faceloom.networks.mapping import MappingNetwork
from faceloom.networks.ops import SQRT2


class WaveletShape:
    """The size of an image that a network represents as wavelet bands at half its side."""

    channels: tuple[int, ...]
    base: tuple[int, int]

    @property
    def img_size(self) -> tuple[int, int]:
        """The height and width of the image: twice those of the last features, as the last step is a wavelet step."""
        return self.base[0] << len(self.channels), self.base[1] << len(self.channels)

    @property
    def img_resolution(self) -> int:
        """The image's longer side in pixels."""
        return max(self.img_size)


@dataclass(frozen=True)
class MobileStyleGANConfig(WaveletShape):
    """The shape of the network; the defaults are the published FFHQ 1024 model's. `from_scratch` makes one to train."""

    channels: tuple[int, ...] = (512, 512, 512, 512, 512, 256, 128, 64)  # features at 4, 8, 16 ... px
    z_dim: int = 512
    w_dim: int = 512
    mapping_layers: int = 8
    c_dim: int = 0  # numbers in a label, 0: unconditional
    base: tuple[int, int] = (4, 4)  # height and width of the first features in pixels
    demodulate: bool = False  # normalize every convolution's output to the variance of its input (StyleGAN2, eq. 3)
    learned_noise: bool = False  # stored noise of unit variance with a learned strength, instead of scaled noise
    skip: bool = False  # sum images of every resolution instead of using the last one only
    separable_from: int = 1  # first block with separable convolutions; those before it are plain
    img_channels: int = 3  # 1: gray, 3: RGB, 4: RGB times alpha, and alpha

    @staticmethod
    def from_scratch(
        channels: tuple[int, ...], z_dim: int = 256, w_dim: int = 256, **more: Any
    ) -> MobileStyleGANConfig:
        """Return a config that trains well from random weights; `more` are fields, `channels` start at `base`."""
        fields: dict[str, Any] = {"mapping_layers": 4, "demodulate": True, "learned_noise": True, "skip": True}
        return MobileStyleGANConfig(channels, z_dim, w_dim, **(fields | more))


def inverse_haar(x: Tensor) -> Tensor:
    """Apply one inverse step of the two-dimensional Haar transform: `[n, 4c, h, w]` -> `[n, c, 2h, 2w]`.

    Convention: the four bands are concatenated, c channels each: mean, then detail between rows, between columns,
    and along the diagonal. The transform keeps the sum of squares.
    """
    return _butterfly(x * 0.5)


def _butterfly(x: Tensor) -> Tensor:
    """Apply twice the inverse Haar step. Callers halve the input instead, which has a quarter as many numbers."""
    n, c, h, w = x.shape
    mean, rows, columns, diagonal = x.chunk(4, dim=1)
    top, bottom = mean + rows, mean - rows
    right, left = columns + diagonal, columns - diagonal
    corners = (top + right, top - right, bottom + left, bottom - left)
    if torch.compiler.is_compiling():  # compiles to one loop
        return F.pixel_shuffle(torch.stack(corners, dim=2).flatten(1, 2), 2)
    first, second, third, fourth = (corner.permute(0, 2, 3, 1) for corner in corners)  # channels last: no copy
    upper, lower = torch.stack((first, second), dim=3), torch.stack((third, fourth), dim=3)
    out = torch.stack((upper, lower), dim=2)  # [n h 2 w 2 c]
    return out.view(n, 2 * h, 2 * w, c // 4).permute(0, 3, 1, 2)


class StyledConv(nn.Module):
    """A layer: scale the input by a style, convolve, normalize if `demodulate` is set, add noise and bias, leaky ReLU.

    Convention: x [n, in_channels, h, w], w [n, w_dim] -> [n, out_channels, h, w].
    """

    noise: Tensor

    def __init__(
        self, config: MobileStyleGANConfig, in_channels: int, out_channels: int, size: tuple[int, int], plain: bool
    ) -> None:
        super().__init__()
        self.affine = nn.Linear(config.w_dim, in_channels)
        self.conv = (
            make_plain_conv(in_channels, out_channels) if plain else make_separable_conv(in_channels, out_channels)
        )
        self.demodulate = config.demodulate
        self.register_buffer("noise", torch.randn(size) if config.learned_noise else torch.zeros(size))
        self.noise_strength = nn.Parameter(torch.zeros(())) if config.learned_noise else None

    @cached_property
    def size_of_noise(self) -> float:
        """The standard deviation of the stored noise."""
        return float(self.noise.float().std())

    def forward(self, x: Tensor, w: Tensor, noise_mode: NoiseMode) -> Tensor:
        style = self.affine(w)
        x = self._demodulated_conv(x, style) if self.demodulate else self.conv(modulate(x, style))
        if noise_mode != "none":
            x = x.add_(self._noise(x, noise_mode))
        return F.leaky_relu(x, 0.2, inplace=True)

    def _demodulated_conv(self, x: Tensor, style: Tensor) -> Tensor:
        """Convolve without a change of variance; a factor sqrt(2) compensates for the leaky ReLU."""
        *depthwise_convs, last = convolutions(self.conv)
        x = modulate(x, style)
        for depthwise in depthwise_convs:
            x = depthwise(x)
        x = modulate(last.without_bias(x), demodulation(self.conv, style) * SQRT2)
        return x if last.bias is None else x.add_(last.bias.to(x.dtype)[:, None, None])

    def _noise(self, x: Tensor, noise_mode: NoiseMode) -> Tensor:
        """Return the stored noise, or random noise of the same strength."""
        if noise_mode == "const":
            noise = self.noise.to(x.dtype)
            return noise if self.noise_strength is None else noise * self.noise_strength.to(x.dtype)
        strength = self.noise.std() if self.noise_strength is None else self.noise_strength
        return torch.randn_like(x[:, :1]) * strength.to(x.dtype)


class Block(nn.Module):
    """A block: a modulated wavelet step that doubles the side, then two styled convolutions; uses three styles."""

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
    """The MobileStyleGAN generator (`Generator` protocol).

    Layers, by depth: the convolution at 4 px; for each resolution from 8 px on, the up-sampling (which styles the
    features before it, also for the image made of them) and two convolutions; the last convolution to an image.
    Train it with the learning rates of `init.parameter_groups`.
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
        self.img_channels = config.img_channels
        sides = [max(config.base) << i for i in range(len(channels))]
        self.layer_resolutions = (sides[0], *(r for side in sides[1:] for r in (side // 2, side, side)), sides[-1])
        self.dtype: torch.dtype | None = None  # of the features; None: the weights'

        self.mapping_network = MappingNetwork(config.z_dim, w_dim, config.mapping_layers, config.c_dim)
        self.const = nn.Parameter(torch.randn(1, channels[0], height, width))
        self.first = StyledConv(config, channels[0], channels[0], config.base, plain=True)
        self.blocks = nn.ModuleList(
            Block(config, in_channels, out_channels, (height << i, width << i), plain=i < config.separable_from)
            for i, (in_channels, out_channels) in enumerate(pairwise(channels), start=1)
        )
        self.to_img_affine = nn.Linear(w_dim, channels[-1])
        self.to_img = Conv(channels[-1], 4 * config.img_channels, 1)
        heads = channels[:-1] if config.skip else ()
        self.heads = nn.ModuleList(Conv(c, 4 * config.img_channels, 1) for c in heads)
        self.register_buffer("w_avg", torch.zeros(w_dim))
        if config.demodulate:
            self._init_weights()
        self.to(memory_format=torch.channels_last)  # type: ignore[call-overload]

    def mapping(self, z: Tensor, c: Tensor | None = None) -> Tensor:
        """Map `z [n, z_dim]` and a label `c [n, c_dim]` to `w [n, w_dim]`. Raises ShapeError for a missing label."""
        w: Tensor = self.mapping_network(z, c)
        return w

    def synthesis(self, w_plus: Tensor, noise_mode: NoiseMode = "const") -> Tensor:
        """Generate `img [n, img_channels, *img_size]`, float32, from `w_plus [n, num_ws, w_dim]`.

        Raises ShapeError for a latent of another generator.
        """
        return inverse_haar(self._bands(w_plus, noise_mode).float())

    def synthesis_at(self, w_plus: Tensor, resolution: int, noise_mode: NoiseMode = "const") -> Tensor:
        """Generate the image area-reduced to `resolution`.

        Below the full size the inverse wavelet step is skipped: half the mean band is the average of four pixels.
        """
        if resolution >= self.img_resolution:
            return self.synthesis(w_plus, noise_mode)
        mean = self._bands(w_plus, noise_mode)[:, : self.img_channels]
        return area_reduce(mean.float() * 0.5, resolution)

    def affines(self, layer: int) -> list[nn.Module]:
        """Return the affine maps that take layer `layer`'s style: one per layer."""
        return [module for name, module in self.named_modules() if name.endswith("affine")][layer : layer + 1]

    def feature_layers(self) -> list[nn.Module]:
        """Return the modules whose outputs have the layout of the image: each block, and the last wavelet bands."""
        return [*self.blocks, self.to_img]

    def set_precision(self, dtype: torch.dtype) -> MobileStyleGAN:
        """Store the convolutions in `dtype`; mapping, styles and images stay float32. Returns itself."""
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                module.to(dtype)
            elif isinstance(module, StyledConv):
                module.noise = module.noise.to(dtype)
        return self

    def _bands(self, w_plus: Tensor, noise_mode: NoiseMode) -> Tensor:
        """Return the wavelet bands of the image `[n, 4 * img_channels, h / 2, w / 2]`."""
        check_w_plus(w_plus, self.num_ws, self.w_dim)
        x = self.const.to(self.dtype or self.to_img.weight.dtype).expand(w_plus.shape[0], -1, -1, -1)
        x = x.contiguous(memory_format=torch.channels_last)
        x = self.first(x, w_plus[:, 0], noise_mode)
        bands = None
        for i, block in enumerate(self.blocks):
            if self.heads:
                style = block.get_submodule("up_affine")(w_plus[:, 3 * i + 1])
                bands = add_half_size(self.heads[i](modulate(x, style)), bands)
            x = block(x, w_plus[:, 3 * i + 1 : 3 * i + 4], noise_mode)
        return add_half_size(self.to_img(modulate(x, self.to_img_affine(w_plus[:, -1]))), bands)

    def _init_weights(self) -> None:
        """Initialize the weights for training. Detail bands start weak, because pictures are smooth."""
        self.mapping_network.init_weights()
        for module in self.modules():
            if isinstance(module, StyledConv):
                init_weights(module.affine, bias=1)
                for conv in convolutions(module.conv):
                    init_weights(conv)
            elif isinstance(module, Block):
                init_weights(module.up_affine, bias=1)
                self._weaken_details(module.up_affine, SQRT2)
        init_weights(self.to_img_affine, bias=1)
        heads = (*self.heads, self.to_img)
        for head in heads:
            init_weights(head, gain=0.25 / len(heads) ** 0.5)
            self._weaken_details(head, 2)

    @staticmethod
    def _weaken_details(layer: nn.Linear | nn.Conv2d, gain: float) -> None:
        """Scale the mean band by `gain` and the details by a quarter, so that a wavelet step nearly repeats pixels."""
        with torch.no_grad():
            for parameter in layer.parameters():
                mean, details = parameter.split((len(parameter) // 4, len(parameter) * 3 // 4))
                mean.mul_(gain)
                details.mul_(0.25)


def add_half_size(bands: Tensor, smaller: Tensor | None) -> Tensor:
    """Add the bands of an image of half the side, whose pixels are half the mean band."""
    if smaller is None:
        return bands
    img = _butterfly(smaller)
    channels = img.shape[1]
    return torch.cat((bands[:, :channels] + img, bands[:, channels:]), dim=1)


def modulate(x: Tensor, style: Tensor) -> Tensor:
    """Scale each channel: x [n, c, h, w], style [n, c]."""
    return x * style.to(x.dtype)[:, :, None, None]


def demodulation(conv: nn.Module, style: Tensor) -> Tensor:
    """Return the factors `[n, o]` that bring a modulated convolution's output back to its input's variance.


    Source: Karras et al. 2020, eq. 3; the kernel of a separable convolution is the product of its two kernels.
    """
    *depthwise_convs, last = convolutions(conv)
    energy = last.weight.float().square().sum(dim=(2, 3))  # [o i]
    for depthwise in depthwise_convs:
        energy = energy * depthwise.weight.float().square().sum(dim=(1, 2, 3))  # [i]
    return (style.float().square() @ energy.T + 1e-8).rsqrt()


def convolutions(conv: nn.Module) -> list[Conv]:
    """Return the one or two convolutions of a plain or separable convolution."""
    return [module for module in conv.modules() if isinstance(module, Conv)]


class Conv(nn.Conv2d):
    """A convolution that computes in its input's precision, whatever the precision of its weights."""

    def forward(self, x: Tensor) -> Tensor:
        """Convolve, as torch's `Conv2d`."""
        out: Tensor = self._conv_forward(
            x, self.weight.to(x.dtype), None if self.bias is None else self.bias.to(x.dtype)
        )
        return out

    def without_bias(self, x: Tensor) -> Tensor:
        """Convolve without adding the bias."""
        out: Tensor = self._conv_forward(x, self.weight.to(x.dtype), None)
        return out


def make_plain_conv(in_channels: int, out_channels: int) -> Conv:
    """Return a 3x3 convolution with bias."""
    return Conv(in_channels, out_channels, 3, padding=1)


def make_separable_conv(in_channels: int, out_channels: int) -> nn.Sequential:
    """Return a depthwise 3x3 convolution followed by a pointwise one with a bias."""
    depthwise = Conv(in_channels, in_channels, 3, padding=1, groups=in_channels, bias=False)
    return nn.Sequential(depthwise, Conv(in_channels, out_channels, 1))
