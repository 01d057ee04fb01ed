"""MobileStyleGAN: a generator that draws wavelets, so that a 1024 px image needs features of 512 px only.

Belousov 2021, "MobileStyleGAN: A Lightweight Convolutional Neural Network for High-Fidelity Image Synthesis".
Torch only, never opens a file.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from faceloom.latents import check_w_plus
from faceloom.networks.generator import NoiseMode, area_reduce
from faceloom.networks.mapping import MappingNetwork


@dataclass(frozen=True)
class MobileStyleGANConfig:
    """The shape of the network; the defaults are the published FFHQ 1024 model's."""

    channels: tuple[int, ...] = (512, 512, 512, 512, 512, 256, 128, 64)  # features at 4, 8, 16 ... px
    z_dim: int = 512
    w_dim: int = 512
    mapping_layers: int = 8

    @property
    def img_resolution(self) -> int:
        """Twice the side of the last features: the last step is a wavelet's."""
        return 1 << (len(self.channels) + 2)


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
    """Scale the input by a style, convolve, add noise, leaky ReLU. `conv` ends with the bias.

    Convention: x [n, in_channels, r, r], w [n, w_dim] -> [n, out_channels, r, r].
    """

    noise: Tensor

    def __init__(self, conv: nn.Module, in_channels: int, resolution: int, w_dim: int) -> None:
        super().__init__()
        self.affine = nn.Linear(w_dim, in_channels)
        self.conv = conv
        self.register_buffer("noise", torch.zeros(resolution, resolution))

    def forward(self, x: Tensor, w: Tensor, noise_mode: NoiseMode) -> Tensor:
        x = self.conv(modulate(x, self.affine(w)))
        if noise_mode != "none":
            x = x.add_(self.noise if noise_mode == "const" else self._random_noise(x))
        return F.leaky_relu(x, 0.2, inplace=True)

    def _random_noise(self, x: Tensor) -> Tensor:
        """Fresh noise, as strong as the stored."""
        return torch.randn_like(x[:, :1]) * self.noise.std()


class Block(nn.Module):
    """Double the resolution by a modulated wavelet step, then two separable styled convolutions; uses three styles."""

    def __init__(self, in_channels: int, out_channels: int, resolution: int, w_dim: int) -> None:
        super().__init__()
        self.up_affine = nn.Linear(w_dim, in_channels)
        self.conv1 = StyledConv(separable(in_channels // 4, out_channels), in_channels // 4, resolution, w_dim)
        self.conv2 = StyledConv(separable(out_channels, out_channels), out_channels, resolution, w_dim)

    def forward(self, x: Tensor, w_plus: Tensor, noise_mode: NoiseMode) -> Tensor:
        up, first, second = w_plus.unbind(dim=1)
        x = _butterfly(modulate(x, 0.5 * self.up_affine(up)))
        x = self.conv1(x, first, noise_mode)
        out: Tensor = self.conv2(x, second, noise_mode)
        return out


class MobileStyleGAN(nn.Module):
    """The whole generator, behind the `Generator` protocol.

    Layers, by depth: the convolution at 4 px; for each resolution from 8 px on the up-sampling (which styles the
    features before it) and two convolutions; the last convolution to an image.
    """

    w_avg: Tensor

    def __init__(self, config: MobileStyleGANConfig | None = None) -> None:
        super().__init__()
        config = config or MobileStyleGANConfig()
        channels, w_dim = config.channels, config.w_dim
        self.config = config
        self.z_dim, self.c_dim, self.w_dim = config.z_dim, 0, w_dim
        self.num_ws = 3 * len(channels) - 1
        self.img_resolution = config.img_resolution
        sides = [4 * 2**i for i in range(len(channels))]
        self.layer_resolutions = (4, *(r for side in sides[1:] for r in (side // 2, side, side)), sides[-1])

        self.mapping_network = MappingNetwork(config.z_dim, w_dim, config.mapping_layers)
        self.const = nn.Parameter(torch.randn(1, channels[0], 4, 4))
        self.first = StyledConv(nn.Conv2d(channels[0], channels[0], 3, padding=1), channels[0], 4, w_dim)
        self.blocks = nn.ModuleList(
            Block(i, o, side, w_dim) for i, o, side in zip(channels, channels[1:], sides[1:], strict=False)
        )
        self.to_img_affine = nn.Linear(w_dim, channels[-1])
        self.to_img = nn.Conv2d(channels[-1], 12, 1)
        self.register_buffer("w_avg", torch.zeros(w_dim))
        self.to(memory_format=torch.channels_last)  # type: ignore[call-overload]

    def mapping(self, z: Tensor, c: Tensor | None = None) -> Tensor:
        """`z [n, z_dim]` -> `w [n, w_dim]`; there are no labels."""
        w: Tensor = self.mapping_network(z)
        return w

    def synthesis(self, w_plus: Tensor, noise_mode: NoiseMode = "const") -> Tensor:
        """`w_plus [n, num_ws, w_dim]` -> `img [n, 3, img_resolution, img_resolution]`, float32.

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
        """The wavelet bands of the image `[n, 12, img_resolution / 2, img_resolution / 2]`."""
        check_w_plus(w_plus, self.num_ws, self.w_dim)
        x = self.const.to(self.to_img.weight.dtype).expand(w_plus.shape[0], -1, -1, -1)
        x = x.contiguous(memory_format=torch.channels_last)
        x = self.first(x, w_plus[:, 0], noise_mode)
        for i, block in enumerate(self.blocks):
            x = block(x, w_plus[:, 3 * i + 1 : 3 * i + 4], noise_mode)
        bands: Tensor = self.to_img(modulate(x, self.to_img_affine(w_plus[:, -1])))
        return bands


def modulate(x: Tensor, style: Tensor) -> Tensor:
    """Scale each channel: x [n, c, h, w], style [n, c]."""
    return x * style.to(x.dtype)[:, :, None, None]


def separable(in_channels: int, out_channels: int) -> nn.Sequential:
    """A depthwise 3x3 convolution, then a pointwise one with the bias."""
    depthwise = nn.Conv2d(in_channels, in_channels, 3, padding=1, groups=in_channels, bias=False)
    return nn.Sequential(depthwise, nn.Conv2d(in_channels, out_channels, 1))
