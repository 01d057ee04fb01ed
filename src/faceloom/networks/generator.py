"""What every generator family offers. Mixing, morphing, directions, search and tuning know no more than this."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, Protocol, runtime_checkable

import torch.nn.functional as F
from torch import Tensor, nn

NoiseMode = Literal["const", "random", "none"]


@runtime_checkable
class Generator(Protocol):
    """A style-based generator.

    Convention: `mapping` gives one `w` an image, `synthesis` takes one a layer, sorted by the layer's depth;
    images are float32 `[n, 3, h, w]`, RGB, -1...1. `layer_resolutions[i]` is the side, in pixels, of the features
    that layer i styles: it decides what is coarse, middle and fine.
    """

    z_dim: int
    c_dim: int
    w_dim: int
    num_ws: int
    img_resolution: int
    layer_resolutions: tuple[int, ...]
    w_avg: Tensor

    def mapping(self, z: Tensor, c: Tensor | None = None) -> Tensor:
        """`z [n, z_dim]`, `c [n, c_dim]` -> `w [n, w_dim]`, not truncated."""
        ...

    def synthesis(self, w_plus: Tensor, noise_mode: NoiseMode = "const") -> Tensor:
        """`w_plus [n, num_ws, w_dim]` -> `img [n, 3, img_resolution, img_resolution]`."""
        ...

    def synthesis_at(self, w_plus: Tensor, resolution: int, noise_mode: NoiseMode = "const") -> Tensor:
        """The image area-reduced to `resolution`, a power of two, at less cost where the family allows it."""
        ...

    def affines(self, layer: int) -> Sequence[nn.Module]:
        """The affine maps that take layer `layer`'s style, `[n, w_dim] -> [n, c]` each."""
        ...


def area_reduce(img: Tensor, resolution: int) -> Tensor:
    """Average squares of pixels until the longer side is `resolution`, of which it is a multiple."""
    factor = max(img.shape[-2:]) // resolution
    return F.avg_pool2d(img, factor) if factor > 1 else img


def image_at(G: Generator, w_plus: Tensor, resolution: int) -> Tensor:
    """The image at `resolution` whatever the generator's own: area-reduced, or enlarged (bilinear) if it is smaller."""
    img = G.synthesis_at(w_plus, min(resolution, G.img_resolution))
    if img.shape[-1] < resolution:
        return F.interpolate(img, size=(resolution, resolution), mode="bilinear", align_corners=False)
    return img
