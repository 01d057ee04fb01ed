"""The real images: decoded once and kept as bytes where they fit, in an order that is a function of the seed."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from functools import lru_cache
from typing import Any, Protocol

import numpy as np
import torch
from torch import Tensor

from faceloom.errors import FaceloomError, TrainingError

FITS = 2 << 30
"""Bytes of decoded pictures that are kept in memory."""
WORKERS = 2


class Pictures(Protocol):
    """What is shown to the discriminator: pictures of one size, by number, with labels."""

    labels: Tensor  # float32 [n, c_dim]

    def __len__(self) -> int:
        """How many there are."""
        ...

    def take(self, numbers: Sequence[int], then: Sequence[int] = ()) -> Tensor:
        """Give pictures, uint8 `[k, h, w, 3]`; `then` are those that will be asked for next."""
        ...


class Kept:
    """Pictures in memory, as bytes."""

    def __init__(self, levels: Tensor, labels: Tensor) -> None:
        self.levels, self.labels = levels, labels

    def __len__(self) -> int:
        return len(self.levels)

    def take(self, numbers: Sequence[int], then: Sequence[int] = ()) -> Tensor:
        """Copy the rows."""
        return self.levels[torch.as_tensor(numbers, device=self.levels.device)]


class Streamed:
    """Pictures that are decoded when they are needed, by threads that work ahead."""

    def __init__(self, dataset: Any, labels: Tensor) -> None:
        self.dataset, self.labels = dataset, labels
        self.pool = ThreadPoolExecutor(WORKERS)
        self.ahead: dict[int, Future[np.ndarray[Any, Any]]] = {}

    def __len__(self) -> int:
        return len(self.dataset)

    def take(self, numbers: Sequence[int], then: Sequence[int] = ()) -> Tensor:
        """Wait for the pictures, and set out for the next."""
        for number in (*numbers, *then):
            if number not in self.ahead:
                self.ahead[number] = self.pool.submit(_decoded, self.dataset, number)
        rows = [self.ahead[number].result() for number in numbers]
        self.ahead = {number: self.ahead[number] for number in then}
        return torch.from_numpy(np.stack(rows))


def open_pictures(
    dataset: Any, *, with_labels: bool = False, fits: int = FITS, callback: Callable[[int], None] | None = None
) -> Pictures:
    """Get a dataset (`len(d)`, `d[i] -> pixels, label`, `d.resolution`) ready for training.

    Raises TrainingError naming a picture that cannot be read.
    """
    count, (width, height) = len(dataset), dataset.resolution
    labels = torch.zeros(count, 0)
    if with_labels:
        labels = torch.from_numpy(np.stack([dataset.label(i) for i in range(count)]))
    if count * width * height * 3 > fits:
        return Streamed(dataset, labels)
    levels = torch.empty(count, height, width, 3, dtype=torch.uint8)
    with ThreadPoolExecutor(WORKERS) as pool:
        for i, pixels in enumerate(_in_order(pool, dataset, count)):
            levels[i] = torch.from_numpy(pixels)
            if callback:
                callback(i + 1)
    return Kept(levels, labels)


def _in_order(pool: ThreadPoolExecutor, dataset: Any, count: int) -> Iterator[np.ndarray[Any, Any]]:
    for first in range(0, count, 256):  # a bounded number waits
        yield from pool.map(lambda i: _decoded(dataset, i), range(first, min(first + 256, count)))


def _decoded(dataset: Any, number: int) -> np.ndarray[Any, Any]:
    try:
        pixels: np.ndarray[Any, Any] = dataset[number][0]
    except FaceloomError as error:
        raise TrainingError(
            f"picture {number} cannot be read: {error.message}", "run: faceloom dataset check"
        ) from error
    return pixels


@lru_cache(maxsize=4)
def _shuffled(count: int, seed: int, epoch: int) -> np.ndarray[Any, np.dtype[np.int64]]:
    return np.random.default_rng((seed, epoch)).permutation(count)


def order(count: int, seed: int, first: int, many: int) -> list[int]:
    """Which picture is shown as number `first`, `first + 1` ... of the whole run: all of them once, then anew."""
    shown = range(first, first + many)
    return [int(_shuffled(count, seed, number // count)[number % count]) for number in shown]


def seed_of(seed: int, *place: int) -> int:
    """A seed of 32 bits for a place in the run (phase, image number ...), far from all others."""
    return int(np.random.SeedSequence((seed, *place)).generate_state(1)[0])
