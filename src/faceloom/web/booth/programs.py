"""What programs do through the API: the same people, each in a visit of their own, of the kind 'api'."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from faceloom.errors import FaceError, FaceloomError
from faceloom.store import Person, Visit
from faceloom.store.visit_store import token
from faceloom.web.booth import edits, friends
from faceloom.web.booth.views import API, Json, new_body, now, standing
from faceloom.web.security import Refusal
from faceloom.web.worker.messages import ENCODE

if TYPE_CHECKING:
    from faceloom.web.booth.booth import Booth

PHOTO = "photo-1.jpg"
MOST_ENCODINGS = 20  # that may wait


async def look(booth: Booth, data: bytes, task: str) -> Json:
    """Find the faces of a photo, or read them; nothing is kept."""
    visit = booth.begin("api", "play")
    try:
        found = await _photo(booth, visit, data)
        if task == "read":
            args = {"folder": str(booth.keep.folder_of(visit.id)), "photo": PHOTO}
            found["faces"] = await booth.workshop.ask("read", args, visit=visit.id)
        return found
    finally:
        await booth.wipe(visit)


async def encode(booth: Booth, data: bytes, face: int, seconds: float) -> Json:
    """Begin an encoding. Raises FaceError for a face that is not there."""
    if booth.workshop.place() >= MOST_ENCODINGS:
        raise Refusal(429, "full", "too many encodings are waiting", "try again later", after=30)
    visit = booth.begin("api", "encoding")
    try:
        found = await _photo(booth, visit, data)
        if face >= len(found["faces"]):
            raise FaceError(f"there is no face {face}: {len(found['faces'])} found", "choose one of those")
    except BaseException:
        await booth.wipe(visit)
        raise
    person = Person(token(), visit.id, 0, new_body(face, PHOTO))
    visit.people.append(person)
    booth.changed(visit)
    job = _job(visit, "encode")
    booth.jobs[job["id"]] = job
    booth.spawn(visit.id, _encode(booth, visit, person, job, seconds), job["id"])
    return job


async def _encode(booth: Booth, visit: Visit, person: Person, job: Json, seconds: float) -> None:
    def tell(told: Mapping[str, Any]) -> None:
        job["progress"] = round(min(told.get("seconds", 0.0) / seconds, 1.0), 3)
        booth.hub.send(visit.id, "job", friends.job_json(job))

    folder = str(booth.keep.folder_of(visit.id))
    args = {"folder": folder, "photo": PHOTO, "face": person.body["face"], "person": person.id, "seconds": seconds}
    try:
        found = await booth.workshop.ask("encode", args, rank=ENCODE, visit=visit.id, progress=tell)
        person.body |= {**found, "playable": True, "crop": True, "version": 1}
        visit.state = "play"
        booth.changed(visit)
        job |= {"state": "done", "progress": 1.0, "result": facts(visit, person)}
    except FaceloomError as error:
        job |= {"state": "failed", "error": {"code": error.code, "message": error.message, "hint": error.hint}}
    booth.hub.send(visit.id, "job", friends.job_json(job))


async def invent(booth: Booth, seed: int, psi: float) -> Json:
    """Invent a person and keep them under a handle."""
    visit = booth.begin("api", "play")
    person = Person(token(), visit.id, 0, new_body(None, None))
    args = {"folder": str(booth.keep.folder_of(visit.id)), "person": person.id, "seed": seed, "psi": psi}
    try:
        person.body |= {**await booth.workshop.ask("invent", args, visit=visit.id), "playable": True, "version": 1}
    except BaseException:
        await booth.wipe(visit)
        raise
    visit.people.append(person)
    booth.changed(visit)
    return facts(visit, person)


def likeness(booth: Booth, name: str) -> tuple[Visit, Person]:
    """The person of a handle. Raises Refusal (404, 409)."""
    try:
        visit = booth.visit(name, "api")
    except Refusal as refusal:
        raise Refusal(404, "no_likeness", "there is no such likeness (any more)", "encode the photo again") from refusal
    booth.touch(visit)
    if not visit.people or not visit.people[0].body["playable"]:
        raise Refusal(409, "not_yet", "this person is still being looked for", "ask for the job")
    return visit, visit.people[0]


async def edit(booth: Booth, visit: Visit, person: Person, wishes: Mapping[str, float]) -> Person:
    """Set sliders."""
    return await edits.control(booth, visit, person.id, wishes)


async def mix(booth: Booth, visit: Visit, person: Person, other: str, layers: str) -> Person:
    """Give somebody layers of another handle's person, or of an invented one."""
    if other.startswith("seed:"):
        return await edits.mix(booth, visit, person.id, other, layers)
    friend, giver = likeness(booth, other)
    visit.body["friends"], known = [friend.id], visit.body.get("friends", [])
    try:
        return await edits.mix(booth, visit, person.id, giver.id, layers)
    finally:
        visit.body["friends"] = known


def morph(booth: Booth, a: str, b: str) -> Json:
    """Begin a film of two handles."""
    one, two = likeness(booth, a), likeness(booth, b)
    return friends.begin_job(booth, one[0], "morph", [edits.shown(booth, *one), edits.shown(booth, *two)])


async def picture(booth: Booth, visit: Visit, person: Person, size: int) -> bytes:
    """Draw a handle's person."""
    return await edits.picture(booth, visit, person.id, size=size)


def facts(visit: Visit, person: Person) -> Json:
    """A likeness as a program gets it."""
    return {
        "likeness": visit.id,
        "image": f"{API}/likenesses/{visit.id}/image",
        "file": f"{API}/likenesses/{visit.id}/file",
        "quality": person.body["quality"],
        "traits": now(person).get("traits") or person.body["traits"],
        "controls": standing(person),
        "sliders": person.body["sliders"],
    }


def _job(visit: Visit, kind: str) -> Json:
    return {
        "id": token(),
        "visit": visit.id,
        "kind": kind,
        "state": "running",
        "progress": 0.0,
        "result": None,
        "file": "",
    }


async def _photo(booth: Booth, visit: Visit, data: bytes) -> Json:
    args = {"folder": str(booth.keep.folder_of(visit.id)), "name": PHOTO, "data": data}
    found: Json = await booth.workshop.ask("photo", args, visit=visit.id)
    return found
