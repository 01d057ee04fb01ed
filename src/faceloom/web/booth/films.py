"""Jobs that make the films of a visit: morphs, reveals and boomerangs."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from pathlib import Path

from faceloom.errors import FaceloomError
from faceloom.store import ErasePending, Visit
from faceloom.store.models import Failure, Recipe
from faceloom.web.booth.booth import Booth
from faceloom.web.booth.job_views import FilmView, JobKind
from faceloom.web.booth.jobs import Job
from faceloom.web.booth.sharing import share
from faceloom.web.security import RequestRefused
from faceloom.web.worker.messages import FilmProgress, Priority, Task

MAX_FILMS = 2  # films of a visit that are made at once
FILM_SIZE = 512  # pixels of a film's side


def check_film_limit(booth: Booth, visit: Visit) -> None:
    """Raise RequestRefused (429) while MAX_FILMS jobs of a visit run."""
    if sum(job.visit == visit.id and job.state == "running" for job in booth.jobs.values()) >= MAX_FILMS:
        raise RequestRefused(
            429, "too_many_films", f"at most {MAX_FILMS} films are made at once", "wait for one", retry_after=10
        )


def start_film_job(booth: Booth, visit: Visit, kind: JobKind, make_task: Callable[[str], Task[str]]) -> Job:
    """Start a job that makes a film; `make_task` returns the worker's task for the path of the file."""
    job = booth.add_job(visit, kind)
    name, path = booth.store.reserve_download("")
    job.file = path.name  # so that the file is erased with the visit at any moment
    booth.tasks.spawn(visit.id, _make_film(booth, visit, job, make_task(str(path)), name, path), job.id)
    return job


async def _make_film(booth: Booth, visit: Visit, job: Job, task: Task[str], name: str, path: Path) -> None:
    """Run the job: write the film, and add it to the downloads of the visit."""

    def report(progress: FilmProgress) -> None:
        job.progress = round(progress.progress, 3)
        booth.publish_job(job)

    try:
        file = path.with_name(await booth.worker.run(task, priority=Priority.FILM, visit=visit.id, progress=report))
        if visit.id in booth.visits:
            seconds = booth.policy.download_retention
            download = booth.store.add_download(name, visit.id, file, seconds, Recipe(form="film"))
            booth.statistics.add("films")
            share(booth, download)
            job.finish(FilmView(take=download.id))
    except FaceloomError as error:
        job.fail(Failure.from_error(error))
    finally:
        if job.state != "done":
            with contextlib.suppress(ErasePending):  # the store tries again
                booth.store.erase_reserved_downloads([name])
    booth.publish_job(job)
