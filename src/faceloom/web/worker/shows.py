"""Handler of short films of one person: the reveal of all ages, and the boomerang of a smile."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from PIL import Image

from faceloom.edit.film import save_film
from faceloom.errors import MissingExtra
from faceloom.images.tensors import Pixels
from faceloom.likeness import Likeness
from faceloom.web.worker.context import TaskContext
from faceloom.web.worker.label import add_label
from faceloom.web.worker.live import at_years
from faceloom.web.worker.messages import FilmProgress, MakeShow
from faceloom.web.worker.previews import predict_person
from faceloom.web.worker.state import WorkerState
from faceloom.web.worker.steering import curves_of, neutral_values
from faceloom.workflows.reveal import ANIMATION_FPS, BROAD_SMILE, FILM_FPS, REVEAL_AGES, boomerang, reveal, show_seconds


def make_show(state: WorkerState, task: MakeShow, context: TaskContext) -> str:
    """Write the film beside `task.path` and return its file name; WebP also where the MP4 encoder is missing.

    Reports FilmProgress. Raises VisitErased, LatentError for a person without sliders, and `Cancelled`.
    """
    path = Path(task.path)
    with tempfile.TemporaryDirectory(dir=path.parent, prefix=".film-") as folder:
        try:
            film = _save(state, task, context, Path(folder), ".webp" if task.animated else ".mp4")
        except MissingExtra:
            film = _save(state, task, context, Path(folder), ".webp")
        with state.erased.writing(task.person.folder):  # raises VisitErased when the visit ended meanwhile
            film.replace(path.with_suffix(film.suffix))
    return path.with_suffix(film.suffix).name


def _save(state: WorkerState, task: MakeShow, context: TaskContext, folder: Path, suffix: str) -> Path:
    fps = ANIMATION_FPS if suffix == ".webp" else FILM_FPS
    total = show_seconds(task.kind) * fps
    person = state.load_drawn(task.person)

    def frames() -> Iterator[Pixels]:
        for number, frame in enumerate(_frames(state, task, fps)):
            context.report(FilmProgress(min(1.0, number / total)))
            context.check_cancelled()
            yield np.asarray(add_label(Image.fromarray(frame), task.label))

    return save_film(frames(), folder / f"film{suffix}", fps=fps, origin=person.made_by)


def _frames(state: WorkerState, task: MakeShow, fps: int) -> Iterator[Pixels]:
    """Return the frames of the show, of people as the slider curves predict them."""
    if task.kind == "boomerang":
        serious, smiling = (
            state.load_drawn(predict_person(state, task.person, task.anchor, {**task.anchor, "smile": smile}))
            for smile in (1 - BROAD_SMILE, BROAD_SMILE)
        )
        return boomerang(state.studio, serious, smiling, fps=fps, size=task.size)
    curves = curves_of(state, task.person)
    age = curves.before["age"] + task.anchor.get("age", neutral_values(curves)["age"])
    stops: dict[float, Likeness] = {
        stop: state.load_drawn(at_years(state, task.person, task.anchor, stop - age)) for stop in REVEAL_AGES
    }
    return reveal(state.studio, list((stops | {age: state.load_drawn(task.person)}).items()), fps=fps, size=task.size)
