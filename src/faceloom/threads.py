"""Choice of the number of torch threads on a CPU, by a measurement at the start of long work.

Two OpenMP threads wait for each other after every operation. When another program keeps one core busy, each wait lasts
as long as that program's time slice, and two threads become slower than one. Programs therefore let waiting threads
sleep (`OMP_WAIT_POLICY=PASSIVE`, set before torch is loaded) and choose the number of threads with `choose_threads`.
torch ships GNU's OpenMP on Linux, which reads OMP_WAIT_POLICY and GOMP_SPINCOUNT, and ignores KMP_BLOCKTIME.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import torch
import torch.nn.functional as F

MEASURE_SECONDS = 0.6
"""Duration of the measurement, over all candidates, in seconds."""
MIN_ROUNDS = 2  # runs of each candidate, however long they last
MIN_SPEEDUP = 1.1  # factor by which more threads must be faster; otherwise fewer are chosen
MAX_WORK_SECONDS = 0.5  # longest work that is measured; instead of longer work, the convolution below is
WORK_SHAPE = (4, 64, 32, 32)  # images, channels, height and width of the features of the measured convolution

Work = Callable[[], object]


@dataclass(frozen=True)
class ThreadChoice:
    """The chosen number of threads, and the reason for it."""

    threads: int
    reason: str


@contextmanager
def use_threads(count: int) -> Iterator[None]:
    """Compute with `count` torch threads in this thread of Python, and restore their number afterwards."""
    before = torch.get_num_threads()
    torch.set_num_threads(count)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def choose_threads(
    work: Work | None = None, *, requested: int | None = None, reason: str = "requested"
) -> ThreadChoice:
    """Choose the number of torch threads that is fastest now, and set it for this process.

    `requested` threads are used without a measurement, for the stated `reason`, as is the number in the environment
    variable OMP_NUM_THREADS. `work` is the work that is measured, by default a convolution with its gradients; work of
    more than MAX_WORK_SECONDS is replaced by the default.
    """
    if requested:
        return _set_threads(requested, reason)
    available = torch.get_num_threads()
    if "OMP_NUM_THREADS" in os.environ or available == 1:
        return _set_threads(available, "set by OMP_NUM_THREADS" if "OMP_NUM_THREADS" in os.environ else "one core")
    if work is None or _seconds_of(work) > MAX_WORK_SECONDS:
        work = _small_training_step
    candidates = sorted({1, max(1, available // 2), available})
    speeds = measure_speeds(candidates, work)
    chosen = fastest(dict(zip(candidates, speeds, strict=True)))
    figures = ", ".join(f"{n}: {speed:.0f}" for n, speed in zip(candidates, speeds, strict=True))
    return _set_threads(chosen, f"measured rounds per second by threads: {figures}")


def fastest(speeds: dict[int, float]) -> int:
    """Return the number of threads to use, given a speed for each number: more threads must be worth it."""
    chosen = min(speeds)
    for threads in sorted(speeds):
        if speeds[threads] > MIN_SPEEDUP * speeds[chosen]:
            chosen = threads
    return chosen


def measure_speeds(candidates: Sequence[int], work: Work, seconds: float = MEASURE_SECONDS) -> list[float]:
    """Measure how often `work` runs in a second with each number of threads, in turns.

    Each number gets the same share of `seconds`, and at least MIN_ROUNDS runs. The caller's number of threads is
    restored.
    """
    elapsed, rounds = [0.0] * len(candidates), [0] * len(candidates)
    while sum(elapsed) < seconds or min(rounds) < MIN_ROUNDS:
        i = min(range(len(candidates)), key=lambda k: (rounds[k] >= MIN_ROUNDS, elapsed[k]))
        with use_threads(candidates[i]):
            if not rounds[i]:
                work()  # the first run starts the threads
            start = time.perf_counter()
            work()
            elapsed[i] += time.perf_counter() - start
        rounds[i] += 1
    return [count / max(duration, 1e-9) for count, duration in zip(rounds, elapsed, strict=True)]


def _seconds_of(work: Work) -> float:
    """Return how long the second run of `work` takes with one thread; the first run allocates memory."""
    with use_threads(1):
        work()
        start = time.perf_counter()
        work()
        return time.perf_counter() - start


def _set_threads(threads: int, reason: str) -> ThreadChoice:
    torch.set_num_threads(threads)
    return ThreadChoice(threads, reason)


@torch.enable_grad()
def _small_training_step() -> None:
    """Compute four convolutions with their gradients: many short operations, as in a training step."""
    x = torch.zeros(WORK_SHAPE)
    weight = torch.zeros(WORK_SHAPE[1], WORK_SHAPE[1], 3, 3, requires_grad=True)
    for _ in range(4):
        x = F.leaky_relu(F.conv2d(x, weight, padding=1), 0.2)
    x.square().sum().backward()
