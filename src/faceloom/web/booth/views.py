"""Visits and people as the page gets them: plain JSON, with an address for every picture."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from faceloom.store import Person, Visit

if TYPE_CHECKING:
    from faceloom.web.booth.booth import Booth

API = "/api/v1"
Json = dict[str, Any]


def visit_json(booth: Booth, visit: Visit) -> Json:
    """A whole visit: all that a page needs to be where it was."""
    photo = visit.body.get("photo")
    return {
        "id": visit.id,
        "state": visit.state,
        "expires": moment(visit.expires),
        "seconds_left": round(max(visit.expires - booth.keep.clock(), 0)),
        "consent": visit.body.get("consent"),
        "photo": f"{API}/visit/photo?v={photo}" if photo else None,
        "size": visit.body.get("size"),
        "faces": visit.body.get("faces", []),
        "notes": visit.body.get("notes", []),
        "people": [person_json(person) for person in visit.people],
        "friends": [
            friend_json(person)
            for name in visit.body.get("friends", [])
            if name in booth.visits
            for person in booth.visits[name].people
            if person.body["playable"] and not person.body.get("of")
        ],
        "phone": f"{booth.lan}/phone/{visit.body['phone']}" if booth.lan and visit.body.get("phone") else None,
    }


def person_json(person: Person) -> Json:
    """Somebody of the visit."""
    body, own = person.body, f"{API}/people/{person.id}"
    step = now(person)
    shown = step.get("traits") or body["traits"]
    return {
        "id": person.id,
        "number": person.number,
        "playable": body["playable"],
        "better": body["better"],
        "error": body.get("error"),
        "image": f"{own}/image?v={body['version']}",
        "found": f"{own}/image?v={body['version']}&step=0" if body["playable"] else None,
        "crop": f"{own}/crop" if body.get("crop") else None,
        "preview": f"{own}/preview",
        "quality": body["quality"],
        "traits": shown,
        "sliders": step.get("sliders") or body["sliders"],
        "controls": standing(person),
        "can_undo": body["at"] > 0,
        "can_redo": body["at"] < len(body["history"]) - 1,
        "kept": [
            {"id": kept["id"], "image": f"{own}/image?v={body['version']}&kept={kept['id']}"} for kept in body["kept"]
        ],
        "lineage": body.get("of", []),
    }


def friend_json(person: Person) -> Json:
    """Somebody of a friend's visit: to be mixed with, not to be changed."""
    own = f"{API}/people/{person.id}"
    return {"id": person.id, "image": f"{own}/image?v={person.body['version']}"}


def new_body(face: int | None, photo: str | None, **more: Any) -> Json:
    """What is known of somebody at first."""
    return {
        "face": face,
        "photo": photo,
        "playable": False,
        "better": False,
        "improved": 0.0,
        "quality": {},
        "traits": {},
        "sliders": [],
        "history": [{"base": "", "controls": {}, "coefficients": {}}],
        "at": 0,
        "kept": [],
        "bases": 0,
        "version": 0,
        **more,
    }


def now(person: Person) -> Json:
    """The step of the history that is shown."""
    step: Json = person.body["history"][person.body["at"]]
    return step


def standing(person: Person) -> Json:
    """Where every slider stands."""
    step = now(person)
    me = {slider["name"]: slider["me"] for slider in step.get("sliders") or person.body["sliders"]}
    return {**me, **step["controls"]}


def moment(seconds: float) -> str:
    """A time as ISO 8601, UTC."""
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="seconds")
