"""A generator that draws in squares of one color each, as pixel art and mosaics do.

A change of the weights alone leaves such squares soft, because every layer smooths what the one before it drew. Does
not open files.
"""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor

from faceloom.latents import WPlus
from faceloom.networks.generator import Generator, NoiseMode, area_reduce, count_channels


class InSquares:
    """A generator whose picture is divided into `count` x `count` squares (`Generator` protocol).

    Convention: `share`, 0...1, is how much of the squares is seen; 1 draws each in its mean color. A picture with fewer
    pixels than squares stays as it is.
    """

    def __init__(self, drawing: Generator, count: int, share: float = 1.0) -> None:
        self.drawing, self.count, self.share = drawing, count, share
        self.z_dim, self.c_dim, self.w_dim, self.num_ws = drawing.z_dim, drawing.c_dim, drawing.w_dim, drawing.num_ws
        self.img_resolution, self.layer_resolutions = drawing.img_resolution, drawing.layer_resolutions
        self.img_channels = count_channels(drawing)
        self.w_avg, self.mapping, self.affines = drawing.w_avg, drawing.mapping, drawing.affines

    def synthesis(self, w_plus: WPlus, noise_mode: NoiseMode = "const") -> Tensor:
        """Generate the image, as `Generator.synthesis`."""
        return self.synthesis_at(w_plus, self.img_resolution, noise_mode)

    def synthesis_at(self, w_plus: WPlus, resolution: int, noise_mode: NoiseMode = "const") -> Tensor:
        """Generate the image at `resolution`, as `Generator.synthesis_at`."""
        img = self.drawing.synthesis_at(w_plus, resolution, noise_mode)
        if img.shape[-1] <= self.count:
            return img
        squares = F.interpolate(area_reduce(img, self.count), img.shape[-2:], mode="nearest")
        return img.lerp(squares, self.share)
