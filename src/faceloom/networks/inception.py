"""Inception-v3 as the Frechet Inception distance uses it: 2,048 features of a picture. Does not open files.

The network of 5 December 2015 differs from the paper in three points, on which the distance depends: pictures are
resized as in TensorFlow 1, averages at a border count only pixels of the picture, and the last block takes a maximum
where the others average. Module names are those of the weights' files.
Source: Szegedy et al. 2015, "Rethinking the Inception Architecture for Computer Vision", figures 5-7 and table 1;
Heusel et al. 2017.
"""

from __future__ import annotations

from typing import Literal

import torch
import torch.nn.functional as F
from torch import Tensor, nn

INCEPTION_RESOLUTION = 299  # pixels; side of the network's input
DIM = 2048  # features of a picture
Pool = Literal["average", "maximum"]


class Conv(nn.Module):
    """Convolution, batch normalization, ReLU."""

    def __init__(
        self, i: int, o: int, kernel: int | tuple[int, int], stride: int = 1, padding: int | tuple[int, int] = 0
    ) -> None:
        super().__init__()
        self.conv = nn.Conv2d(i, o, kernel, stride, padding, bias=False)
        self.bn = nn.BatchNorm2d(o, eps=1e-3)

    def forward(self, x: Tensor) -> Tensor:
        return F.relu(self.bn(self.conv(x)), inplace=True)


class Branches(nn.Module):
    """Parallel chains of convolutions, named `branch..._1`, `_2`; a chain may end in a fork, `_a` and `_b`."""

    def __init__(self, chains: list[list[str]], pool: Pool | None = None, *, halving: bool = False) -> None:
        super().__init__()
        self.chains, self.pool, self.halving = chains, pool, halving

    def forward(self, x: Tensor) -> Tensor:
        outs = []
        for chain in self.chains:
            y = self._pool(x) if chain == ["branch_pool"] else x
            unforked = [name for name in chain if name[-1] not in "ab"]
            for name in unforked:
                y = self.get_submodule(name)(y)
            forks = [self.get_submodule(name) for name in chain if name[-1] in "ab"]
            outs += [fork(y) for fork in forks] or [y]
        if self.halving:
            outs.append(F.max_pool2d(x, 3, 2))
        return torch.cat(outs, 1)

    def _pool(self, x: Tensor) -> Tensor:
        if self.pool == "maximum":
            return F.max_pool2d(x, 3, 1, 1)
        return F.avg_pool2d(x, 3, 1, 1, count_include_pad=False)


def _block_35(i: int, pooled: int) -> Branches:
    """Return a block at 35 x 35 px: figure 5."""
    block = Branches(
        [
            ["branch1x1"],
            ["branch5x5_1", "branch5x5_2"],
            ["branch3x3dbl_1", "branch3x3dbl_2", "branch3x3dbl_3"],
            ["branch_pool"],
        ],
        "average",
    )
    block.branch1x1 = Conv(i, 64, 1)
    block.branch5x5_1, block.branch5x5_2 = Conv(i, 48, 1), Conv(48, 64, 5, padding=2)
    block.branch3x3dbl_1, block.branch3x3dbl_2 = Conv(i, 64, 1), Conv(64, 96, 3, padding=1)
    block.branch3x3dbl_3 = Conv(96, 96, 3, padding=1)
    block.branch_pool = Conv(i, pooled, 1)
    return block


def _reduce_to_17(i: int) -> Branches:
    """Return the block from 35 to 17 px: figure 10."""
    block = Branches([["branch3x3"], ["branch3x3dbl_1", "branch3x3dbl_2", "branch3x3dbl_3"]], halving=True)
    block.branch3x3 = Conv(i, 384, 3, 2)
    block.branch3x3dbl_1, block.branch3x3dbl_2 = Conv(i, 64, 1), Conv(64, 96, 3, padding=1)
    block.branch3x3dbl_3 = Conv(96, 96, 3, 2)
    return block


def _block_17(i: int, c: int) -> Branches:
    """Return a block at 17 x 17 px: figure 6, n = 7."""
    across: tuple[tuple[int, int], tuple[int, int]] = (1, 7), (0, 3)
    down: tuple[tuple[int, int], tuple[int, int]] = (7, 1), (3, 0)
    block = Branches(
        [
            ["branch1x1"],
            ["branch7x7_1", "branch7x7_2", "branch7x7_3"],
            [f"branch7x7dbl_{step}" for step in range(1, 6)],
            ["branch_pool"],
        ],
        "average",
    )
    block.branch1x1 = Conv(i, 192, 1)
    block.branch7x7_1 = Conv(i, c, 1)
    block.branch7x7_2 = Conv(c, c, across[0], padding=across[1])
    block.branch7x7_3 = Conv(c, 192, down[0], padding=down[1])
    block.branch7x7dbl_1 = Conv(i, c, 1)
    for step, (kernel, padding) in enumerate((down, across, down, across), start=2):
        setattr(block, f"branch7x7dbl_{step}", Conv(c, 192 if step == 5 else c, kernel, padding=padding))
    block.branch_pool = Conv(i, 192, 1)
    return block


def _reduce_to_8(i: int) -> Branches:
    """Return the block from 17 to 8 px."""
    block = Branches(
        [["branch3x3_1", "branch3x3_2"], [f"branch7x7x3_{step}" for step in range(1, 5)]],
        halving=True,
    )
    block.branch3x3_1, block.branch3x3_2 = Conv(i, 192, 1), Conv(192, 320, 3, 2)
    block.branch7x7x3_1 = Conv(i, 192, 1)
    block.branch7x7x3_2 = Conv(192, 192, (1, 7), padding=(0, 3))
    block.branch7x7x3_3 = Conv(192, 192, (7, 1), padding=(3, 0))
    block.branch7x7x3_4 = Conv(192, 192, 3, 2)
    return block


def _block_8(i: int, pool: Pool) -> Branches:
    """Return a block at 8 x 8 px: figure 7."""
    block = Branches(
        [
            ["branch1x1"],
            ["branch3x3_1", "branch3x3_2a", "branch3x3_2b"],
            ["branch3x3dbl_1", "branch3x3dbl_2", "branch3x3dbl_3a", "branch3x3dbl_3b"],
            ["branch_pool"],
        ],
        pool,
    )
    block.branch1x1 = Conv(i, 320, 1)
    block.branch3x3_1 = Conv(i, 384, 1)
    block.branch3x3dbl_1, block.branch3x3dbl_2 = Conv(i, 448, 1), Conv(448, 384, 3, padding=1)
    for name in ("branch3x3_2", "branch3x3dbl_3"):
        setattr(block, f"{name}a", Conv(384, 384, (1, 3), padding=(0, 1)))
        setattr(block, f"{name}b", Conv(384, 384, (3, 1), padding=(1, 0)))
    block.branch_pool = Conv(i, 192, 1)
    return block


class Inception(nn.Module):
    """The network up to the features before the classes.

    Convention: levels float32 `[n, 3, 299, 299]`, RGB, 0...255, from `resize_as_tensorflow1` -> `[n, 2048]`.
    """

    def __init__(self) -> None:
        super().__init__()
        self.Conv2d_1a_3x3 = Conv(3, 32, 3, 2)
        self.Conv2d_2a_3x3 = Conv(32, 32, 3)
        self.Conv2d_2b_3x3 = Conv(32, 64, 3, padding=1)
        self.Conv2d_3b_1x1 = Conv(64, 80, 1)
        self.Conv2d_4a_3x3 = Conv(80, 192, 3)
        self.Mixed_5b, self.Mixed_5c, self.Mixed_5d = _block_35(192, 32), _block_35(256, 64), _block_35(288, 64)
        self.Mixed_6a = _reduce_to_17(288)
        self.Mixed_6b, self.Mixed_6c = _block_17(768, 128), _block_17(768, 160)
        self.Mixed_6d, self.Mixed_6e = _block_17(768, 160), _block_17(768, 192)
        self.Mixed_7a = _reduce_to_8(768)
        self.Mixed_7b, self.Mixed_7c = _block_8(1280, "average"), _block_8(2048, "maximum")

    def forward(self, levels: Tensor) -> Tensor:
        x = (levels - 128) / 128
        x = self.Conv2d_2b_3x3(self.Conv2d_2a_3x3(self.Conv2d_1a_3x3(x)))
        x = self.Conv2d_4a_3x3(self.Conv2d_3b_1x1(F.max_pool2d(x, 3, 2)))
        x = F.max_pool2d(x, 3, 2)
        for name, block in self.named_children():
            x = block(x) if name.startswith("Mixed") else x
        return x.mean((2, 3))


def resize_as_tensorflow1(levels: Tensor, side: int = INCEPTION_RESOLUTION) -> Tensor:
    """Resize `[n, 3, h, w]` to a square as TensorFlow 1 does: bilinear, from each pixel's corner, no antialiasing."""
    for axis in (2, 3):
        length = levels.shape[axis]
        position = torch.arange(side, dtype=torch.float32, device=levels.device) * (length / side)
        low = position.floor().long().clamp(max=length - 1)
        high = (low + 1).clamp(max=length - 1)
        shape = [1, 1, -1, 1] if axis == 2 else [1, 1, 1, -1]
        weight = (position - low).view(shape)
        levels = levels.index_select(axis, low).lerp(levels.index_select(axis, high), weight)
    return levels
