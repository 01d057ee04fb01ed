"""Feature networks, which turn pictures into the features that distances compare. Does not open files.

A distance depends on its network and on the preparation of the pictures: only the Inception network of 2015 gives the
FID that papers report.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Protocol, runtime_checkable

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor

from faceloom.errors import ImageError
from faceloom.images.tensors import Img
from faceloom.networks.inception import DIM, Inception, resize_as_tensorflow1
from faceloom.networks.lpips import Lpips

Features = Float[Tensor, "n dim"]
OtherFeatures = Float[Tensor, "m dim"]
"""A second set of features, which may be of another number of pictures."""
FEATURE_BATCH = 16  # pictures that go through a network together


@runtime_checkable
class FeatureNet(Protocol):
    """A feature network.

    Convention: `prepare` resizes one img `[1, 3, h, w]`, -1...1, to the network's size; a call computes the features
    `[n, dim]`, float32, of several prepared pictures.
    """

    name: str
    frechet_name: str
    kernel_name: str
    dim: int

    def prepare(self, img: Img) -> Tensor:
        """Resize one picture to the network's size."""
        ...

    def __call__(self, prepared: Tensor) -> Features:
        """Return the features of several pictures."""
        ...


class VggFeatures:
    """VGG16's last convolutional features, averaged over the picture: 512 numbers.

    Pictures are resized to 128 x 128 px with antialiasing: at VGG's own 224 px a picture costs three times as long.
    """

    name = "VGG16"
    frechet_name = "Frechet distance (VGG16)"
    kernel_name = "kernel distance (VGG16)"
    dim = 512
    side = 128

    def __init__(self, net: Lpips) -> None:
        self.net = net

    def prepare(self, img: Img) -> Tensor:
        """Resize one picture to 128 x 128 px."""
        if img.shape[-2:] == (self.side, self.side):
            return img
        return F.interpolate(img, (self.side, self.side), mode="bicubic", antialias=True).clamp(-1, 1)

    def __call__(self, prepared: Tensor) -> Features:
        """Return the features of pictures `[n, 3, 128, 128]`."""
        x, index = (prepared.to(self.net.shift.device) - self.net.shift) / self.net.scale, 0
        x = x.contiguous(memory_format=torch.channels_last)
        for pool, stage in self.net.stages:
            x = F.max_pool2d(x, *pool) if pool else x
            for _ in stage:
                x = F.relu(self.net.get_submodule(f"conv{index}")(x), inplace=True)
                index += 1
        return x.mean((2, 3)).float()


class InceptionFeatures:
    """Inception-v3's 2,048 features before its classes, by which FID and KID are defined."""

    name = "Inception-v3"
    frechet_name = "FID"
    kernel_name = "KID"
    dim = DIM

    def __init__(self, net: Inception) -> None:
        self.net = net

    def prepare(self, img: Img) -> Tensor:
        """Round to the levels of an 8-bit file, and resize as TensorFlow 1 does."""
        return resize_as_tensorflow1(img.add(1).mul(127.5).round().clamp(0, 255))

    def __call__(self, prepared: Tensor) -> Features:
        """Return the features of pictures `[n, 3, 299, 299]`."""
        features: Tensor = self.net(prepared.to(next(self.net.parameters()).device))
        return features


@torch.no_grad()
def extract(net: FeatureNet, pictures: Iterable[Img]) -> Features:
    """Return the features of all pictures, each `[1, 3, h, w]`, computed in batches.

    Raises ImageError if there are no pictures, or for features that are not finite.
    """
    rows: list[Tensor] = []
    batch: list[Tensor] = []
    for img in pictures:
        batch.append(net.prepare(img))
        if len(batch) == FEATURE_BATCH:
            rows.append(_run_batch(net, batch))
            batch = []
    if batch:
        rows.append(_run_batch(net, batch))
    if not rows:
        raise ImageError("there are no pictures to measure", "give a folder or a zip of pictures")
    features = torch.cat(rows)
    if not features.isfinite().all():
        raise ImageError(
            f"{net.name} returned features that are not finite", "check that the weights are those of this network"
        )
    return features


def _run_batch(net: FeatureNet, batch: Sequence[Tensor]) -> Features:
    return net(torch.cat(list(batch))).cpu()
