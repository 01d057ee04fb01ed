"""The default generator with fused layers: the same pictures, without gradients, in less than half of the time.

Most of the generator's time goes into passes over the features that only scale, add or rearrange. Here the styles scale
the kernels instead of the features, the wavelet step is a product with a small matrix, and the leaky ReLU is a part of
the convolution before it. Noise that cannot be seen is left out. Source of scaling the kernels: Karras et al. 2020,
eq. 1. Does not open files.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import cast

import torch
import torch.nn.functional as F
from torch import Tensor

from faceloom.latents import WPlus, check_w_plus
from faceloom.networks.generator import Generator, NoiseMode, area_reduce
from faceloom.networks.mobilestylegan import Block, Conv, MobileStyleGAN, StyledConv, convolutions, inverse_haar
from faceloom.networks.tuned import Tuned

INVISIBLE_NOISE = 1e-3
"""Standard deviation of stored noise below which it is left out. Without all such noise, pictures differ by 67 dB."""
SLOPE = 0.2  # of the leaky ReLU

Activated = Callable[[Tensor, Tensor, Tensor | None], Tensor]
"""A pointwise convolution of `x [n, c, h, w]` with a weight and a bias, followed by the leaky ReLU."""


Change = Callable[[int, Tensor], Tensor]
"""Function of the number of a feature layer, as in `feature_layers`, and of its output; its result goes on."""


def keep(layer: int, output: Tensor) -> Tensor:
    """Return the output of a feature layer as it is."""
    return output


class Fused:
    """A generator of wavelets, or one tuned for a person, with fused layers (`Generator` protocol).

    It shares the network's weights and returns no gradients. `change` may replace the output of each feature layer.
    """

    def __init__(self, network: MobileStyleGAN, change: Change = keep) -> None:
        self.G, self.change = network, change
        self.z_dim, self.c_dim, self.w_dim, self.num_ws = network.z_dim, network.c_dim, network.w_dim, network.num_ws
        self.img_resolution, self.layer_resolutions = network.img_resolution, network.layer_resolutions
        self.img_channels = network.img_channels
        self.w_avg, self.mapping, self.affines = network.w_avg, network.mapping, network.affines
        self.activated = choose_activated(network.dtype or network.to_img.weight.dtype)
        layers = (module for module in network.modules() if isinstance(module, StyledConv))
        self.visible = {layer for layer in layers if layer.size_of_noise >= INVISIBLE_NOISE}

    def synthesis(self, w_plus: WPlus, noise_mode: NoiseMode = "const") -> Tensor:
        """Generate the image, as `Generator.synthesis`."""
        return self.synthesis_at(w_plus, self.img_resolution, noise_mode)

    @torch.no_grad()
    def synthesis_at(self, w_plus: WPlus, resolution: int, noise_mode: NoiseMode = "const") -> Tensor:
        """Generate the image area-reduced to `resolution`, one after the other. Raises ShapeError."""
        check_w_plus(w_plus, self.num_ws, self.w_dim)
        if noise_mode != "const" or not len(w_plus):
            return self.G.synthesis_at(w_plus, resolution, noise_mode)
        return torch.cat([self._draw(row, resolution) for row in w_plus.split(1)])

    def _draw(self, w_plus: WPlus, resolution: int) -> Tensor:
        network, w = self.G, w_plus[0].unbind()
        x = network.const.to(network.dtype or network.to_img.weight.dtype)
        x = network.first(x.contiguous(memory_format=torch.channels_last), w_plus[:, 0], "const")
        for i, block in enumerate(network.blocks):
            x = self.change(i, self._run_block(cast(Block, block), x, w[3 * i + 1 : 3 * i + 4]))
        is_whole = resolution >= self.img_resolution
        count = self.img_channels * (4 if is_whole else 1)  # below the full size, the mean band is the image
        weight = scale_inputs(network.to_img.weight[:count], network.to_img_affine(w[-1])).to(x.dtype)
        bands = F.conv2d(x, weight, bias_of(network.to_img, x, count))
        bands = self.change(len(network.blocks), bands).float()
        return inverse_haar(bands) if is_whole else area_reduce(bands * 0.5, resolution)

    def _run_block(self, block: Block, x: Tensor, w: tuple[Tensor, ...]) -> Tensor:
        x = upsample(x, block.up_affine(w[0]))
        x = self._run_layer(block.conv1, x, w[1])
        return self._run_layer(block.conv2, x, w[2])

    def _run_layer(self, layer: StyledConv, x: Tensor, w: Tensor) -> Tensor:
        style, parts = layer.affine(w), convolutions(layer.conv)
        if len(parts) == 1:
            out: Tensor = layer(x, w[None], "const")
            return out
        depthwise, pointwise = parts
        x = F.conv2d(x, (depthwise.weight * style[:, None, None, None]).to(x.dtype), padding=1, groups=x.shape[1])
        weight, bias = pointwise.weight.to(x.dtype), bias_of(pointwise, x)
        if layer not in self.visible:
            return self.activated(x, weight, bias)
        return F.leaky_relu_(F.conv2d(x, weight, bias).add_(layer.noise.to(x.dtype)), SLOPE)


def fuse(G: Generator, change: Change = keep) -> Generator:
    """Return the generator with fused layers where its family and its device allow it, else `G` itself."""
    network = G.network if isinstance(G, Tuned) else G
    if not isinstance(network, MobileStyleGAN) or network.config.demodulate or network.config.skip:
        return G
    return Fused(network, change) if network.w_avg.device.type == "cpu" else G


def upsample(x: Tensor, style: Tensor) -> Tensor:
    """Scale features `[1, 4c, h, w]` by a style `[4c]` and apply the inverse Haar step: `[1, c, 2h, 2w]`."""
    _, channels, h, w = x.shape
    kernel = scale_inputs(_haar_matrix(channels, x.dtype), 0.5 * style)
    corners = F.conv2d(x, kernel).permute(0, 2, 3, 1).view(h, w, 2, channels // 2)  # [h w 2 2c]
    return corners.transpose(1, 2).reshape(1, 2 * h, 2 * w, channels // 4).permute(0, 3, 1, 2)


def scale_inputs(weight: Tensor, style: Tensor) -> Tensor:
    """Return a pointwise kernel `[o, i, 1, 1]` that scales its input channels by a style `[i]`."""
    return weight * style.to(weight.dtype)[:, None, None]


def bias_of(conv: Conv, x: Tensor, count: int | None = None) -> Tensor | None:
    """Return the bias of a convolution's first `count` outputs, by default of all, in the precision of its input."""
    return None if conv.bias is None else conv.bias[:count].to(x.dtype)


@lru_cache(maxsize=8)
def _haar_matrix(channels: int, dtype: torch.dtype) -> Tensor:
    """Return twice the inverse Haar step as a kernel `[4c, 4c, 1, 1]`: from bands to the corners tl, tr, bl, br."""
    signs = torch.tensor([[1.0, 1, 1, 1], [1, 1, -1, -1], [1, -1, 1, -1], [1, -1, -1, 1]])
    return torch.kron(signs, torch.eye(channels // 4)).to(dtype)[:, :, None, None]


def choose_activated(dtype: torch.dtype) -> Activated:
    """Return torch's convolution with the leaky ReLU inside, which inductor uses, or the two steps without it.

    A processor without instructions for a precision takes two steps, because oneDNN refuses it there.
    """
    if not torch.backends.mkldnn.is_available() or not hasattr(torch.ops.mkldnn, "_convolution_pointwise"):
        return _convolve_then_activate
    probe = {torch.bfloat16: "_is_mkldnn_bf16_supported", torch.float16: "_is_mkldnn_fp16_supported"}.get(dtype)
    return _convolve_activated if probe is None or getattr(torch.ops.mkldnn, probe)() else _convolve_then_activate


def _convolve_activated(x: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
    convolve = torch.ops.mkldnn._convolution_pointwise
    out: Tensor = convolve(x, weight, bias, [0, 0], [1, 1], [1, 1], 1, "leaky_relu", [SLOPE], "")
    return out


def _convolve_then_activate(x: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
    return F.leaky_relu_(F.conv2d(x, weight, bias), SLOPE)
