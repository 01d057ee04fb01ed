"""The Lab's side of the server: drags that go on while somebody watches. Its pictures are made in `laboratory`."""

from __future__ import annotations

import time
from collections import OrderedDict
from dataclasses import dataclass, field
from typing import Any

from faceloom.errors import FaceloomError
from faceloom.store import Person, Visit
from faceloom.store.visit_store import token
from faceloom.web.booth import background, edits, visit_flow
from faceloom.web.booth.booth import Booth
from faceloom.web.booth.views import API, Json, now
from faceloom.web.security import Refusal
from faceloom.web.worker.messages import FILM, Message, Refused

DRAGS = 4  # at once; an older one is stopped
WATCHED = 10.0  # seconds after which a drag that nobody asks for is stopped


@dataclass
class Drag:
    """A drag, and who it is about: the id of a person of a visit, or '' for somebody invented."""

    id: str
    visit: str
    person: str
    args: Message
    state: str = "running"
    facts: Json = field(default_factory=dict)
    error: Json | None = None
    asked: float = field(default_factory=time.monotonic)


class Drags:
    """Every drag of the booth. Pictures are kept with the booth's others, so that they go when a visit goes."""

    def __init__(self) -> None:
        self.known: OrderedDict[str, Drag] = OrderedDict()

    def begin(self, booth: Booth, visit: Visit | None, person: str, args: Message) -> Drag:
        """Begin to drag."""
        drag = Drag(token(), visit.id if visit else "", person, {**args, "begin": True})
        drag.args["id"] = drag.id
        self.known[drag.id] = drag
        while len(self.known) > DRAGS:
            self.known.popitem(last=False)[1].state = "stopped"
        booth.spawn(drag.visit, _go_on(booth, drag), person)
        return drag

    def find(self, booth: Booth, name: str, visit: str) -> Drag:
        """A drag of a visit, or of somebody invented. Raises Refusal (404)."""
        gone = [drag.id for drag in self.known.values() if drag.visit and drag.visit not in booth.visits]
        for one in gone:
            del self.known[one]
        drag = self.known.get(name)
        if drag is None or drag.visit not in ("", visit):
            raise Refusal(404, "no_drag", "this drag is over", "begin again")
        drag.asked = time.monotonic()
        return drag


async def _go_on(booth: Booth, drag: Drag) -> None:
    """Ask for a moment of dragging at a time; whoever is looked for goes between."""
    while drag.state == "running":
        if time.monotonic() - drag.asked > WATCHED:
            drag.state = "stopped"
            return
        try:
            facts = await booth.workshop.ask(
                "lab.drag", drag.args, rank=FILM, visit=drag.visit, progress=lambda told: _tell(booth, drag, told)
            )
        except FaceloomError as error:
            if isinstance(error, Refused) and error.code == "stopped":
                drag.state = "stopped"
            else:
                drag.state = "failed"
                drag.error = {"code": error.code, "message": error.message, "hint": error.hint}
            return
        drag.args["begin"] = False
        going = facts.pop("going")
        _tell(booth, drag, facts)
        if not going and drag.state == "running":
            drag.state = "done"


def _tell(booth: Booth, drag: Drag, told: Message) -> None:
    """Note how far it is."""
    booth.remember((drag.person, drag.id), told.pop("jpeg"))
    drag.facts = told


async def keep(booth: Booth, visit: Visit, drag: Drag) -> Person:
    """Keep what a drag came to as a step of the person, which can be undone. Raises Refusal for somebody invented."""
    drag.state = "stopped" if drag.state == "running" else drag.state
    if not drag.person:
        raise Refusal(409, "invented", "nobody of the visit was dragged", "drag somebody who was found")
    owner, person = visit_flow.playable(booth, visit, drag.person)
    person.body["bases"] = base = person.body["bases"] + 1
    args = {"id": drag.id, "shown": edits.shown(booth, owner, person), "base": str(base)}
    facts = await booth.workshop.ask("lab.keep", args, rank=FILM, visit=owner.id)
    step = {"base": str(base), "controls": {}, "coefficients": {}, "traits": facts["traits"]}
    edits.push(booth, visit, person, step | {"sliders": facts["sliders"], "of": now(person).get("of", [])})
    booth.spawn(visit.id, background.lay_rails(booth, visit, person, str(base)), person.id)
    return person


def drag_json(drag: Drag) -> dict[str, Any]:
    """A drag as the page gets it; lengths are parts of the image's side."""
    number = drag.facts.get("number", 0)
    image = f"{API}/lab/drags/{drag.id}/image?v={number}" if drag.facts else None
    return {"id": drag.id, "state": drag.state, "error": drag.error, "image": image, **drag.facts}
