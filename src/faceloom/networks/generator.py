"""The interface of every generator family, on which mixing, morphing, directions, inversion and tuning rely."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, Protocol, runtime_checkable

import torch.nn.functional as F
from torch import Tensor, nn

NoiseMode = Literal["const", "random", "none"]


@runtime_checkable
class Generator(Protocol):
    """A style-based generator.

    Convention: `mapping` returns one `w` per image, `synthesis` takes one per layer, sorted by the layer's depth;
    images are float32 `[n, 3, h, w]`, RGB, -1...1; generators of other subjects may draw gray, `[n, 1, h, w]`, or
    transparency, `[n, 4, h, w]` (`images.channels`). `layer_resolutions[i]` is the side, in pixels, of the features
    that layer i styles. It decides whether the layer is coarse, middle or fine.
    """

    z_dim: int
    c_dim: int
    w_dim: int
    num_ws: int
    img_resolution: int
    layer_resolutions: tuple[int, ...]
    w_avg: Tensor

    def mapping(self, z: Tensor, c: Tensor | None = None) -> Tensor:
        """Map `z [n, z_dim]` and a label `c [n, c_dim]` to `w [n, w_dim]`, not truncated."""
        ...

    def synthesis(self, w_plus: Tensor, noise_mode: NoiseMode = "const") -> Tensor:
        """Generate `img [n, 3, img_resolution, img_resolution]` from `w_plus [n, num_ws, w_dim]`."""
        ...

    def synthesis_at(self, w_plus: Tensor, resolution: int, noise_mode: NoiseMode = "const") -> Tensor:
        """Generate the image area-reduced to `resolution`, a power of two, at less cost where the family allows it."""
        ...

    def affines(self, layer: int) -> Sequence[nn.Module]:
        """Return the affine maps that take layer `layer`'s style, `[n, w_dim] -> [n, c]` each."""
        ...


def count_channels(G: Generator) -> int:
    """Return the number of channels of a generator's images: 1 gray, 3 RGB, 4 RGB times alpha, and alpha."""
    return int(getattr(G, "img_channels", 3))


def area_reduce(img: Tensor, resolution: int) -> Tensor:
    """Average squares of pixels so that the longer side, a multiple of `resolution`, becomes `resolution`."""
    factor = max(img.shape[-2:]) // resolution
    return F.avg_pool2d(img, factor) if factor > 1 else img


def image_at(G: Generator, w_plus: Tensor, resolution: int) -> Tensor:
    """Generate the image at any `resolution`: area-reduced, or enlarged (bilinear) if the generator's is smaller."""
    img = G.synthesis_at(w_plus, min(resolution, G.img_resolution))
    if img.shape[-1] < resolution:
        return F.interpolate(img, size=(resolution, resolution), mode="bilinear", align_corners=False)
    return img
