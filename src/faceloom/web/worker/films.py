"""Handler that makes films that morph through people and back: MP4 when PyAV is installed, else WebP."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
from PIL import Image

from faceloom.edit.film import save_film
from faceloom.errors import MissingExtra
from faceloom.images.tensors import Pixels
from faceloom.marks.origin import Origin
from faceloom.web.worker.context import TaskContext
from faceloom.web.worker.label import add_label
from faceloom.web.worker.messages import FilmProgress, MakeFilm
from faceloom.web.worker.state import WorkerState

FRAMES_PER_SECOND = 24


def make_film(state: WorkerState, task: MakeFilm, context: TaskContext) -> str:
    """Write the film beside `task.path` and return its file name.

    Reports FilmProgress. Raises VisitErased, and `Cancelled` when the task is canceled.
    """
    people = [state.load_drawn(person) for person in task.people]
    total = task.frames * len(people)

    def frames() -> Iterator[Pixels]:
        for number, frame in enumerate(state.studio.morph(people, task.frames, size=task.size, loop=True)):
            context.report(FilmProgress(number / total))
            context.check_cancelled()
            yield np.asarray(add_label(Image.fromarray(frame), task.label))

    path = Path(task.path)
    with tempfile.TemporaryDirectory(dir=path.parent, prefix=".film-") as folder:
        film = _save(frames, Path(folder), people[0].made_by)
        with state.erased.writing(task.people[0].folder):  # raises VisitErased when the visit ended meanwhile
            film.replace(path.with_suffix(film.suffix))
    return path.with_suffix(film.suffix).name


def _save(frames: Callable[[], Iterator[Pixels]], folder: Path, origin: Origin) -> Path:
    try:
        return save_film(frames(), folder / "film.mp4", fps=FRAMES_PER_SECOND, origin=origin)
    except MissingExtra:
        return save_film(frames(), folder / "film.webp", fps=FRAMES_PER_SECOND, origin=origin)
