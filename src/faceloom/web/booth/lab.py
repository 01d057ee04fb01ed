"""Drags of the Lab: they go on in the background while a page requests their state."""

from __future__ import annotations

import time
from collections import OrderedDict
from dataclasses import dataclass, field, replace

from faceloom.errors import FaceloomError
from faceloom.store import Person, Visit
from faceloom.store.models import Failure
from faceloom.store.visit_store import make_token
from faceloom.web.booth import edits
from faceloom.web.booth.background import shown_ref
from faceloom.web.booth.booth import Booth
from faceloom.web.booth.views import DragState, DragView
from faceloom.web.booth.visit_flow import find_playable
from faceloom.web.security import RequestRefused
from faceloom.web.worker import messages
from faceloom.web.worker.messages import DragProgress, KeepDrag, Priority, WorkerError

MAX_RUNNING_DRAGS = 4  # drags at once: the oldest is stopped beyond
IDLE_SECONDS = 10.0  # seconds without a request after which a drag is stopped


@dataclass
class Drag:
    """A drag of a person of a visit, or of a generated face (`visit` and `person` are '').

    `api` is the path before the API's addresses.
    """

    visit: str
    person: str
    task: messages.Drag
    api: str
    state: DragState = "running"
    progress: DragProgress | None = None
    error: Failure | None = None
    last_request: float = field(default_factory=time.monotonic)

    @property
    def id(self) -> str:
        """The id of the drag."""
        return self.task.id

    def stop(self) -> None:
        """Stop the drag, if it runs."""
        if self.state == "running":
            self.state = "stopped"

    def view(self) -> DragView:
        """Return the view of the drag; its figures are left out before the first step."""
        image = f"{self.api}/lab/drags/{self.id}/image?v="
        if self.progress is None:
            return DragView(id=self.id, state=self.state, error=self.error, image=None)
        return DragView(
            id=self.id,
            state=self.state,
            error=self.error,
            image=f"{image}{self.progress.number}",
            number=self.progress.number,
            distance=self.progress.distance,
            arrived=self.progress.arrived,
            handles=list(self.progress.handles),
        )


class Drags:
    """All drags of the booth. Their pictures are cached with the booth's others, and erased with the visit."""

    def __init__(self) -> None:
        self.drags: OrderedDict[str, Drag] = OrderedDict()

    def start(self, booth: Booth, visit: Visit | None, person: str, task: messages.Drag) -> Drag:
        """Start a drag."""
        drag = Drag(visit.id if visit else "", person, task, booth.api)
        self.drags[drag.id] = drag
        while len(self.drags) > MAX_RUNNING_DRAGS:
            self.drags.popitem(last=False)[1].state = "stopped"
        booth.tasks.spawn(drag.visit, _run(booth, drag), person)
        return drag

    def find(self, booth: Booth, drag_id: str, visit_id: str) -> Drag:
        """Return a drag of a visit or of a generated face. Raises RequestRefused (404)."""
        for erased in [drag for drag in self.drags.values() if drag.visit and drag.visit not in booth.visits]:
            del self.drags[erased.id]
        drag = self.drags.get(drag_id)
        if drag is None or drag.visit not in ("", visit_id):
            raise RequestRefused(404, "no_drag", "this drag is over", "start another one")
        drag.last_request = time.monotonic()
        return drag


def new_task(
    face: messages.LabFace, handles: list[messages.Point], targets: list[messages.Point], around: float
) -> messages.Drag:
    """Return the task that starts a new drag."""
    return messages.Drag(make_token(), True, face, tuple(handles), tuple(targets), around)


async def _run(booth: Booth, drag: Drag) -> None:
    """Request a few seconds of dragging at a time, so that encodings run between them."""
    task = drag.task
    while drag.state == "running":
        if time.monotonic() - drag.last_request > IDLE_SECONDS:
            drag.state = "stopped"
            return
        try:
            progress = await booth.worker.run(
                task,
                priority=Priority.FILM,
                visit=drag.visit,
                progress=lambda report: _receive_progress(booth, drag, report),
            )
        except FaceloomError as error:
            if isinstance(error, WorkerError) and error.code == "stopped":
                drag.state = "stopped"
            else:
                drag.state, drag.error = "failed", Failure.from_error(error)
            return
        task = replace(task, start=False)
        _receive_progress(booth, drag, progress)
        if not progress.running and drag.state == "running":
            drag.state = "done"


def _receive_progress(booth: Booth, drag: Drag, progress: DragProgress) -> None:
    """Store the progress of a drag, and cache its picture."""
    booth.cache_picture((drag.person, drag.id), progress.jpeg)
    drag.progress = replace(progress, jpeg=b"")


async def keep_drag(booth: Booth, visit: Visit, drag: Drag) -> Person:
    """Store the result of a drag as a step of the person. Raises RequestRefused (409) for a generated face."""
    drag.stop()
    if not drag.person:
        raise RequestRefused(
            409, "invented", "a generated face was dragged, not a person of the visit", "drag a person of the visit"
        )
    owner, person = find_playable(booth, visit, drag.person)
    person.bases += 1
    base = str(person.bases)
    task = KeepDrag(drag.id, shown_ref(booth, owner, person), base)
    facts = await booth.worker.run(task, priority=Priority.FILM, visit=owner.id)
    edits.add_base(booth, visit, person, base, facts)
    return person
