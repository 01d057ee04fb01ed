"""Encodes the frames of a film: one person, and a small offset a frame that is smooth in time.

Knows latents and a search that is given; no generator, no faces. What is wanted is

    sum over frames |picture(w_t) - frame_t|  +  stiffness * sum |w_t - 2 w_(t+1) + w_(t+2)|^2

and it is split: a search pulls every frame to its picture, from where the neighbour ended; then the second term is
minimised exactly, for all frames at once (`faceloom.smooth`), and the next search goes on from there.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import torch
from torch import Tensor

from faceloom.images import to_img
from faceloom.images.tensors import Pixels
from faceloom.latents import WPlus
from faceloom.smooth import smooth


class Search(Protocol):
    """Any search: the encoder's, gradient descent, or both."""

    def __call__(self, img: Tensor, start: WPlus, seconds: float) -> WPlus:
        """Pictures `[n, 3, 256, 256]`, -1...1, and where to begin `[n, num_ws, w_dim]` -> better latents, in time."""
        ...


@dataclass(frozen=True)
class SequenceConfig:
    """How to encode a film."""

    seconds: float = 60.0  # for all frames together
    batch: int = 2  # frames that are searched at once, from the same neighbour: four take 3.2 GB
    stiffness: float = 2.0  # of the smoothing over time: changes within a period of seven frames are taken out


def encode_frames(
    searches: Sequence[Search],
    frames: Sequence[Pixels],
    runs: Sequence[range],
    person: WPlus,
    best: int,
    *,
    config: SequenceConfig | None = None,
    callback: Callable[[float], None] | None = None,
) -> WPlus:
    """Find the latents of a film's aligned faces `[n, num_ws, w_dim]`, smooth within each run.

    The first search starts from the neighbour's latent, each further one from the smoothed result of the one before.
    Convention: frames are uint8 `[256, 256, 3]`; `runs` are ranges of their indices that follow each other in time and
    cover all of them; `person` is `[1, num_ws, w_dim]`, found in frame `best`. `callback` gets the progress, 0...1.
    """
    config = config or SequenceConfig()
    codes = person.repeat(len(frames), 1, 1)
    begin, done, total = time.perf_counter(), 0, len(searches) * len(frames)
    for number, search in enumerate(searches):
        for part, neighbour in (job for run in runs for job in outward(run, best, config)):
            start = codes[list(part)] if number else codes[[neighbour] * len(part)]
            left = max(config.seconds - (time.perf_counter() - begin), 0.0)
            codes[list(part)] = search(to_img([frames[i] for i in part]), start, left * len(part) / (total - done))
            done += len(part)
            if callback:
                callback(done / total)
        codes = smoothed(codes, runs, config.stiffness)
    return codes


def outward(run: range, best: int, config: SequenceConfig) -> Iterator[tuple[range, int]]:
    """Cut a run into batches, from the best frame (or the first) outwards, each with the neighbour it starts from."""
    middle = best if best in run else run.start
    for begin in range(middle, run.stop, config.batch):
        yield range(begin, min(begin + config.batch, run.stop)), max(begin - 1, middle)
    for end in range(middle, run.start, -config.batch):
        yield range(max(end - config.batch, run.start), end), end


def smoothed(codes: WPlus, runs: Sequence[range], stiffness: float) -> WPlus:
    """Smooth each run over time."""
    result = codes.clone()
    for run in runs:
        part = slice(run.start, run.stop)
        values = smooth(codes[part].flatten(1).double().cpu().numpy(), stiffness)
        result[part] = torch.from_numpy(values.astype(np.float32)).view_as(codes[part])
    return result
