"""The StyleGAN2 generator of the official TensorFlow and PyTorch (ADA) code. Does not open files.

Source: Karras et al. 2020, "Analyzing and Improving the Image Quality of StyleGAN"; parameter names as in ADA.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import Literal

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from faceloom.latents import check_w_plus
from faceloom.networks.generator import NoiseMode, area_reduce
from faceloom.networks.layers import Conv, FullyConnected, StyleMapping
from faceloom.networks.ops import (
    CHANNELS_LAST_FROM,
    SQRT2,
    demodulation,
    fir_kernel,
    leaky_relu,
    scale,
    up_conv,
    up_padding,
    upfirdn2d,
)

Architecture = Literal["orig", "skip", "resnet"]


def channel_widths(img_resolution: int, channel_base: int = 32768, channel_max: int = 512) -> tuple[int, ...]:
    """Return the number of features at 4, 8 ... `img_resolution` px: `min(channel_base / r, channel_max)`.

    A `channel_base` of 32768 is the paper's config F.
    """
    sides = (2**i for i in range(2, img_resolution.bit_length()))
    return tuple(min(channel_base // side, channel_max) for side in sides)


@dataclass(frozen=True)
class StyleGAN2Config:
    """The shape of the network; the defaults are config F at 1024 px."""

    channels: tuple[int, ...] = channel_widths(1024)  # features at 4, 8, 16 ... px; their number sets the resolution
    z_dim: int = 512
    c_dim: int = 0  # numbers in a label, 0: unconditional
    w_dim: int = 512
    mapping_layers: int = 8
    embed_features: int | None = None  # width of the embedded label, None: w_dim
    layer_features: int | None = None  # width inside the mapping network, None: w_dim
    lr_multiplier: float = 0.01  # factor of the mapping network's stored weights when they are used
    architecture: Architecture = "skip"  # connections from the lower resolutions to the image
    resample_filter: tuple[float, ...] = (1, 3, 3, 1)  # taps of the low-pass filter, of any sum
    conv_clamp: float | None = None  # bound of every activation, None: unbounded
    use_noise: bool = True
    base: tuple[int, int] = (4, 4)  # height and width of the first features in pixels
    img_channels: int = 3  # 1: gray, 3: RGB, 4: RGB times alpha, and alpha

    @property
    def img_size(self) -> tuple[int, int]:
        """The height and width of the image in pixels."""
        return self.base[0] << (len(self.channels) - 1), self.base[1] << (len(self.channels) - 1)

    @property
    def img_resolution(self) -> int:
        """The image's longer side in pixels."""
        return max(self.img_size)


class SynthesisLayer(nn.Module):
    """A layer: scale the input by a style, convolve (and double the side), normalize, add noise and bias, leaky ReLU.

    Convention: x [n, i, r, r], w [n, w_dim] -> [n, o, r', r']; x may be overwritten.
    Source: Karras et al. 2020, eqs. 1-3, as scaling before and after one convolution that all images share. For one
    image that is larger than the weight, the weight is scaled instead, unless that needs a gradient, which would cost a
    third convolution.
    """

    noise_const: Tensor
    kernel: Tensor

    def __init__(self, config: StyleGAN2Config, in_channels: int, out_channels: int, level: int, up: bool) -> None:
        super().__init__()
        self.up, self.use_noise, self.clamp = up, config.use_noise, config.conv_clamp
        self.affine = FullyConnected(config.w_dim, in_channels, bias_init=1)
        self.weight = nn.Parameter(torch.randn(out_channels, in_channels, 3, 3))
        self.bias = nn.Parameter(torch.zeros(out_channels))
        self.register_buffer("kernel", fir_kernel(config.resample_filter), persistent=False)
        if config.use_noise:
            self.register_buffer("noise_const", torch.randn(config.base[0] << level, config.base[1] << level))
            self.noise_strength = nn.Parameter(torch.zeros(()))

    def forward(self, x: Tensor, w: Tensor, noise_mode: NoiseMode, gain: float = 1) -> Tensor:
        style, bias = self.affine(w), self.bias * (SQRT2 * gain)
        factor = demodulation(self.weight, style) * (SQRT2 * gain)
        if x.shape[0] == 1 and not style.requires_grad and self.weight.numel() < x.numel():
            x = self._convolve(x, self.weight * style[:, :, None, None] * factor[0, :, None, None, None], bias)
        else:
            x = scale(self._convolve(scale(x, style), self.weight), factor)
            x.add_(bias.to(x.dtype)[:, None, None])
        if self.use_noise and noise_mode != "none":
            x.add_(self._noise(x, noise_mode) * (self.noise_strength * (SQRT2 * gain)).to(x.dtype))
        return leaky_relu(x, None if self.clamp is None else self.clamp * gain)

    def _convolve(self, x: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
        if self.up:
            return up_conv(x, weight, self.kernel, bias)
        return F.conv2d(x, weight.to(x.dtype), None if bias is None else bias.to(x.dtype), padding=1)

    def _noise(self, x: Tensor, noise_mode: NoiseMode) -> Tensor:
        return self.noise_const.to(x.dtype) if noise_mode == "const" else torch.randn_like(x[:, :1])


class ToRGB(nn.Module):
    """A modulated 1x1 convolution without normalization, from features to colors: `[n, c, r, r]` -> `[n, i, r, r]`."""

    def __init__(self, config: StyleGAN2Config, in_channels: int) -> None:
        super().__init__()
        self.affine = FullyConnected(config.w_dim, in_channels, bias_init=1)
        self.weight = nn.Parameter(torch.randn(config.img_channels, in_channels, 1, 1))
        self.bias = nn.Parameter(torch.zeros(config.img_channels))
        self.clamp = config.conv_clamp
        self.gain = 1 / in_channels**0.5

    def forward(self, x: Tensor, w: Tensor) -> Tensor:
        style = self.affine(w) * self.gain
        if x.shape[0] == 1:  # the weight is smaller than the image, so scaling it costs less
            rgb = F.conv2d(x, (self.weight * style[:, :, None, None]).to(x.dtype))
        else:
            rgb = F.conv2d(x * style.to(x.dtype)[:, :, None, None], self.weight.to(x.dtype))
        rgb = rgb.float() + self.bias[:, None, None]
        return rgb if self.clamp is None else torch.clamp(rgb, -self.clamp, self.clamp)


class SynthesisBlock(nn.Module):
    """The layers of one resolution: up-sampling convolution, convolution, contribution to the image."""

    kernel: Tensor

    def __init__(self, config: StyleGAN2Config, in_channels: int, out_channels: int, level: int) -> None:
        super().__init__()
        self.architecture = config.architecture
        self.register_buffer("kernel", fir_kernel(config.resample_filter), persistent=False)
        self.conv0 = SynthesisLayer(config, in_channels, out_channels, level, up=True)
        self.conv1 = SynthesisLayer(config, out_channels, out_channels, level, up=False)
        if config.architecture == "skip" or level == len(config.channels) - 1:
            self.torgb: ToRGB | None = ToRGB(config, out_channels)
        else:
            self.torgb = None
        if config.architecture == "resnet":
            taps = config.resample_filter
            self.skip = Conv(in_channels, out_channels, 1, activate=False, up=True, resample_filter=taps)

    def forward(
        self, x: Tensor, img: Tensor | None, w_plus: Tensor, noise_mode: NoiseMode
    ) -> tuple[Tensor, Tensor | None]:
        first, second, rgb = w_plus.unbind(dim=1)
        if self.architecture == "resnet":
            shortcut = self.skip(x, gain=SQRT2 / 2)
            x = shortcut.add_(self.conv1(self.conv0(x, first, noise_mode), second, noise_mode, gain=SQRT2 / 2))
        else:
            x = self.conv1(self.conv0(x, first, noise_mode), second, noise_mode)
        if img is not None:
            img = img.contiguous(memory_format=torch.channels_last)  # resamples few channels far faster
            img = upfirdn2d(img, self.kernel * 4, up=2, padding=up_padding(len(self.kernel)))
        if self.torgb is not None:
            rgb_img = self.torgb(x, rgb)
            img = rgb_img if img is None else rgb_img + img
        return x, img


class FirstBlock(nn.Module):
    """The learned constant of 4 px, one convolution, and the first contribution to the image."""

    def __init__(self, config: StyleGAN2Config) -> None:
        super().__init__()
        channels = config.channels[0]
        self.const = nn.Parameter(torch.randn(channels, *config.base))
        self.conv1 = SynthesisLayer(config, channels, channels, 0, up=False)
        if config.architecture == "skip" or len(config.channels) == 1:
            self.torgb: ToRGB | None = ToRGB(config, channels)
        else:
            self.torgb = None

    def forward(self, w_plus: Tensor, noise_mode: NoiseMode, dtype: torch.dtype) -> tuple[Tensor, Tensor | None]:
        x = self.const.to(dtype).repeat(w_plus.shape[0], 1, 1, 1)
        x = self.conv1(x, w_plus[:, 0], noise_mode)
        return x, None if self.torgb is None else self.torgb(x, w_plus[:, 1])


class SynthesisNetwork(nn.Module):
    """The synthesis network: w_plus to an image, one block per resolution."""

    def __init__(self, config: StyleGAN2Config) -> None:
        super().__init__()
        self.num_ws, self.w_dim = 2 * len(config.channels), config.w_dim
        self.sides = [4 * 2**i for i in range(len(config.channels))]  # of a square image, in the names of blocks
        self.dtype = torch.float32  # of the convolutions
        self.b4 = FirstBlock(config)
        for level, (in_channels, out_channels) in enumerate(pairwise(config.channels), start=1):
            block, side = SynthesisBlock(config, in_channels, out_channels, level), self.sides[level]
            if side >= CHANNELS_LAST_FROM:
                block.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
            self.add_module(f"b{side}", block)

    def forward(self, w_plus: Tensor, noise_mode: NoiseMode = "const") -> Tensor:
        """Generate `img [n, img_channels, *img_size]`, float32, from `w_plus [n, num_ws, w_dim]`.

        Raises ShapeError for a latent of another generator.
        """
        check_w_plus(w_plus, self.num_ws, self.w_dim)
        img: Tensor
        x, img = self.b4(w_plus[:, :2], noise_mode, self.dtype)
        for i, side in enumerate(self.sides[1:]):
            x, img = self.get_submodule(f"b{side}")(x, img, w_plus[:, 2 * i + 1 : 2 * i + 4], noise_mode)
        return img.contiguous()


class StyleGAN2(nn.Module):
    """The StyleGAN2 generator (`Generator` protocol). A color layer shares its style with the layer after it."""

    w_avg: Tensor

    def __init__(self, config: StyleGAN2Config | None = None) -> None:
        super().__init__()
        config = config or StyleGAN2Config()
        self.config = config
        self.z_dim, self.c_dim, self.w_dim = config.z_dim, config.c_dim, config.w_dim
        self.img_resolution, self.img_size = config.img_resolution, config.img_size
        self.img_channels = config.img_channels
        self.mapping = StyleMapping(
            config.z_dim,
            config.c_dim,
            config.w_dim,
            num_layers=config.mapping_layers,
            embed_features=config.embed_features,
            layer_features=config.layer_features,
            lr_multiplier=config.lr_multiplier,
        )
        self.synthesis = SynthesisNetwork(config)
        self.num_ws = self.synthesis.num_ws
        sides = [max(config.base) << level for level in range(len(config.channels))]
        self.layer_resolutions = (sides[0], *(side for side in sides[1:] for _ in range(2)), sides[-1])
        self.register_buffer("w_avg", torch.zeros(config.w_dim))

    def synthesis_at(self, w_plus: Tensor, resolution: int, noise_mode: NoiseMode = "const") -> Tensor:
        """Generate the image area-reduced to `resolution`; this runs every layer."""
        return area_reduce(self.synthesis(w_plus, noise_mode), resolution)

    def affines(self, layer: int) -> list[nn.Module]:
        """Return the affine maps that take layer `layer`'s style: a convolution's, and the color layer's before it."""
        names = [f"b{4 << (layer + 1) // 2}.conv{1 - layer % 2}.affine"]
        names += [f"b{4 << layer // 2}.torgb.affine"] if layer % 2 else []
        modules = dict(self.synthesis.named_modules())
        return [modules[name] for name in names if name in modules]

    def feature_layers(self) -> list[nn.Module]:
        """Return the modules whose outputs have the layout of the image: each block (features, and image so far)."""
        return [self.synthesis.get_submodule(f"b{side}") for side in self.synthesis.sides[1:]]

    def set_precision(self, dtype: torch.dtype) -> StyleGAN2:
        """Compute the convolutions in `dtype`; weights, styles and images stay float32. Returns itself."""
        self.synthesis.dtype = dtype
        return self
