"""StyleGAN3 T and R, alias-free generators, whose details move with the surfaces they belong to. Does not open files.

Source: Karras et al. 2021, "Alias-Free Generative Adversarial Networks"; parameter names as in the official code.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from faceloom.latents import check_w_plus
from faceloom.networks.filters import lowpass
from faceloom.networks.generator import NoiseMode, area_reduce
from faceloom.networks.layers import FullyConnected, StyleMapping
from faceloom.networks.ops import SQRT2, demodulation, leaky_relu, scale, upfirdn2d


@dataclass(frozen=True)
class StyleGAN3Config:
    """The shape of the network; the defaults are config T at 1024 px. Frequencies are in cycles an image."""

    img_resolution: int = 1024  # side of the image in pixels
    img_channels: int = 3  # 1: gray, 3: RGB, 4: RGB times alpha, and alpha
    z_dim: int = 512
    c_dim: int = 0  # numbers in a label, 0: unconditional
    w_dim: int = 512
    mapping_layers: int = 2
    embed_features: int | None = None  # width of the embedded label, None: w_dim
    lr_multiplier: float = 0.01  # factor of the mapping network's stored weights when they are used
    channel_base: int = 32768  # twice the features times the cutoff
    channel_max: int = 512  # features of a layer at most
    num_layers: int = 14  # without the input and the color layer
    num_critical: int = 2  # last layers that are critically sampled
    first_cutoff: float = 2.0  # the first layer's cutoff frequency
    first_stopband: float = 2**2.1  # the first layer's lowest stopband frequency
    last_stopband_rel: float = 2**0.3  # the last layer's lowest stopband frequency, in its cutoffs
    margin_size: int = 10  # pixels around the image
    output_scale: float = 0.25
    conv_kernel: int = 3  # side of the convolutions' kernels
    filter_size: int = 6  # taps of a filter per pixel of the lower resolution
    lrelu_upsampling: int = 2  # sampling rate of the leaky ReLU, in the layer's rates
    use_radial_filters: bool = False  # rotationally symmetric filters where the layer is not critically sampled
    conv_clamp: float | None = 256  # bound of every activation, None: unbounded
    bands: tuple[float, ...] | None = None  # cutoff, half width, rate, size, channels of each layer; None: computed


MAGNITUDE_HALF_LIFE = 20_000
"""Images after which a measurement of a layer's input magnitude has half its weight."""

CONFIG_T = StyleGAN3Config()
CONFIG_R = StyleGAN3Config(channel_base=65536, channel_max=1024, conv_kernel=1, use_radial_filters=True)


@dataclass(frozen=True)
class Band:
    """The band of frequencies, and the size, of a layer's output."""

    cutoff: float  # frequency above which the signal is suppressed
    half_width: float  # half the width of the transition band
    rate: int  # pixels per image width
    size: int  # side in pixels, with margins
    channels: int


def layer_bands(config: StyleGAN3Config) -> list[Band]:
    """Return the bands of all layers and of the color layer.

    Cutoffs and stopbands grow geometrically (section 3.2, figure 4c), unless the configuration states the bands: a
    super-resolution network (Sauer et al. 2022, StyleGAN-XL) grows them in several sections.
    """
    if config.bands is not None:
        rows = [config.bands[i : i + 5] for i in range(0, len(config.bands), 5)]
        return [Band(cutoff, width, int(rate), int(size), int(c)) for cutoff, width, rate, size, c in rows]
    last = config.img_resolution / 2
    result = []
    for i in range(config.num_layers + 1):
        t = min(i / (config.num_layers - config.num_critical), 1)
        cutoff = config.first_cutoff * (last / config.first_cutoff) ** t
        stopband = config.first_stopband * (last * config.last_stopband_rel / config.first_stopband) ** t
        rate = 2 ** math.ceil(math.log2(min(2 * stopband, config.img_resolution)))
        size = rate + 2 * config.margin_size if i < config.num_layers - 1 else config.img_resolution
        channels = round(min(config.channel_base / 2 / cutoff, config.channel_max))
        channels = channels if i < config.num_layers else config.img_channels
        result.append(Band(cutoff, max(stopband, rate / 2) - cutoff, rate, size, channels))
    return result


class SynthesisInput(nn.Module):
    """The input: sine waves on the plane, rotated and moved by w: `[n, c, size, size]`.

    Source: section 3.2, "Fourier features".
    """

    freqs: Tensor
    phases: Tensor
    transform: Tensor

    def __init__(self, w_dim: int, band: Band) -> None:
        super().__init__()
        self.size, self.rate, self.bandwidth = band.size, band.rate, band.cutoff
        self.weight = nn.Parameter(torch.randn(band.channels, band.channels))
        self.affine = FullyConnected(w_dim, 4)
        with torch.no_grad():
            self.affine.weight.zero_()
            self.affine.bias.copy_(torch.tensor([1.0, 0, 0, 0]))
        directions = torch.randn(band.channels, 2)
        length = torch.linalg.vector_norm(directions, dim=1, keepdim=True)
        # exp(-|d|^2 / 2) of normal d is uniform in 0...1: its root distributes the waves evenly over the disk
        self.register_buffer("freqs", directions / length * (-length.square() / 4).exp() * band.cutoff)
        self.register_buffer("phases", torch.rand(band.channels) - 0.5)
        self.register_buffer("transform", torch.eye(3))

    def forward(self, w: Tensor) -> Tensor:
        transform = self._learned_transform(w) @ self.transform  # [n 3 3]
        phases = self.phases + (self.freqs @ transform[:, :2, 2:]).squeeze(2)  # [n c]
        freqs = self.freqs @ transform[:, :2, :2]  # [n c 2]
        excess = (torch.linalg.vector_norm(freqs, dim=2) - self.bandwidth) / (self.rate / 2 - self.bandwidth)
        # Suppress the waves of a shrunk plane whose frequency the grid cannot represent.
        amplitudes = (1 - excess).clamp(0, 1)
        positions = (torch.arange(self.size, device=w.device) + 0.5 - self.size / 2) / self.rate
        across = freqs[:, None, None, :, 0] * positions[:, None]  # [n 1 w c]
        down = freqs[:, None, None, :, 1] * positions[:, None, None]  # [n h 1 c]
        waves = torch.sin(2 * torch.pi * (across + down + phases[:, None, None]))
        mixed: Tensor = (waves * amplitudes[:, None, None]) @ self.weight.T / len(self.weight) ** 0.5  # [n h w c]
        return mixed.permute(0, 3, 1, 2)

    def _learned_transform(self, w: Tensor) -> Tensor:
        """Return the inverse of the plane's rotation and translation that w determines: `[n, 3, 3]`."""
        t = self.affine(w)
        cosine, sine, x, y = (t / torch.linalg.vector_norm(t[:, :2], dim=1, keepdim=True)).unbind(dim=1)
        zero, one = torch.zeros_like(x), torch.ones_like(x)
        rotation = torch.stack((cosine, -sine, zero, sine, cosine, zero, zero, zero, one), dim=1).view(-1, 3, 3)
        translation = torch.stack((one, zero, -x, zero, one, -y, zero, zero, one), dim=1).view(-1, 3, 3)
        return rotation @ translation


class SynthesisLayer(nn.Module):
    """A modulated convolution, then a leaky ReLU at a higher sampling rate, which avoids aliasing.

    Convention: x [n, i, s, s], w [n, w_dim] -> [n, o, s', s']; x may be overwritten. Source: figure 4b.
    """

    up_filter: Tensor
    down_filter: Tensor
    magnitude_ema: Tensor

    def __init__(
        self, config: StyleGAN3Config, input_band: Band, output_band: Band, is_torgb: bool, is_critical: bool
    ) -> None:
        super().__init__()
        self.is_torgb, self.clamp = is_torgb, config.conv_clamp
        kernel = 1 if is_torgb else config.conv_kernel
        self.conv_padding, self.torgb_gain = kernel - 1, 1 / (input_band.channels * kernel**2) ** 0.5
        self.affine = FullyConnected(config.w_dim, input_band.channels, bias_init=1)
        self.weight = nn.Parameter(torch.randn(output_band.channels, input_band.channels, kernel, kernel))
        self.bias = nn.Parameter(torch.zeros(output_band.channels))
        self.register_buffer("magnitude_ema", torch.ones(()))

        rate = max(input_band.rate, output_band.rate) * (1 if is_torgb else config.lrelu_upsampling)
        self.up, self.down = rate // input_band.rate, rate // output_band.rate
        up_taps = 1 if is_torgb or self.up == 1 else config.filter_size * self.up
        down_taps = 1 if is_torgb or self.down == 1 else config.filter_size * self.down
        up_filter = lowpass(up_taps, input_band.cutoff, 2 * input_band.half_width, rate)
        radial = config.use_radial_filters and not is_critical
        down_filter = lowpass(down_taps, output_band.cutoff, 2 * output_band.half_width, rate, radial)
        self.register_buffer("up_filter", up_filter, persistent=False)
        self.register_buffer("down_filter", down_filter, persistent=False)

        total = (
            (output_band.size - 1) * self.down + 1 - (input_band.size + kernel - 1) * self.up + up_taps + down_taps - 2
        )
        low = (total + self.up) // 2  # positions are those of pixel centers (appendix C.3)
        self.padding = (low, total - low, low, total - low)

    def forward(self, x: Tensor, w: Tensor) -> Tensor:
        if self.training and torch.is_grad_enabled():
            self._update_magnitude(x)
        style = self.affine(w)
        factor = None if self.is_torgb else demodulation(self.weight, style)
        gain = self.torgb_gain if self.is_torgb else 1.0
        x = F.conv2d(
            scale(x, style * self.magnitude_ema.rsqrt() * gain), self.weight.to(x.dtype), padding=self.conv_padding
        )
        x = x if factor is None else scale(x, factor)
        x.add_(self.bias.to(x.dtype)[:, None, None])
        if self.is_torgb:
            return x if self.clamp is None else torch.clamp(x, -self.clamp, self.clamp)
        x = upfirdn2d(x, self.up_filter * (self.up**2 * SQRT2), up=self.up, padding=self.padding)
        return upfirdn2d(leaky_relu(x, self.clamp), self.down_filter, down=self.down)

    @torch.no_grad()
    def _update_magnitude(self, x: Tensor) -> None:
        """Update the moving average of the inputs' mean square, by which the layer divides them (appendix D.1)."""
        now, keep = x.float().square().mean(), 0.5 ** (len(x) / MAGNITUDE_HALF_LIFE)
        self.magnitude_ema.copy_(now.lerp(self.magnitude_ema, keep))


class SynthesisNetwork(nn.Module):
    """The synthesis network: w_plus to an image, by the input waves, the layers and the color layer."""

    def __init__(self, config: StyleGAN3Config) -> None:
        super().__init__()
        self.bands = layer_bands(config)
        self.num_ws, self.w_dim, self.output_scale = config.num_layers + 2, config.w_dim, config.output_scale
        self.dtype = torch.float32  # of the convolutions
        self.input = SynthesisInput(config.w_dim, self.bands[0])
        self.layer_names = []
        for i, band in enumerate(self.bands):
            previous, is_torgb = self.bands[max(i - 1, 0)], i == config.num_layers
            layer = SynthesisLayer(config, previous, band, is_torgb, i >= config.num_layers - config.num_critical)
            self.layer_names.append(f"L{i}_{band.size}_{band.channels}")
            self.add_module(self.layer_names[-1], layer)
        self.to(memory_format=torch.channels_last)  # type: ignore[call-overload]

    def forward(self, w_plus: Tensor, noise_mode: NoiseMode = "const") -> Tensor:
        """Generate `img [n, img_channels, r, r]`, float32, from `w_plus [n, num_ws, w_dim]`.

        The network has no noise: every noise mode gives the same image.
        Raises ShapeError for a latent of another generator.
        """
        check_w_plus(w_plus, self.num_ws, self.w_dim)
        first, *others = w_plus.float().unbind(dim=1)
        x: Tensor = self.input(first).to(self.dtype)
        for name, w in zip(self.layer_names, others, strict=True):
            x = self.get_submodule(name)(x, w)
        return x.float().contiguous() * self.output_scale


class StyleGAN3(nn.Module):
    """The StyleGAN3 generator (`Generator` protocol).

    `layer_resolutions` are the sides of the smallest images that hold all of a layer's frequencies: the layers' sizes
    in pixels are no measure of their detail here.
    """

    w_avg: Tensor

    def __init__(self, config: StyleGAN3Config | None = None) -> None:
        super().__init__()
        config = config or StyleGAN3Config()
        self.config = config
        self.z_dim, self.c_dim, self.w_dim = config.z_dim, config.c_dim, config.w_dim
        self.img_resolution, self.img_channels = config.img_resolution, config.img_channels
        self.mapping = StyleMapping(
            config.z_dim,
            config.c_dim,
            config.w_dim,
            num_layers=config.mapping_layers,
            embed_features=config.embed_features,
            lr_multiplier=config.lr_multiplier,
        )
        self.synthesis = SynthesisNetwork(config)
        self.num_ws = self.synthesis.num_ws
        sides = [round(2 * band.cutoff) for band in self.synthesis.bands]
        self.layer_resolutions = (sides[0], *sides)
        self.register_buffer("w_avg", torch.zeros(config.w_dim))

    def synthesis_at(self, w_plus: Tensor, resolution: int, noise_mode: NoiseMode = "const") -> Tensor:
        """Generate the image area-reduced to `resolution`; this runs every layer."""
        return area_reduce(self.synthesis(w_plus, noise_mode), resolution)

    def affines(self, layer: int) -> list[nn.Module]:
        """Return the affine maps that take layer `layer`'s style: one per layer; the first transforms the waves."""
        return [self.synthesis.get_submodule(f"{['input', *self.synthesis.layer_names][layer]}.affine")]

    def feature_layers(self) -> list[nn.Module]:
        """Return the color layer. Features before it have margins and may be turned, unlike the image."""
        return [self.synthesis.get_submodule(self.synthesis.layer_names[-1])]

    def set_precision(self, dtype: torch.dtype) -> StyleGAN3:
        """Compute the convolutions in `dtype`; weights, styles and images stay float32. Returns itself."""
        self.synthesis.dtype = dtype
        return self

    def place(self, x: float = 0, y: float = 0, angle: float = 0) -> StyleGAN3:
        """Move and rotate the content of all further images; `place()` resets it. Returns itself.

        Convention: x to the right and y down, in image widths; angle in degrees, counterclockwise.
        """
        cosine, sine = math.cos(math.radians(angle)), math.sin(math.radians(angle))
        forward = torch.tensor([[cosine, sine, x], [-sine, cosine, y], [0, 0, 1]], dtype=torch.float64)
        transform = self.synthesis.input.transform
        transform.copy_(torch.linalg.inv(forward).to(transform))
        return self
