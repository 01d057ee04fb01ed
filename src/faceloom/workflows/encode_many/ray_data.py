"""The executor on Ray Data: `map_batches` over the photos with a pool of actors, one generator for each actor.

Ray replaces an actor that dies, and gives its photos to another one. Those that it had finished are not encoded again.
"""

from __future__ import annotations

import importlib
from collections.abc import Iterator, Sequence
from functools import partial
from typing import Any

from faceloom.errors import FaceloomError
from faceloom.workflows.cast.executors import StudioRecipe
from faceloom.workflows.cast.ray_executor import load_ray
from faceloom.workflows.encode_many.encoder import make_encoder
from faceloom.workflows.encode_many.executors import Executor, Within
from faceloom.workflows.encode_many.job import EncodeJob, Outcome, PhotoTask
from faceloom.workflows.studio import Studio

MAX_BATCH = 16  # photos that an actor is given at once
MAX_RETRIES = 4  # of a batch whose actors die


def encode_on_ray(workers: int | None = None) -> Executor:
    """Return the executor with `workers` Ray actors, or one for each core of the cluster.

    It joins the cluster that RAY_ADDRESS names, or starts Ray on this machine. Raises MissingExtra without Ray.
    """
    load_ray()
    return partial(_encode_on_ray, workers)


class PhotoActor:
    """An actor with one generator."""

    def __init__(self, recipe: StudioRecipe, job: EncodeJob) -> None:
        self.encoder = make_encoder(recipe, job)

    def __call__(self, batch: dict[str, Any]) -> dict[str, Any]:
        """Encode a batch of photos; return the outcomes as lines of JSON."""
        rows = zip(batch["source"], batch["name"], batch["target"], strict=True)
        tasks = [PhotoTask(int(source), str(name), str(target)) for source, name, target in rows]
        return {"outcome": [self.encoder.encode(task).to_json() for task in tasks]}


def _encode_on_ray(
    workers: int | None, studio: Studio, job: EncodeJob, tasks: Sequence[PhotoTask], within: Within
) -> Iterator[Outcome]:
    ray, data = load_ray(), importlib.import_module("ray.data")
    if not ray.is_initialized():
        ray.init(num_cpus=workers, include_dashboard=False, log_to_driver=False, logging_level="ERROR")
    context = data.DataContext.get_current()
    context.enable_progress_bars = False
    count = max(1, min(workers or int(ray.cluster_resources().get("CPU", 1)), len(tasks)))
    batch = max(1, min(MAX_BATCH, len(tasks) // (4 * count)))
    rows = [{"source": task.source, "name": task.name, "target": task.target} for task in tasks]
    outcomes = data.from_items(rows, override_num_blocks=-(-len(rows) // batch)).map_batches(
        PhotoActor,
        fn_constructor_args=(StudioRecipe.of(studio), job),
        batch_size=batch,
        compute=data.ActorPoolStrategy(size=count),
        num_cpus=1,
        max_restarts=-1,
        max_task_retries=MAX_RETRIES,
    )
    yield from _read(ray, outcomes)


def _read(ray: Any, outcomes: Any) -> Iterator[Outcome]:
    """Yield the outcomes as they come. Raises what the actor raised."""
    try:
        for row in outcomes.iter_rows():
            yield Outcome.from_json(row["outcome"])
    except ray.exceptions.RayTaskError as error:
        raise error.cause if isinstance(error.cause, FaceloomError) else error from None
