"""The "StyleGAN encoder" of 2019 (Puzer), which preceded the first papers on inversion."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from bench.inversion.clock import Budget, Pace
from bench.inversion.networks import Networks, Result
from faceloom.invert.inversion import QUALITY_RESOLUTION
from faceloom.latents import broadcast
from faceloom.networks.generator import image_at
from faceloom.networks.lpips import Lpips

STEPS = 1000
RATE = 1.0  # learning rate of gradient descent on the mean squared error of features; see bench.inversion.rates


class Puzer:
    """Plain gradient descent in W+ from the mean, on the squared error of one VGG16 layer's features."""

    def __init__(self, networks: Networks, rate: float = RATE) -> None:
        self.networks, self.rate = networks, rate
        self.pace = Pace()

    def __call__(self, target: Tensor, seconds: float) -> Result:
        budget, steps = Budget(seconds), 0
        G, vgg = self.networks.G, self.networks.vgg
        with torch.no_grad():
            target_features = conv3_2(vgg, target)
        w_plus = broadcast(G.w_avg[None], G.num_ws).requires_grad_()
        for _ in budget.steps(STEPS, self.pace, seconds - self.networks.seconds_per_image):
            features = conv3_2(vgg, image_at(G, w_plus, QUALITY_RESOLUTION))
            (gradient,) = torch.autograd.grad((features - target_features).float().square().mean(), [w_plus])
            with torch.no_grad():
                w_plus -= self.rate * gradient
            steps += 1
        return Result(self.networks.draw(w_plus), steps)


def conv3_2(vgg: Lpips, img: Tensor) -> Tensor:
    """Return features after the second convolution of VGG16's third stage: the ninth layer of Keras' model."""
    x = ((img - vgg.shift) / vgg.scale).to(vgg.get_parameter("conv0.weight").dtype)
    x = x.contiguous(memory_format=torch.channels_last)
    for index in range(6):
        x = F.max_pool2d(x, 2) if index in (2, 4) else x
        x = F.relu(vgg.get_submodule(f"conv{index}")(x))
    return x
