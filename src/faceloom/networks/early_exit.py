"""Early exits of the default generator: a small head draws the picture from features of a lower resolution.

The last blocks of a generator take most of its time and add what a small picture does not show. A head that was trained
to imitate them draws a picture of 256 px from features of 128 px, or one of 512 px from features of 256 px.
Sources: Lin et al. 2021, "Anycost GANs for Interactive Image Synthesis and Editing"; Karpikova et al. 2023, "FIANCEE:
Faster Inference of Adversarial Networks via Conditional Early Exits". Trained by recipes/early_exit. Does not open
files.
"""

from __future__ import annotations

import copy
import math
from collections.abc import Mapping

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from faceloom.errors import ShapeError
from faceloom.latents import WPlus
from faceloom.networks.generator import Generator, NoiseMode, area_reduce
from faceloom.networks.mobilestylegan import Conv, MobileStyleGAN, MobileStyleGANConfig, inverse_haar, modulate
from faceloom.networks.regions import block_features
from faceloom.networks.tuned import network_of

EXITS = {256: 4, 512: 5}
"""The blocks after which the generator ends, by the side in pixels of the picture that the head draws."""

_WIDTH = 64  # channels of the head
_EPSILON = 1e-6


class ExitHead(nn.Module):
    """A head that imitates the blocks that follow one block of the default generator.

    Pixels are scaled to unit variance, because their size varies between people; the logarithm of the size is an input.

    Convention: `forward` takes features `[n, c, h, w]` after the block, and the styles of all layers that follow it
    `[n, s]`, those of the first layer first, as `following_styles` returns them; it returns the wavelet bands of the
    picture `[n, 12, h, w]`, as `MobileStyleGAN` does.
    """

    mean: Tensor  # of the styles
    spread: Tensor

    def __init__(self, block: int, config: MobileStyleGANConfig | None = None) -> None:
        super().__init__()
        channels = (config or MobileStyleGANConfig()).channels
        self.block, self.channels = block, channels[block + 1]
        styles = sum(c + c // 4 + after for c, after in zip(channels[block + 1 :], channels[block + 2 :], strict=False))
        styles += channels[-1]
        self.input = Conv(self.channels, _WIDTH, 1)
        self.level = Conv(1, _WIDTH, 1, bias=False)
        spatial = [Conv(_WIDTH, _WIDTH, 3, padding=1, groups=_WIDTH, bias=False) for _ in range(2)]
        self.spatial = nn.ModuleList(spatial)
        self.mixing = nn.ModuleList(Conv(_WIDTH, _WIDTH, 1) for _ in range(2))
        self.scales = nn.ModuleList(nn.Linear(styles, _WIDTH) for _ in range(2))
        self.output_scale = nn.Linear(styles, _WIDTH)
        self.output = Conv(_WIDTH, 12, 1)
        self.register_buffer("mean", torch.zeros(styles))
        self.register_buffer("spread", torch.ones(styles))
        with torch.no_grad():
            for conv in spatial:
                conv.weight[:, :, 1, 1] += 1  # it starts as nearly the identity

    def forward(self, x: Tensor, styles: Tensor) -> Tensor:
        x = modulate(x, styles[:, : self.channels])
        size = (
            torch.linalg.vector_norm(x, dim=1, keepdim=True, dtype=torch.float32) / math.sqrt(self.channels) + _EPSILON
        )
        x = F.leaky_relu(self.input(x / size.to(x.dtype)) + self.level(size.log().to(x.dtype)), 0.2, inplace=True)
        styles = (styles - self.mean) / self.spread
        for scale, spatial, mixing in zip(self.scales, self.spatial, self.mixing, strict=True):
            x = modulate(spatial(x), 1 + scale(styles))
            x = F.leaky_relu(mixing(x), 0.2, inplace=True)
        bands: Tensor = self.output(modulate(x, 1 + self.output_scale(styles)))
        return bands


class EarlyExit(nn.Module):
    """The default generator, or one tuned for a person, that ends early (`Generator` protocol).

    It shares the network's weights. `img_resolution` is that of the head's picture.
    """

    def __init__(self, network: MobileStyleGAN, head: ExitHead) -> None:
        super().__init__()
        self.network, self.head = network, copy.deepcopy(head).to(network.w_avg.device)
        self.z_dim, self.c_dim, self.w_dim, self.num_ws = network.z_dim, network.c_dim, network.w_dim, network.num_ws
        self.img_resolution = max(network.config.base) << (head.block + 2)
        self.layer_resolutions = network.layer_resolutions
        self.mapping, self.affines = network.mapping, network.affines
        self.w_avg = network.w_avg

    def synthesis(self, w_plus: WPlus, noise_mode: NoiseMode = "const") -> Tensor:
        """Generate `img [n, 3, h, w]`, float32, from `w_plus [n, num_ws, w_dim]`. Raises ShapeError."""
        return self.synthesis_at(w_plus, self.img_resolution, noise_mode)

    def synthesis_at(self, w_plus: WPlus, resolution: int, noise_mode: NoiseMode = "const") -> Tensor:
        """Generate the image area-reduced to `resolution`. Raises ShapeError for a larger one than the head draws."""
        if resolution > self.img_resolution:
            raise ShapeError(f"the early exit draws pictures of {self.img_resolution} px, not {resolution}")
        bands = self._bands(w_plus.to(self.w_avg.device), noise_mode).float()
        is_whole = resolution == self.img_resolution
        img = inverse_haar(bands) if is_whole else area_reduce(bands[:, :3] * 0.5, resolution)
        return img.to(w_plus.device)

    def feature_layers(self) -> list[nn.Module]:
        """Return the modules whose outputs have the layout of the image: each block, and the head."""
        return [*self.network.blocks[: self.head.block + 1], self.head]

    def _bands(self, w_plus: WPlus, noise_mode: NoiseMode) -> Tensor:
        (features,) = block_features(self.network, w_plus, [self.head.block], noise_mode)
        bands: Tensor = self.head(features, following_styles(self.network, w_plus, self.head.block))
        return bands


def end_early(G: Generator, heads: Mapping[int, ExitHead], side: int) -> Generator:
    """Return a generator of pictures of `side` pixels that ends as early as one of the heads allows, by their side.

    It is `G` itself when no head draws such a picture.
    """
    sides = [known for known in sorted(heads) if known >= side]
    return EarlyExit(network_of(G), heads[sides[0]]) if sides else G


def following_styles(network: MobileStyleGAN, w_plus: WPlus, block: int) -> Tensor:
    """Return the styles `[n, s]` of all layers after a block, in order of their depth."""
    affines = [module for name, module in network.blocks[block + 1 :].named_modules() if name.endswith("affine")]
    affines.append(network.to_img_affine)
    ws = w_plus[:, 3 * block + 4 :].unbind(dim=1)
    return torch.cat([affine(w) for affine, w in zip(affines, ws, strict=True)], dim=1)
