"""Executors: where the photos of a job are encoded. Each yields what became of every photo, in any order."""

from __future__ import annotations

import multiprocessing
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from functools import partial
from typing import Any

from faceloom.errors import StoreError
from faceloom.workflows.cast.executors import MAX_LOSSES, StudioRecipe
from faceloom.workflows.encode_many.encoder import PhotoEncoder, make_encoder
from faceloom.workflows.encode_many.job import EncodeJob, Outcome, PhotoTask
from faceloom.workflows.studio import Studio

Within = Callable[[float], None]
"""Function that receives the part of the photo at hand that is done, 0...1, where an executor knows it."""

Executor = Callable[[Studio, EncodeJob, Sequence[PhotoTask], Within], Iterator[Outcome]]
"""Function that encodes photos."""

LOST = "worker_lost"  # code of a photo with which a worker died twice
MEMORY_HINT = "each worker needs about 1.5 GB of memory: use fewer workers"


def encode_here(studio: Studio, job: EncodeJob, tasks: Sequence[PhotoTask], within: Within) -> Iterator[Outcome]:
    """Encode the photos in this process, one after the other."""
    encoder = PhotoEncoder(studio, job)
    for task in tasks:
        yield encoder.encode(task, lambda step: within(step["progress"]))


def encode_in_processes(workers: int) -> Executor:
    """Return the executor with several processes on this machine, each with one thread.

    The photos of a process that dies are encoded again, each in a process of its own. One with which that process dies,
    too, is reported, and the job goes on.
    """
    return partial(_encode_in_processes, workers)


def _encode_in_processes(
    workers: int, studio: Studio, job: EncodeJob, tasks: Sequence[PhotoTask], within: Within
) -> Iterator[Outcome]:
    start = partial(_Pool, partial(make_encoder, StudioRecipe.of(studio), job))
    waiting, losses = deque(tasks), 0
    while waiting:
        suspects: list[PhotoTask] = []
        yield from start(min(workers, len(waiting))).encode(waiting, suspects)
        for task in suspects:
            again: list[PhotoTask] = []
            for outcome in start(1).encode(deque([task]), again):
                losses = 0
                yield outcome
            if again:
                losses += 1
                if losses > MAX_LOSSES:
                    raise StoreError(f"{losses} workers died one after the other", MEMORY_HINT)
                yield Outcome(job.address(task), code=LOST, error="the worker died twice with it", hint=MEMORY_HINT)


class _Pool:
    """Processes with an encoder each."""

    def __init__(self, make: Callable[[], PhotoEncoder], workers: int) -> None:
        arguments: dict[str, Any] = {"initializer": _start_worker, "initargs": (make,)}
        self.pool = ProcessPoolExecutor(workers, multiprocessing.get_context("spawn"), **arguments)
        self.workers = workers

    def encode(self, waiting: deque[PhotoTask], suspects: list[PhotoTask]) -> Iterator[Outcome]:
        """Take photos from `waiting` and encode them until none is left or a process dies.

        The photos that were at hand when it died are added to `suspects`.
        """
        running: dict[Future[Outcome], PhotoTask] = {}
        try:
            while waiting or running:
                while waiting and len(running) < self.workers:
                    running[self.pool.submit(_encode, waiting[0])] = waiting[0]
                    waiting.popleft()
                for future in wait(running, return_when=FIRST_COMPLETED).done:
                    outcome = future.result()
                    del running[future]
                    yield outcome
        except BrokenProcessPool:
            suspects += running.values()
        finally:
            self.pool.shutdown(wait=False, cancel_futures=True)


_encoder: list[PhotoEncoder] = []  # of this worker process


def _start_worker(make: Callable[[], PhotoEncoder]) -> None:
    _encoder.append(make())


def _encode(task: PhotoTask) -> Outcome:
    return _encoder[0].encode(task)
