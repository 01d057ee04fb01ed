"""Inversion of a film's frames: one person, and an offset per frame that is smooth over time.

Takes an inverter for a batch of frames and works on latents only: no generator, no faces. It minimizes

    sum over frames |image(w_t) - frame_t|  +  stiffness * sum |w_t - 2 w_(t+1) + w_(t+2)|^2

by splitting it: an inverter moves every frame towards its image, starting from the result of the neighboring frame;
then the second term is minimized exactly for all frames at once (`faceloom.smooth`), and the next inverter starts from
that.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from faceloom.images import to_img
from faceloom.images.tensors import Pixels
from faceloom.latents import WPlus
from faceloom.smooth import smooth


@runtime_checkable
class FrameInverter(Protocol):
    """A method that inverts a batch of frames: the encoder, gradient descent, or both."""

    def __call__(self, img: Tensor, start: WPlus, seconds: float) -> WPlus:
        """Return better latents for img `[n, 3, 256, 256]`, -1...1, from `start [n, num_ws, w_dim]`, in `seconds`."""
        ...


@dataclass(frozen=True)
class SequenceConfig:
    """Settings of the inversion of a film."""

    seconds: float = 60.0  # for all frames together
    batch: int = 2  # frames that are inverted at once, from the same neighbor: four take 3.2 GB
    stiffness: float = 2.0  # of the smoothing over time: changes with a period below seven frames are removed


def encode_frames(
    inverters: Sequence[FrameInverter],
    frames: Sequence[Pixels],
    runs: Sequence[range],
    person: Float[Tensor, "1 num_ws w_dim"],
    best_frame: int,
    *,
    config: SequenceConfig | None = None,
    callback: Callable[[float], None] | None = None,
) -> WPlus:
    """Return the latents of a film's aligned faces `[n, num_ws, w_dim]`, smooth within each run.

    The first inverter starts from the neighbor's latent, each further one from the smoothed result of the one before.
    Convention: frames are uint8 `[256, 256, 3]`; `runs` are ranges of their indices that follow each other in time and
    cover all of them; `person` is `[1, num_ws, w_dim]`, found in frame `best_frame`. `callback` gets the progress,
    0...1.
    """
    config = config or SequenceConfig()
    w_plus = person.repeat(len(frames), 1, 1)
    begin, done, total = time.perf_counter(), 0, len(inverters) * len(frames)
    for number, invert in enumerate(inverters):
        for batch, neighbor in (job for run in runs for job in split_outward(run, best_frame, config)):
            start = w_plus[list(batch)] if number else w_plus[[neighbor] * len(batch)]
            left = max(config.seconds - (time.perf_counter() - begin), 0.0)
            img = to_img([frames[i] for i in batch])
            w_plus[list(batch)] = invert(img, start, left * len(batch) / (total - done))
            done += len(batch)
            if callback:
                callback(done / total)
        w_plus = smooth_runs(w_plus, runs, config.stiffness)
    return w_plus


def split_outward(run: range, best_frame: int, config: SequenceConfig) -> Iterator[tuple[range, int]]:
    """Yield the batches of a run from the best frame (or the first) outwards, each with the neighbor it starts from."""
    middle = best_frame if best_frame in run else run.start
    for begin in range(middle, run.stop, config.batch):
        yield range(begin, min(begin + config.batch, run.stop)), max(begin - 1, middle)
    for end in range(middle, run.start, -config.batch):
        yield range(max(end - config.batch, run.start), end), end


def smooth_runs(w_plus: WPlus, runs: Sequence[range], stiffness: float) -> WPlus:
    """Smooth the latents of each run over time."""
    result = w_plus.clone()
    for run in runs:
        part = slice(run.start, run.stop)
        values = smooth(w_plus[part].flatten(1).double().cpu().numpy(), stiffness)
        result[part] = torch.from_numpy(values.astype(np.float32)).view_as(w_plus[part])
    return result
