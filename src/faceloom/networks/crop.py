"""Drawing of a square part of a picture, at a fraction of the cost of all of it. Does not open files."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from faceloom.latents import WPlus
from faceloom.networks.generator import Generator, NoiseMode
from faceloom.networks.mobilestylegan import MobileStyleGAN, StyledConv
from faceloom.networks.tuned import network_of, replace_weights

GRID = 64  # cells in a row; crops begin and end at their borders
MARGIN = 2  # cells around a crop that are drawn, too, because the borders of features change them


def synthesize_crop(
    G: Generator, w_plus: WPlus, corner: tuple[int, int], cells: int, noise_mode: NoiseMode = "const"
) -> Tensor:
    """Draw `cells` x `cells` of the 64 x 64 cells of a square picture, from the cell `corner` (row, column) on.

    In MobileStyleGAN the features from 64 px on are cut before they are convolved. Other generators draw the whole
    picture. Convention: the result is `img [n, c, side, side]` with `side = cells * img_resolution / 64`.
    """
    network = network_of(G)
    cell = G.img_resolution // GRID
    row, column = corner
    if not _can_cut(network):
        whole = G.synthesis(w_plus, noise_mode)
        return whole[:, :, row * cell : (row + cells) * cell, column * cell : (column + cells) * cell]
    top, left = max(row - MARGIN, 0), max(column - MARGIN, 0)
    bottom, right = min(row + cells + MARGIN, GRID), min(column + cells + MARGIN, GRID)
    cut = _cut_network(network, top, left, bottom, right)
    img: Tensor = cut.synthesis(w_plus.to(network.w_avg.device), noise_mode).to(w_plus.device)
    y, x = (row - top) * cell, (column - left) * cell
    return img[:, :, y : y + cells * cell, x : x + cells * cell]


def _can_cut(network: nn.Module) -> bool:
    return (
        isinstance(network, MobileStyleGAN)
        and not network.heads
        and network.config.base == (4, 4)
        and network.img_resolution > 4 * GRID
    )


def _cut_network(network: MobileStyleGAN, top: int, left: int, bottom: int, right: int) -> Any:
    """Return a network that shares all weights and draws only some of the cells from the features at 64 px on."""
    first = (GRID // network.config.base[0]).bit_length() - 1  # the block whose input has 64 px
    noises: dict[str, Tensor] = {}
    for index, block in enumerate(network.blocks):
        factor = (2 << index) * network.config.base[0] // GRID  # features' pixels a cell
        if index >= first:
            for name, module in block.named_modules():
                if isinstance(module, StyledConv):
                    noise = module.noise[..., top * factor : bottom * factor, left * factor : right * factor]
                    noises[f"blocks.{index}.{name}.noise"] = noise
    cut = replace_weights(network, noises)
    cut.blocks[first].register_forward_pre_hook(
        lambda module, inputs: (
            inputs[0][:, :, top:bottom, left:right].contiguous(memory_format=torch.channels_last),
            *inputs[1:],
        )
    )
    return cut
