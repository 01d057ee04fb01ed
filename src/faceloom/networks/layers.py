"""The layers that the StyleGAN families share: equalized linear and convolution layers, and the mapping network.

Weights are stored with unit variance, as in published checkpoints, and scaled whenever they are used.
Source: Karras et al. 2018, section 4.1 (equalized learning rate).
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from faceloom.errors import ShapeError
from faceloom.networks.mapping import normalize_pixels
from faceloom.networks.ops import SQRT2, down_padding, fir_kernel, leaky_relu, up_padding, upfirdn2d


class FullyConnected(nn.Module):
    """A linear layer, with `lrelu` followed by leaky ReLU with gain sqrt(2): `[n, i]` -> `[n, o]`, float32."""

    def __init__(
        self,
        in_features: int,
        out_features: int,
        *,
        bias_init: float = 0,
        lr_multiplier: float = 1,
        lrelu: bool = False,
    ) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.randn(out_features, in_features) / lr_multiplier)
        self.bias = nn.Parameter(torch.full((out_features,), float(bias_init)))
        self.bias_gain = lr_multiplier * (SQRT2 if lrelu else 1)
        self.weight_gain = self.bias_gain / in_features**0.5
        self.lrelu = lrelu

    def forward(self, x: Tensor) -> Tensor:
        x = F.linear(x * self.weight_gain, self.weight, self.bias * self.bias_gain)
        return leaky_relu(x) if self.lrelu else x


class Conv(nn.Module):
    """A convolution that may double or halve the side, with `activate` followed by bias, leaky ReLU and gain sqrt(2).

    Convention: [n, i, r, r] -> [n, o, r * up / down, r * up / down]; `gain` scales the result and the clamp.
    Down-sampling filters before it convolves, up-sampling convolves (with a 1x1 kernel only) before it filters.
    """

    kernel: Tensor

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: int,
        *,
        activate: bool = True,
        up: bool = False,
        down: bool = False,
        resample_filter: tuple[float, ...] = (1, 3, 3, 1),
        clamp: float | None = None,
    ) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.randn(out_channels, in_channels, kernel_size, kernel_size))
        self.bias = nn.Parameter(torch.zeros(out_channels)) if activate else None
        self.register_buffer("kernel", fir_kernel(resample_filter), persistent=False)
        self.up, self.down, self.padding, self.clamp = up, down, kernel_size // 2, clamp
        self.weight_gain = 1 / (in_channels * kernel_size**2) ** 0.5

    def forward(self, x: Tensor, gain: float = 1) -> Tensor:
        gain = gain if self.bias is None else gain * SQRT2
        weight = (self.weight * (self.weight_gain * gain)).to(x.dtype)
        bias = None if self.bias is None else (self.bias * gain).to(x.dtype)
        taps = len(self.kernel)
        x = self._halve(x, weight, bias) if self.down else F.conv2d(x, weight, bias, padding=self.padding)
        if self.up:
            x = upfirdn2d(x, self.kernel * 4, up=2, padding=up_padding(taps))
        if self.bias is None:
            return x
        return leaky_relu(x, None if self.clamp is None else self.clamp * gain / SQRT2)

    def _halve(self, x: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
        padding = down_padding(len(self.kernel), extra=self.padding)
        if self.padding == 0:  # a 1x1 kernel uses every second pixel only, so the others need not be filtered
            return F.conv2d(upfirdn2d(x, self.kernel, down=2, padding=padding), weight, bias)
        return F.conv2d(upfirdn2d(x, self.kernel, padding=padding), weight, bias, stride=2)


class StyleMapping(nn.Module):
    """The mapping network from z, and a label if there is one, to w.

    Convention: z [n, z_dim], c [n, c_dim] -> w [n, w_dim], float32. `z_dim == 0`: from the label alone, as in
    a discriminator. Raises ShapeError for another shape of z or c.
    Source: Karras et al. 2019, figure 1; the label as in Karras et al. 2020b.
    """

    def __init__(
        self,
        z_dim: int,
        c_dim: int,
        w_dim: int,
        *,
        num_layers: int = 8,
        embed_features: int | None = None,
        layer_features: int | None = None,
        lr_multiplier: float = 0.01,
    ) -> None:
        super().__init__()
        self.z_dim, self.c_dim, self.num_layers = z_dim, c_dim, num_layers
        embedded = 0 if c_dim == 0 else embed_features or w_dim
        if c_dim:
            self.embed = FullyConnected(c_dim, embedded)
        features = [z_dim + embedded, *[layer_features or w_dim] * (num_layers - 1), w_dim]
        for i in range(num_layers):
            layer = FullyConnected(features[i], features[i + 1], lr_multiplier=lr_multiplier, lrelu=True)
            self.add_module(f"fc{i}", layer)

    def forward(self, z: Tensor | None, c: Tensor | None = None) -> Tensor:
        inputs = []
        if self.z_dim:
            inputs.append(normalize_pixels(_check_input("z", z, self.z_dim)))
        if self.c_dim:
            inputs.append(normalize_pixels(self.embed(_check_input("c", c, self.c_dim))))
        x = torch.cat(inputs, dim=1)
        for i in range(self.num_layers):
            x = self.get_submodule(f"fc{i}")(x)
        return x


def _check_input(name: str, x: Tensor | None, size: int) -> Tensor:
    """Return x in float32; raise ShapeError unless it is `[n, size]`."""
    if x is None or x.ndim != 2 or x.shape[1] != size:
        hint = "give every image its label" if name == "c" else "this latent is from another generator"
        raise ShapeError(f"{name}: expected [n, {size}], got {None if x is None else list(x.shape)}", hint)
    return x.float()
