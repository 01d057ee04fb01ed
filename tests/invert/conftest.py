"""Fixtures of the inversion tests: a tiny generator, LPIPS with random weights, a target that can be reached."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor

from faceloom.networks.generator import NoiseMode
from faceloom.networks.lpips import Lpips
from faceloom.networks.mobilestylegan import MobileStyleGAN, MobileStyleGANConfig


class EnlargedGenerator(MobileStyleGAN):
    """A generator whose images are enlarged to the resolution that an inversion compares."""

    def synthesis_at(self, w_plus: Tensor, resolution: int, noise_mode: NoiseMode = "const") -> Tensor:
        return torch.nn.functional.interpolate(super().synthesis(w_plus, noise_mode), size=resolution)


@pytest.fixture(scope="module")
def tools() -> dict[str, Any]:
    torch.manual_seed(0)
    config = MobileStyleGANConfig(channels=(16, 16, 8), z_dim=16, w_dim=16, mapping_layers=2)
    G = EnlargedGenerator(config).requires_grad_(False)
    vgg, alexnet = Lpips("vgg16").requires_grad_(False), Lpips("alexnet").requires_grad_(False)
    for net in (vgg, alexnet):
        for _, module in net.named_modules():
            if isinstance(module, torch.nn.Conv2d) and module.out_channels == 1:
                module.weight.abs_()
    target = G.synthesis_at(torch.randn(1, G.num_ws, G.w_dim), 256)
    return {"G": G, "img": target, "vgg": vgg, "alexnet": alexnet}


@pytest.fixture(scope="module")
def interrupt_at() -> Callable[[int, BaseException], Callable[[dict[str, Any]], None]]:
    """A factory of callbacks that raise an error at a step."""

    def make(number: int, error: BaseException) -> Callable[[dict[str, Any]], None]:
        def callback(step: dict[str, Any]) -> None:
            if step["step"] == number:
                raise error

        return callback

    return make
