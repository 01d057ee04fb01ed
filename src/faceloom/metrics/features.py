"""Pictures -> features: the networks whose eyes the distances see through. Knows tensors, no files.

A distance is a number of its network, of what is done to a picture before, and of nothing else: only the Inception
network of 2015 gives the FID that papers state.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Protocol

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor

from faceloom.errors import ImageError
from faceloom.images.tensors import Img
from faceloom.networks.inception import DIM, Inception, enlarged
from faceloom.networks.lpips import Lpips

Features = Float[Tensor, "n dim"]
BATCH = 16


class FeatureNet(Protocol):
    """Eyes.

    Convention: `prepare` takes one img `[1, 3, h, w]`, -1...1, of any size to the size that the network wants; a call
    takes several of those to features `[n, dim]`, float32.
    """

    name: str
    frechet_name: str
    kernel_name: str
    dim: int

    def prepare(self, img: Img) -> Tensor:
        """Bring one picture to the network's size."""
        ...

    def __call__(self, prepared: Tensor) -> Features:
        """See several."""
        ...


class VggFeatures:
    """The last convolutions of VGG16, averaged over the picture: 512 numbers.

    Pictures are brought to 128 x 128 px with antialiasing: at VGG's own 224 px a picture costs three times as long.
    """

    name = "VGG16"
    frechet_name = "Frechet distance (VGG16)"
    kernel_name = "kernel distance (VGG16)"
    dim = 512
    side = 128

    def __init__(self, net: Lpips) -> None:
        self.net = net

    def prepare(self, img: Img) -> Tensor:
        """Resize to 128 x 128."""
        if img.shape[-2:] == (self.side, self.side):
            return img
        return F.interpolate(img, (self.side, self.side), mode="bicubic", antialias=True).clamp(-1, 1)

    def __call__(self, prepared: Tensor) -> Features:
        """See several, `[n, 3, 128, 128]`."""
        x, index = (prepared.to(self.net.shift.device) - self.net.shift) / self.net.scale, 0
        x = x.contiguous(memory_format=torch.channels_last)
        for pool, stage in self.net.stages:
            x = F.max_pool2d(x, *pool) if pool else x
            for _ in stage:
                x = F.relu(self.net.get_submodule(f"conv{index}")(x), inplace=True)
                index += 1
        return x.mean((2, 3)).float()


class InceptionFeatures:
    """Inception-v3's 2,048 numbers before its classes, as FID and KID are defined by."""

    name = "Inception-v3"
    frechet_name = "FID"
    kernel_name = "KID"
    dim = DIM

    def __init__(self, net: Inception) -> None:
        self.net = net

    def prepare(self, img: Img) -> Tensor:
        """Round to the levels that a file would hold, and enlarge as TensorFlow 1 did."""
        return enlarged(img.add(1).mul(127.5).round().clamp(0, 255))

    def __call__(self, prepared: Tensor) -> Features:
        """See several, `[n, 3, 299, 299]`."""
        features: Tensor = self.net(prepared.to(next(self.net.parameters()).device))
        return features


@torch.no_grad()
def extract(net: FeatureNet, pictures: Iterable[Img]) -> Features:
    """See every picture, each `[1, 3, h, w]`, in batches. Raises ImageError without any, or for NaN features."""
    rows: list[Tensor] = []
    waiting: list[Tensor] = []
    for img in pictures:
        waiting.append(net.prepare(img))
        if len(waiting) == BATCH:
            rows.append(_seen(net, waiting))
            waiting = []
    if waiting:
        rows.append(_seen(net, waiting))
    if not rows:
        raise ImageError("there are no pictures to measure", "give a folder or a zip of pictures")
    features = torch.cat(rows)
    if not features.isfinite().all():
        raise ImageError(f"{net.name} gives numbers that are not finite", "are these the right weights?")
    return features


def _seen(net: FeatureNet, waiting: Sequence[Tensor]) -> Features:
    return net(torch.cat(list(waiting))).cpu()
