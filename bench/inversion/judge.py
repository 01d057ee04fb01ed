"""How near a reproduction is to its target, measured the same way for every method."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from bench.judges import Judges
from faceloom.analyze.reading import read, similarity
from faceloom.checkpoints.load import load_lpips
from faceloom.checkpoints.shipped import load_analyzer
from faceloom.images import to_pixels
from faceloom.networks.analyzer import Analyzer
from faceloom.networks.lpips import Lpips


@dataclass(frozen=True)
class Quality:
    """LPIPS on AlexNet and on VGG16, mean squared error in -1...1, all at 256 px; identity by two networks."""

    lpips: float
    lpips_vgg: float
    mse: float
    identity: float  # our analyzer's cosine: 1 for the same
    dlib: float  # dlib's distance: below 0.6 for the same; no number where dlib is not installed


@dataclass(frozen=True)
class Judge:
    """The networks that judge, in float32."""

    alexnet: Lpips = field(default_factory=lambda: load_lpips("alexnet"))
    vgg: Lpips = field(default_factory=lambda: load_lpips("vgg16"))
    analyzer: Analyzer = field(default_factory=load_analyzer)
    others: Judges | None = None

    @torch.no_grad()
    def __call__(self, img: Tensor, target: Tensor) -> Quality:
        """Compare `[1, 3, 256, 256]`, -1...1, with the target."""
        img = img.clamp(-1, 1)
        seen, wanted = (read(self.analyzer, x).identity for x in (img, target))
        return Quality(
            lpips=self.alexnet(img, target).item(),
            lpips_vgg=self.vgg(img, target).item(),
            mse=(img - target).square().mean().item(),
            identity=similarity(seen, wanted).item(),
            dlib=self._dlib(img, target),
        )

    def _dlib(self, img: Tensor, target: Tensor) -> float:
        if self.others is None:
            return math.nan
        a, b = self.others.look([to_pixels(img), to_pixels(target)]).identity
        return float(np.linalg.norm(a - b))


def other_judges(folder: Path | None) -> Judges | None:
    """Open the judges of `bench.judges`, or say that their column stays empty."""
    if folder is None:
        print("no --judges: the column of dlib stays empty")
        return None
    try:
        return Judges(folder)
    except ImportError as error:
        print(f"{error}: the column of dlib stays empty")
        return None
