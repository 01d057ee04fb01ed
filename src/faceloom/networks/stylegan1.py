"""StyleGAN (2019), which applies styles by adaptive instance normalization. Does not open files.

Source: Karras et al. 2019, "A Style-Based Generator Architecture for Generative Adversarial Networks", at the end of
its progressive growing, when images of lower resolutions no longer contribute. Parameter names as in StyleGAN2-ADA.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from faceloom.latents import check_w_plus
from faceloom.networks.generator import NoiseMode, area_reduce
from faceloom.networks.layers import FullyConnected, StyleMapping
from faceloom.networks.ops import CHANNELS_LAST_FROM, SQRT2, fir_kernel, leaky_relu, scale, upfirdn2d
from faceloom.networks.stylegan2 import channel_widths


@dataclass(frozen=True)
class StyleGAN1Config:
    """The shape of the network; the defaults are the published models' at 1024 px."""

    channels: tuple[int, ...] = channel_widths(1024, 16384)  # features at 4, 8, 16 ... px
    z_dim: int = 512
    w_dim: int = 512
    mapping_layers: int = 8
    layer_features: int | None = None  # width inside the mapping network, None: w_dim
    lr_multiplier: float = 0.01  # factor of the mapping network's stored weights when they are used
    blur_filter: tuple[float, ...] = (1, 2, 1)  # taps of the low-pass filter after each doubling, of any sum
    truncation_psi: float = 0.7  # of the published network
    truncation_cutoff: int = 8  # of the published network: number of layers that are truncated

    @property
    def img_resolution(self) -> int:
        """The side of the image in pixels."""
        return 4 << (len(self.channels) - 1)


class Epilogue(nn.Module):
    """The end of every layer: noise, bias, leaky ReLU, then each channel gets a mean and a deviation computed from w.

    Convention: x [n, c, r, r], w [n, w_dim] -> [n, c, r, r]; x may be overwritten. Source: eq. 1 (AdaIN).
    """

    noise_const: Tensor

    def __init__(self, config: StyleGAN1Config, channels: int, resolution: int) -> None:
        super().__init__()
        self.affine = FullyConnected(config.w_dim, 2 * channels)
        self.bias = nn.Parameter(torch.zeros(channels))
        self.noise_strength = nn.Parameter(torch.zeros(channels))
        self.register_buffer("noise_const", torch.randn(resolution, resolution))

    def forward(self, x: Tensor, w: Tensor, noise_mode: NoiseMode) -> Tensor:
        if noise_mode != "none":
            noise = self.noise_const.to(x.dtype) if noise_mode == "const" else torch.randn_like(x[:, :1])
            x = x + noise * self.noise_strength.to(x.dtype)[:, None, None]
        x = leaky_relu(x + self.bias.to(x.dtype)[:, None, None])
        deviation, mean = self.affine(w).chunk(2, dim=1)
        variance, old_mean = torch.var_mean(x.float(), dim=(2, 3), unbiased=False)
        factor = (deviation + 1) * (variance + 1e-8).rsqrt()
        return scale(x, factor).add_((mean - old_mean * factor).to(x.dtype)[:, :, None, None])


class SynthesisLayer(Epilogue):
    """A convolution, which may double the side, and its epilogue: `[n, i, r, r]` -> `[n, o, r', r']`."""

    kernel: Tensor

    def __init__(self, config: StyleGAN1Config, in_channels: int, out_channels: int, resolution: int, up: bool) -> None:
        super().__init__(config, out_channels, resolution)
        self.up, self.gain = up, SQRT2 / (in_channels * 9) ** 0.5
        self.weight = nn.Parameter(torch.randn(out_channels, in_channels, 3, 3))
        self.register_buffer("kernel", fir_kernel(config.blur_filter), persistent=False)

    def forward(self, x: Tensor, w: Tensor, noise_mode: NoiseMode) -> Tensor:
        weight = (self.weight * self.gain).to(x.dtype)
        if self.up:
            x = F.conv_transpose2d(x, widen_kernel(weight).transpose(0, 1), stride=2, padding=1)
            margin = len(self.kernel) // 2
            x = upfirdn2d(x, self.kernel, padding=(margin, margin, margin, margin))
        else:
            x = F.conv2d(x, weight, padding=1)
        return super().forward(x, w, noise_mode)


def widen_kernel(weight: Tensor) -> Tensor:
    """Return the kernel that doubles each pixel and convolves in one step: `[o, i, 3, 3]` -> `[o, i, 4, 4]`."""
    return (
        F.pad(weight, (0, 1, 0, 1))
        + F.pad(weight, (1, 0, 0, 1))
        + F.pad(weight, (0, 1, 1, 0))
        + F.pad(weight, (1, 0, 1, 0))
    )


class FirstBlock(nn.Module):
    """The learned constant of 4 px with its own epilogue, and one convolution."""

    def __init__(self, config: StyleGAN1Config) -> None:
        super().__init__()
        channels = config.channels[0]
        self.const = nn.Parameter(torch.ones(channels, 4, 4))
        self.conv0 = Epilogue(config, channels, 4)
        self.conv1 = SynthesisLayer(config, channels, channels, 4, up=False)

    def forward(self, w_plus: Tensor, noise_mode: NoiseMode, dtype: torch.dtype) -> Tensor:
        x = self.const.to(dtype).repeat(w_plus.shape[0], 1, 1, 1)
        x = self.conv0(x, w_plus[:, 0], noise_mode)
        out: Tensor = self.conv1(x, w_plus[:, 1], noise_mode)
        return out


class SynthesisBlock(nn.Module):
    """The two layers of one resolution; the first doubles the side."""

    def __init__(self, config: StyleGAN1Config, in_channels: int, out_channels: int, resolution: int) -> None:
        super().__init__()
        self.conv0 = SynthesisLayer(config, in_channels, out_channels, resolution, up=True)
        self.conv1 = SynthesisLayer(config, out_channels, out_channels, resolution, up=False)

    def forward(self, x: Tensor, w_plus: Tensor, noise_mode: NoiseMode) -> Tensor:
        x = self.conv0(x, w_plus[:, 0], noise_mode)
        out: Tensor = self.conv1(x, w_plus[:, 1], noise_mode)
        return out


class ToRGB(nn.Module):
    """The convolution from features to colors, without a style."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.randn(3, channels, 1, 1))
        self.bias = nn.Parameter(torch.zeros(3))
        self.gain = 1 / channels**0.5

    def forward(self, x: Tensor) -> Tensor:
        return F.conv2d(x, (self.weight * self.gain).to(x.dtype), self.bias.to(x.dtype))


class SynthesisNetwork(nn.Module):
    """The synthesis network: w_plus to an image, one block per resolution."""

    def __init__(self, config: StyleGAN1Config) -> None:
        super().__init__()
        self.num_ws, self.w_dim = 2 * len(config.channels), config.w_dim
        self.sides = [4 << i for i in range(len(config.channels))]
        self.dtype = torch.float32  # of the convolutions
        self.b4 = FirstBlock(config)
        for side, (in_channels, out_channels) in zip(self.sides[1:], pairwise(config.channels), strict=True):
            block = SynthesisBlock(config, in_channels, out_channels, side)
            if side >= CHANNELS_LAST_FROM:
                block.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
            self.add_module(f"b{side}", block)
        self.torgb = ToRGB(config.channels[-1])

    def forward(self, w_plus: Tensor, noise_mode: NoiseMode = "const") -> Tensor:
        """Generate `img [n, 3, r, r]`, float32, from `w_plus [n, num_ws, w_dim]`.

        Raises ShapeError for a latent of another generator.
        """
        check_w_plus(w_plus, self.num_ws, self.w_dim)
        x: Tensor = self.b4(w_plus[:, :2], noise_mode, self.dtype)
        for i, side in enumerate(self.sides[1:], start=1):
            x = self.get_submodule(f"b{side}")(x, w_plus[:, 2 * i : 2 * i + 2], noise_mode)
        img: Tensor = self.torgb(x)
        return img.float().contiguous()


class StyleGAN1(nn.Module):
    """The StyleGAN generator (`Generator` protocol). Its first layer styles the constant itself."""

    w_avg: Tensor

    def __init__(self, config: StyleGAN1Config | None = None) -> None:
        super().__init__()
        config = config or StyleGAN1Config()
        self.config = config
        self.z_dim, self.c_dim, self.w_dim = config.z_dim, 0, config.w_dim
        self.img_resolution, self.img_channels = config.img_resolution, 3
        self.mapping = StyleMapping(
            config.z_dim,
            0,
            config.w_dim,
            num_layers=config.mapping_layers,
            layer_features=config.layer_features,
            lr_multiplier=config.lr_multiplier,
        )
        self.synthesis = SynthesisNetwork(config)
        self.num_ws = self.synthesis.num_ws
        self.layer_resolutions = tuple(side for side in self.synthesis.sides for _ in range(2))
        self.register_buffer("w_avg", torch.zeros(config.w_dim))

    def synthesis_at(self, w_plus: Tensor, resolution: int, noise_mode: NoiseMode = "const") -> Tensor:
        """Generate the image area-reduced to `resolution`; this runs every layer."""
        return area_reduce(self.synthesis(w_plus, noise_mode), resolution)

    def affines(self, layer: int) -> list[nn.Module]:
        """Return the affine maps that take layer `layer`'s style: one per layer."""
        return [self.synthesis.get_submodule(f"b{4 << layer // 2}.conv{layer % 2}.affine")]

    def feature_layers(self) -> list[nn.Module]:
        """Return the modules whose outputs have the layout of the image: each block, and the colors."""
        return [*(self.synthesis.get_submodule(f"b{side}") for side in self.synthesis.sides[1:]), self.synthesis.torgb]

    def set_precision(self, dtype: torch.dtype) -> StyleGAN1:
        """Compute the convolutions in `dtype`; weights, styles and images stay float32. Returns itself."""
        self.synthesis.dtype = dtype
        return self
