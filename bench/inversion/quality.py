"""Quality of a reproduction, measured in the same way for every method."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from bench.evaluators import Evaluators
from faceloom.analyze.reading import read, similarity
from faceloom.checkpoints.load import load_lpips
from faceloom.checkpoints.shipped import load_analyzer
from faceloom.images import to_pixels
from faceloom.networks.analyzer import Analyzer
from faceloom.networks.lpips import Lpips


@dataclass(frozen=True)
class Quality:
    """LPIPS with AlexNet and VGG16, mean squared error in -1...1, all at 256 px; identity by two networks."""

    lpips: float
    lpips_vgg: float
    mse: float
    identity: float  # our analyzer's cosine similarity: 1 for identical
    dlib: float  # dlib's distance: below 0.6 for the same person; NaN when dlib is not installed


@dataclass(frozen=True)
class QualityMeter:
    """The networks that measure quality, in float32."""

    alexnet: Lpips = field(default_factory=lambda: load_lpips("alexnet"))
    vgg: Lpips = field(default_factory=lambda: load_lpips("vgg16"))
    analyzer: Analyzer = field(default_factory=load_analyzer)
    others: Evaluators | None = None

    @torch.no_grad()
    def __call__(self, img: Tensor, target: Tensor) -> Quality:
        """Compare an image `[1, 3, 256, 256]`, -1...1, with the target."""
        img = img.clamp(-1, 1)
        result_identity, target_identity = (read(self.analyzer, x).identity for x in (img, target))
        return Quality(
            lpips=self.alexnet(img, target).item(),
            lpips_vgg=self.vgg(img, target).item(),
            mse=(img - target).square().mean().item(),
            identity=similarity(result_identity, target_identity).item(),
            dlib=self._dlib(img, target),
        )

    def _dlib(self, img: Tensor, target: Tensor) -> float:
        if self.others is None:
            return math.nan
        a, b = self.others.read([to_pixels(img), to_pixels(target)]).identity
        return float(np.linalg.norm(a - b))


def open_evaluators(folder: Path | None) -> Evaluators | None:
    """Open the evaluators, or print that the dlib column stays empty."""
    if folder is None:
        print("no --evaluators: the dlib column stays empty")
        return None
    try:
        return Evaluators(folder)
    except ImportError as error:
        print(f"{error}: the dlib column stays empty")
        return None
