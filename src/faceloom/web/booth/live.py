"""The live mirror and the short films of a visit: each frame of the camera is answered with a picture of a person."""

from __future__ import annotations

import contextlib
from pathlib import Path

from faceloom.errors import FaceloomError
from faceloom.store import ErasePending, Visit
from faceloom.store.models import Failure, Recipe
from faceloom.web.booth.background import shown_ref
from faceloom.web.booth.booth import Booth
from faceloom.web.booth.friends import FILM_SIZE, MAX_FILMS
from faceloom.web.booth.jobs import Job
from faceloom.web.booth.printing import visible_label
from faceloom.web.booth.sharing import share
from faceloom.web.booth.views import FilmView
from faceloom.web.booth.visit_flow import find_playable, require_consent
from faceloom.web.security import RequestRefused
from faceloom.web.worker.messages import DrawLive, FilmProgress, LivePicture, Look, MakeShow, Priority, ShowKind


async def draw_live(
    booth: Booth,
    visit: Visit,
    person_id: str,
    frame: bytes,
    *,
    years: float,
    friend_id: str,
    mix: float,
    size: int,
    sequence: int,
) -> LivePicture:
    """Draw a person with the pose and the expression of a frame, which is not stored.

    A frame that a newer one of the visit replaced raises WorkerError ('stale').
    """
    require_consent(booth, visit)
    owner, person = find_playable(booth, visit, person_id, friends=True)
    friend = None
    if friend_id:
        friend = shown_ref(booth, *find_playable(booth, visit, friend_id, friends=True))
    look = Look(shown_ref(booth, owner, person), person.slider_values, years, friend, mix)
    task = DrawLive(visit.id, look, frame, size)
    key = f"live {visit.id}" if sequence else ""
    return await booth.worker.run(task, priority=Priority.PREVIEW, visit=visit.id, key=key, sequence=sequence)


def start_show(booth: Booth, visit: Visit, person_id: str, kind: ShowKind, *, animated: bool) -> Job:
    """Start a job that makes the reveal or the boomerang of a person. Raises RequestRefused (409, 429)."""
    owner, person = find_playable(booth, visit, person_id)
    if not {"age", "smile"} <= {slider.name for slider in person.sliders}:
        raise RequestRefused(
            409, "no_sliders", "this person has no sliders for age and smile", "choose a photographed one"
        )
    if sum(job.visit == visit.id and job.state == "running" for job in booth.jobs.values()) >= MAX_FILMS:
        raise RequestRefused(
            429, "too_many_films", f"at most {MAX_FILMS} films are made at once", "wait for one", retry_after=10
        )
    job = booth.add_job(visit, "film")
    name, path = booth.store.reserve_download("")
    job.file = path.name  # so that the file is erased with the visit at any moment
    task = MakeShow(
        shown_ref(booth, owner, person),
        person.slider_values,
        kind,
        str(path),
        FILM_SIZE,
        animated,
        visible_label(booth),
    )
    booth.spawn(visit.id, _make_show(booth, visit, job, task, name), job.id)
    return job


async def _make_show(booth: Booth, visit: Visit, job: Job, task: MakeShow, name: str) -> None:
    """Run the job: write the film, and add it to the downloads of the visit."""

    def report(progress: FilmProgress) -> None:
        job.progress = round(progress.progress, 3)
        booth.publish_job(job)

    path = Path(task.path)
    try:
        file = path.with_name(await booth.worker.run(task, priority=Priority.FILM, visit=visit.id, progress=report))
        if visit.id in booth.visits:
            download = booth.store.add_download(
                name, visit.id, file, booth.policy.download_retention, Recipe(form="film")
            )
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
