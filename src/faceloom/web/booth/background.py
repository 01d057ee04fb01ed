"""From a chosen face to a likeness, and on to a better one: what goes on for a person without being asked again.

Encoding first; then the rails of the sliders; then slices of improvement. Each end is written down, so that a server
that is started again goes on from there.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from faceloom.errors import FaceloomError
from faceloom.store import Person, Visit
from faceloom.web.booth.views import API, now, standing
from faceloom.web.worker.messages import ENCODE, IMPROVE, PAGES, RAILS, Refused

if TYPE_CHECKING:
    from faceloom.web.booth.booth import Booth

SLICE = 25.0  # seconds of improvement after which what was gained is shown
LEAST = 3.0  # seconds of it that are worth beginning
AHEAD = ("age", "smile", "glasses", "yaw")  # sliders whose places are drawn ahead
TRIES = 2  # of an encoding whose worker was lost


def resume(booth: Booth, visit: Visit) -> None:
    """Go on with everybody of a visit as far as they were not done."""
    for person in visit.people:
        if not person.body.get("error") and (not person.body["playable"] or person.body["better"]):
            begin(booth, visit, person)


def begin(booth: Booth, visit: Visit, person: Person) -> None:
    """Begin, or go on, to find somebody."""
    booth.spawn(visit.id, _search(booth, visit, person), person.id)


async def _search(booth: Booth, visit: Visit, person: Person) -> None:
    if not person.body["playable"] and not await _encode(booth, visit, person):
        return
    await lay_rails(booth, visit, person, "")
    draw_ahead(booth, visit, person)
    await _improve(booth, visit, person)


async def _encode(booth: Booth, visit: Visit, person: Person) -> bool:
    body = person.body
    args = where(booth, visit, person) | {"face": body["face"], "seconds": booth.settings.encode_seconds}
    for _ in range(TRIES):
        try:
            answer = booth.workshop.ask(
                "encode", args, rank=ENCODE, visit=visit.id, progress=lambda told: _tell(booth, visit, person, told)
            )
            places(booth)
            facts = await answer
            break
        except FaceloomError as error:
            if getattr(error, "code", "") != "worker_lost":
                _failed(booth, visit, person, error)
                return False
    else:
        _failed(booth, visit, person, FaceloomError("the search was interrupted", "take another picture"))
        return False
    facts.pop("seconds")
    body |= facts | {"playable": True, "better": booth.settings.improve_seconds > 0, "crop": True}
    body["version"] += 1
    booth.frames.pop(person.id, None)
    _arrive(visit)
    booth.changed(visit)
    _progress(booth, visit, person, {"seconds_left": 0.0, "identity": body["quality"].get("identity")})
    places(booth)
    return True


def _tell(booth: Booth, visit: Visit, person: Person, told: dict[str, Any]) -> None:
    """Pass on how a search is going."""
    if visit.id not in booth.visits or person not in visit.people:
        return
    if told.get("crop"):
        person.body["crop"] = True
        booth.changed(visit)
        places(booth)
        return
    count = booth.frames.get(person.id, (0, b""))[0] + 1
    booth.frames[person.id] = (count, told.pop("jpeg"))
    _progress(booth, visit, person, told, count)


def _progress(booth: Booth, visit: Visit, person: Person, told: dict[str, Any], count: int = 0) -> None:
    version = f"{person.body['version']}.{count}" if count else str(person.body["version"])
    identity = told.get("identity")
    booth.hub.send(
        visit.id,
        "progress",
        {
            "person": person.id,
            "seconds": round(told.get("seconds", 0.0), 1),
            "seconds_left": round(told["seconds_left"], 1),
            "quality": None if identity is None else round(max(identity, 0.0), 3),
            "word": person.body["quality"].get("word"),
            "image": f"{API}/people/{person.id}/image?v={version}",
            "playable": person.body["playable"],
        },
    )


def _arrive(visit: Visit) -> None:
    """Once nobody is searched for any more, they play."""
    if visit.state == "encoding" and all(p.body["playable"] or p.body.get("error") for p in visit.people):
        visit.state = "play" if any(p.body["playable"] for p in visit.people) else "camera"


def _failed(booth: Booth, visit: Visit, person: Person, error: FaceloomError) -> None:
    person.body["error"] = {"code": error.code, "message": error.message, "hint": error.hint}
    _arrive(visit)
    booth.changed(visit)
    places(booth)


async def lay_rails(booth: Booth, visit: Visit, person: Person, base: str) -> None:
    """Measure how somebody answers to the sliders, place by place."""
    shown = where(booth, visit, person) | {"base": base}
    while person.body["sliders"] and person in visit.people:
        try:
            if not await booth.workshop.ask("rails", {"shown": shown}, rank=RAILS, visit=visit.id):
                return
        except Refused as error:
            if error.code not in ("stopped", "worker_lost"):
                return


def draw_ahead(booth: Booth, visit: Visit, person: Person, first: Iterable[str] = (), *, anew: bool = False) -> None:
    """Have the sliders' places drawn before somebody asks for them, `first` those that were just touched."""
    there = [slider["name"] for slider in person.body["sliders"]]
    names = [name for name in dict.fromkeys((*first, *AHEAD)) if name in there]
    name = f"{person.id} ahead"
    booth.stop(visit.id, name)
    if names and visit.kind == "booth":
        booth.spawn(visit.id, _draw_ahead(booth, visit, person, names, anew), name)


async def _draw_ahead(booth: Booth, visit: Visit, person: Person, names: list[str], anew: bool) -> None:
    step = now(person)
    shown = where(booth, visit, person) | {"base": step["base"], "coefficients": step["coefficients"]}
    args = {"shown": shown, "anchor": standing(person), "names": names, "anew": anew}
    with contextlib.suppress(Refused):  # made room for others: what is missing is drawn when it is asked for
        await booth.workshop.ask("ahead", args, rank=PAGES, visit=visit.id)


async def _improve(booth: Booth, visit: Visit, person: Person) -> None:
    body = person.body
    while body["improved"] < booth.settings.improve_seconds - LEAST and person in visit.people:
        seconds = min(SLICE, booth.settings.improve_seconds - body["improved"])
        args = where(booth, visit, person) | {"seconds": seconds}
        try:
            found = await booth.workshop.ask("improve", args, rank=IMPROVE, visit=visit.id)
        except Refused as error:
            if error.code == "worker_lost":
                continue
            break
        body["improved"] += found["seconds"]
        if found["quality"] and found["quality"] != body["quality"]:
            body["quality"] = found["quality"]
            body["version"] += 1
        booth.changed(visit)
    body["better"] = False
    booth.changed(visit)
    if person in visit.people:
        draw_ahead(booth, visit, person, anew=True)


def places(booth: Booth) -> None:
    """Tell those who wait how many are before them."""
    waiting = [
        visit
        for visit in booth.visits.values()
        if visit.state == "encoding" and any(not p.body["playable"] and not p.body.get("crop") for p in visit.people)
    ]
    for place, visit in enumerate(waiting):
        if visit.body.get("place") != place:
            visit.body["place"] = place
            booth.hub.send(visit.id, "queue", {"place": place + (1 if _busy(booth) else 0)})


def _busy(booth: Booth) -> bool:
    return any(
        person.body.get("crop") and not person.body["playable"] and not person.body.get("error")
        for visit in booth.visits.values()
        for person in visit.people
    )


def where(booth: Booth, visit: Visit, person: Person) -> dict[str, Any]:
    """Where a person's files are, for a message to the worker."""
    return {"folder": str(booth.keep.folder_of(visit.id)), "person": person.id, "photo": person.body["photo"]}
