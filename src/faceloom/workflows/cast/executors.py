"""Executors: where the shards of a cast are made. Each makes all shards that are missing, and returns."""

from __future__ import annotations

import multiprocessing
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from functools import partial
from typing import Any

import torch

from faceloom.errors import StoreError
from faceloom.memory import keep_memory
from faceloom.sandbox import enter_sandbox
from faceloom.threads import use_threads
from faceloom.workflows.cast.draw import Check, never_interrupt
from faceloom.workflows.cast.job import Job, Shard, ShardMaker
from faceloom.workflows.studio import Studio

Report = Callable[[float, str], None]
Executor = Callable[[Studio, Job, Sequence[Shard], Report], None]
"""Function that makes the missing ones of some shards, and reports the part that is done, 0...1."""

CAST_THREADS = 1  # of torch: sums over several threads would depend on their number in the last bits
MAX_LOSSES = 5  # workers that may die one after the other without finishing a shard


def run_here(studio: Studio, job: Job, shards: Sequence[Shard], report: Report, check: Check = never_interrupt) -> None:
    """Make the shards in this process, one after the other, with one thread; `check` may interrupt each picture."""
    missing = [shard for shard in shards if not job.is_complete(shard)]
    if not missing:
        return
    maker = ShardMaker(studio, job, check)
    with use_threads(CAST_THREADS):
        for number, shard in enumerate(missing, start=len(shards) - len(missing)):
            report(number / len(shards), f"{number * len(shard.people)} people")
            maker.make(shard)


@dataclass(frozen=True)
class StudioRecipe:
    """The settings with which another process makes the same studio."""

    generator: str
    precision: str
    device: str

    @classmethod
    def of(cls, studio: Studio) -> StudioRecipe:
        """Return the recipe of a studio."""
        return cls(studio.generator_name, studio.precision, studio.device)

    def make(self) -> Studio:
        """Make the studio."""
        return Studio(self.generator, precision=self.precision, device=self.device)


def make_maker(recipe: StudioRecipe, job: Job) -> ShardMaker:
    """Make the maker of a worker, in the worker's process."""
    torch.set_num_threads(CAST_THREADS)
    keep_memory()
    return ShardMaker(recipe.make(), job)


def run_in_processes(workers: int) -> Executor:
    """Return the executor with several processes on this machine. The shards of a process that dies are made again."""
    return partial(_run_in_processes, workers)


_maker: list[ShardMaker] = []  # of this worker process


def _start_worker(recipe: StudioRecipe, job: Job) -> None:
    _maker.append(make_maker(recipe, job))
    enter_sandbox()


def _make(shard: Shard) -> int:
    return _maker[0].make(shard)


def _run_in_processes(workers: int, studio: Studio, job: Job, shards: Sequence[Shard], report: Report) -> None:
    missing = [shard for shard in shards if not job.is_complete(shard)]
    losses, done = 0, len(shards) - len(missing)
    while missing:
        context = multiprocessing.get_context("spawn")
        arguments: dict[str, Any] = {"initializer": _start_worker, "initargs": (StudioRecipe.of(studio), job)}
        before = len(missing)
        with ProcessPoolExecutor(min(workers, before), context, **arguments) as pool:
            try:
                for count in _finish_all({pool.submit(_make, shard) for shard in missing}):
                    report((done + count) / len(shards), f"{done + count} of {len(shards)} shards")
            except BrokenProcessPool as error:
                losses += 1
                if losses > MAX_LOSSES:
                    hint = "each worker needs about 1.5 GB of memory: use fewer --workers"
                    raise StoreError(f"{losses} workers died one after the other", hint) from error
            except BaseException:
                pool.shutdown(wait=False, cancel_futures=True)
                raise
        missing = [shard for shard in missing if not job.is_complete(shard)]
        losses = 0 if len(missing) < before else losses
        done = len(shards) - len(missing)


def _finish_all(futures: set[Future[int]]) -> Iterator[int]:
    """Wait for all futures; yield how many are done after each. Raises what the first failed one raised."""
    count = 0
    while futures:
        finished, futures = wait(futures, return_when=FIRST_COMPLETED)
        for future in finished:
            future.result()
            count += 1
        yield count
