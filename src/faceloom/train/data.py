"""The real images of a training run: cached in memory where they fit, in an order that depends on the seed alone."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from functools import lru_cache
from typing import Any, Protocol, runtime_checkable

import numpy as np
import torch
from jaxtyping import Float
from numpy.typing import NDArray
from torch import Tensor

from faceloom.errors import FaceloomError, TrainingError
from faceloom.images.channels import Levels
from faceloom.label_columns import Columns, scales_of

CACHE_BYTES = 2 << 30
"""Maximum size of the decoded images that are cached in memory, in bytes."""
MAX_LABEL = 1e6  # largest absolute value of a number in a label
DECODE_THREADS = 2
DECODE_CHUNK = 256  # images submitted to the decoding threads at once, which bounds the memory


@runtime_checkable
class ImageDataset(Protocol):
    """A dataset that training reads, such as `faceloom.datasets.Dataset`."""

    @property
    def resolution(self) -> tuple[int, int]:
        """The (width, height) of every image in pixels."""
        ...

    def __len__(self) -> int:
        """Return the number of images."""
        ...

    def __getitem__(self, index: int) -> tuple[Levels, Any]:
        """Return an image, levels `[h, w, c]`, and its label. Raises FaceloomError when it cannot be read."""
        ...

    def label(self, index: int) -> Float[np.ndarray, " c_dim"]:
        """Return the label of an image without decoding the image."""
        ...


@runtime_checkable
class TrainingImages(Protocol):
    """The real images that the discriminator sees: images of one size, by index, with labels."""

    labels: Tensor  # float32 [n, c_dim]
    label_columns: Columns  # the parts of a label, where they have names

    def __len__(self) -> int:
        """Return the number of images."""
        ...

    def load(self, indices: Sequence[int], upcoming: Sequence[int] = ()) -> Tensor:
        """Return images, levels `[k, h, w, c]`; `upcoming` are the indices that the next call will ask for.

        Convention: uint8, or int32 for levels of 16 bits; alpha is straight.
        """
        ...


class CachedImages:
    """Images that are all in memory as levels."""

    def __init__(self, levels: Tensor, labels: Tensor, label_columns: Columns = ()) -> None:
        self.levels, self.labels, self.label_columns = levels, labels, label_columns

    def __len__(self) -> int:
        return len(self.levels)

    def load(self, indices: Sequence[int], upcoming: Sequence[int] = ()) -> Tensor:
        """Return the images at the indices, levels `[k, h, w, c]`."""
        return self.levels[torch.as_tensor(indices, device=self.levels.device)]


class StreamedImages:
    """Images that background threads decode shortly before they are needed."""

    def __init__(self, dataset: ImageDataset, labels: Tensor, label_columns: Columns = ()) -> None:
        self.dataset, self.labels, self.label_columns = dataset, labels, label_columns
        self.pool = ThreadPoolExecutor(DECODE_THREADS)
        self.pending: dict[int, Future[Levels]] = {}

    def __len__(self) -> int:
        return len(self.dataset)

    def load(self, indices: Sequence[int], upcoming: Sequence[int] = ()) -> Tensor:
        """Wait for the images at the indices, levels `[k, h, w, c]`, and start to decode the upcoming ones."""
        for index in (*indices, *upcoming):
            if index not in self.pending:
                self.pending[index] = self.pool.submit(_decode, self.dataset, index)
        rows = [self.pending[index].result() for index in indices]
        self.pending = {index: self.pending[index] for index in upcoming}
        return torch.from_numpy(np.stack([_widen(levels) for levels in rows]))


def open_training_images(
    dataset: ImageDataset,
    *,
    with_labels: bool = False,
    label_columns: Columns = (),
    cache_bytes: int = CACHE_BYTES,
    callback: Callable[[int], None] | None = None,
) -> TrainingImages:
    """Open the images of a dataset for training: cached when they fit into `cache_bytes`, streamed otherwise.

    `label_columns` standardize the numbers of labels. `callback` receives the number of images decoded so far. Raises
    TrainingError that names an unreadable image or a label that is not finite.
    """
    count, (width, height) = len(dataset), dataset.resolution
    labels = _read_labels(dataset, label_columns) if with_labels else torch.zeros(count, 0)
    first = torch.from_numpy(_widen(_decode(dataset, 0)))
    if count * first.nbytes > cache_bytes:
        return StreamedImages(dataset, labels, label_columns)
    levels = first.new_empty(count, height, width, first.shape[2])
    with ThreadPoolExecutor(DECODE_THREADS) as pool:
        for i, pixels in enumerate(_decode_all(pool, dataset, count)):
            levels[i] = torch.from_numpy(_widen(pixels))
            if callback:
                callback(i + 1)
    return CachedImages(levels, labels, label_columns)


def _widen(levels: Levels) -> NDArray[np.uint8] | NDArray[np.int32]:
    """Return levels of 16 bits as int32, because torch has few operations for uint16."""
    return levels.astype(np.int32) if levels.dtype == np.uint16 else levels


def _read_labels(dataset: ImageDataset, label_columns: Columns = ()) -> Tensor:
    """Return all labels, float32 `[n, c_dim]`. Raises TrainingError for a label that is not finite or too large."""
    labels = np.stack([np.atleast_1d(np.asarray(dataset.label(i), np.float64)) for i in range(len(dataset))])
    wrong = np.flatnonzero(~(np.abs(labels) <= MAX_LABEL).all(1))  # also NaN
    if len(wrong):
        raise TrainingError(
            f"the label of picture {wrong[0]} is {labels[wrong[0]].tolist()}",
            f"labels are classes from 0 on, or numbers from {-MAX_LABEL:g} to {MAX_LABEL:g}",
        )
    if label_columns:
        means, stds = scales_of(label_columns)
        labels = (labels - np.array(means)) / np.array(stds)
    return torch.from_numpy(labels.astype(np.float32))


def _decode_all(pool: ThreadPoolExecutor, dataset: ImageDataset, count: int) -> Iterator[Levels]:
    for start in range(0, count, DECODE_CHUNK):
        yield from pool.map(lambda i: _decode(dataset, i), range(start, min(start + DECODE_CHUNK, count)))


def _decode(dataset: ImageDataset, index: int) -> Levels:
    try:
        return dataset[index][0]
    except FaceloomError as error:
        raise TrainingError(
            f"picture {index} of the dataset cannot be read: {error.message}", "run: faceloom dataset check"
        ) from error


@lru_cache(maxsize=4)
def _shuffle(count: int, seed: int, epoch: int) -> NDArray[np.int64]:
    return np.random.default_rng((seed, epoch)).permutation(count)


def shuffled_indices(count: int, seed: int, start: int, length: int) -> list[int]:
    """Return the dataset indices of the images shown as number `start`, `start + 1` ... of the whole run.

    Every epoch shows each of the `count` images once, in another order.
    """
    shown = range(start, start + length)
    return [int(_shuffle(count, seed, number // count)[number % count]) for number in shown]


def derive_seed(seed: int, *place: int) -> int:
    """Derive a 32-bit seed for a place in the run (phase, image number ...), independent of all other places."""
    return int(np.random.SeedSequence((seed, *place)).generate_state(1)[0])
