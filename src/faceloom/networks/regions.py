"""The region head: a segmentation of generated faces, read from the features of the default generator.

The features of a generator already tell hair from skin, so a small head on them needs few labels and almost no time.
Source: Zhang et al. 2021, "DatasetGAN: Efficient Labeled Data Factory with Minimal Human Effort". Trained by
recipes/regions. Does not open files.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from faceloom.errors import ShapeError
from faceloom.latents import WPlus, check_w_plus
from faceloom.networks.generator import NoiseMode
from faceloom.networks.mobilestylegan import Conv, MobileStyleGAN

REGIONS = ("background", "clothes", "neck", "skin", "hair", "brows", "eyes", "lips", "glasses", "ears")
REGION_RESOLUTION = 64  # pixels; side of the probabilities

_BLOCKS = {1: 512, 2: 512, 3: 512}  # channels of the blocks that the head reads, at 16, 32 and 64 px
_HIDDEN = 64
_EPSILON = 1e-8


class RegionHead(nn.Module):
    """A network that reads regions from the features of the default generator's blocks.

    Convention: `blocks` are the indices of the blocks, 0 is the first one (8 px). `forward` takes their features
    `[n, 512, r, r]` in this order and returns the probabilities of REGIONS, float32 `[n, 10, 64, 64]`, which sum to 1.
    Raises ShapeError for other features.
    """

    def __init__(self) -> None:
        super().__init__()
        self.blocks: tuple[int, ...] = tuple(_BLOCKS)
        self.inputs = nn.ModuleList(Conv(c, _HIDDEN, 1, bias=False) for c in _BLOCKS.values())
        self.bias = nn.Parameter(torch.zeros(_HIDDEN))
        self.output = nn.Conv2d(_HIDDEN, len(REGIONS), 1)

    def forward(self, features: Sequence[Tensor]) -> Tensor:
        return self.logits(features).softmax(1)

    def logits(self, features: Sequence[Tensor]) -> Tensor:
        """Return unnormalized log probabilities `[n, 10, 64, 64]`."""
        self._check(features)
        size = (REGION_RESOLUTION, REGION_RESOLUTION)
        parts = [
            F.interpolate(_project(x, conv), size, mode="bilinear", align_corners=False)
            for x, conv in zip(features, self.inputs, strict=True)
        ]
        hidden = F.relu(sum(parts[1:], start=parts[0]) + self.bias[:, None, None])
        logits: Tensor = self.output(hidden)
        return logits

    def _check(self, features: Sequence[Tensor]) -> None:
        got = [list(x.shape) for x in features]
        expected = [list(_BLOCKS.values()), [8 << block for block in self.blocks]]
        if [[shape[1] for shape in got], [shape[-1] for shape in got]] != expected:
            raise ShapeError(
                f"features: expected [n, 512, r, r] of blocks {self.blocks}, got {got}",
                "regions are read from the default generator only",
            )


def block_features(
    G: MobileStyleGAN, w_plus: WPlus, blocks: Sequence[int], noise_mode: NoiseMode = "const"
) -> list[Tensor]:
    """Return the features after some blocks, in order of their index, without running the blocks that follow them.

    Raises ShapeError for a latent of another generator.
    """
    check_w_plus(w_plus, G.num_ws, G.w_dim)
    x = G.const.to(G.dtype or G.to_img.weight.dtype).expand(w_plus.shape[0], -1, -1, -1)
    x = G.first(x.contiguous(memory_format=torch.channels_last), w_plus[:, 0], noise_mode)
    features = []
    for i in range(max(blocks) + 1):
        x = G.blocks[i](x, w_plus[:, 3 * i + 1 : 3 * i + 4], noise_mode)
        if i in blocks:
            features.append(x)
    return features


def _project(x: Tensor, conv: nn.Module) -> Tensor:
    """Convolve features whose pixels are scaled to unit variance, because their size varies between people."""
    size = torch.linalg.vector_norm(x, dim=1, keepdim=True, dtype=torch.float32) / math.sqrt(x.shape[1])
    projected: Tensor = conv(x)
    scaled: Tensor = projected.float() / (size + _EPSILON)
    return scaled
