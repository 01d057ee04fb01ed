"""The executor on Ray: one actor with one generator for each worker, on this machine or in a cluster.

All machines of a cluster see the folder of the cast under the same path. An actor that dies is replaced, and its shard
is made again by another one.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from typing import Any

from faceloom.errors import FaceloomError, MissingExtra, StoreError
from faceloom.workflows.cast.executors import MAX_LOSSES, Executor, Report, StudioRecipe, make_maker
from faceloom.workflows.cast.job import Job, Shard
from faceloom.workflows.studio import Studio


def run_on_ray(workers: int | None = None) -> Executor:
    """Return the executor with Ray actors: `workers` of them, or one for each core of the cluster.

    It joins the cluster that RAY_ADDRESS names, or starts Ray on this machine. Raises MissingExtra without Ray.
    """
    load_ray()
    return partial(_run_on_ray, workers)


def load_ray() -> Any:
    """Import Ray. Raises MissingExtra when it is not installed."""
    try:
        import ray
    except ImportError as error:
        raise MissingExtra("Ray", "scale") from error
    return ray


class ShardActor:
    """An actor with one generator."""

    def __init__(self, recipe: StudioRecipe, job: Job) -> None:
        self.maker = make_maker(recipe, job)

    def make(self, shard: Shard) -> int:
        """Make a shard; return the number of its people."""
        return self.maker.make(shard)


def _run_on_ray(workers: int | None, studio: Studio, job: Job, shards: Sequence[Shard], report: Report) -> None:
    missing = [shard for shard in shards if not job.is_complete(shard)]
    if not missing:
        return
    ray = load_ray()
    if not ray.is_initialized():
        ray.init(num_cpus=workers, include_dashboard=False, log_to_driver=False, logging_level="ERROR")
    count = min(workers or int(ray.cluster_resources().get("CPU", 1)), len(missing))
    crew = _Crew(ray, StudioRecipe.of(studio), replace(job, folder=job.folder.absolute()), count)
    try:
        done = len(shards) - len(missing)
        for finished in crew.make_all(missing):
            report((done + finished) / len(shards), f"{done + finished} of {len(shards)} shards")
    finally:
        crew.dismiss()


class _Crew:
    """Actors that make shards, each one at a time."""

    def __init__(self, ray: Any, recipe: StudioRecipe, job: Job, count: int) -> None:
        self.ray, self.recipe, self.job = ray, recipe, job
        self.actor = ray.remote(num_cpus=1)(ShardActor)
        self.idle = [self._hire() for _ in range(count)]
        self.busy: dict[Any, tuple[Any, Shard]] = {}
        self.losses = 0

    def _hire(self) -> Any:
        return self.actor.remote(self.recipe, self.job)

    def make_all(self, shards: Sequence[Shard]) -> Any:
        """Make all shards; yield how many are done, after each."""
        waiting, done = list(reversed(shards)), 0
        while waiting or self.busy:
            while waiting and self.idle:
                actor, shard = self.idle.pop(), waiting.pop()
                self.busy[actor.make.remote(shard)] = (actor, shard)
            ready, _ = self.ray.wait(list(self.busy), num_returns=1)
            actor, shard = self.busy.pop(ready[0])
            try:
                self.ray.get(ready[0])
            except self.ray.exceptions.RayActorError as error:
                self._count_loss(error)
                waiting.append(shard)
                self.idle.append(self._hire())
                continue
            except self.ray.exceptions.RayTaskError as error:
                raise error.cause if isinstance(error.cause, FaceloomError) else error from None
            self.losses, done = 0, done + 1
            self.idle.append(actor)
            yield done

    def _count_loss(self, error: Exception) -> None:
        self.losses += 1
        if self.losses > MAX_LOSSES:
            hint = "see the log of Ray; each worker needs about 1.5 GB of memory"
            raise StoreError(f"{self.losses} workers were lost one after the other", hint) from error

    def dismiss(self) -> None:
        """End all actors."""
        for actor in [*self.idle, *(actor for actor, _ in self.busy.values())]:
            self.ray.kill(actor)
