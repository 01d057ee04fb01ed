"""Two visits that agree, and what two people can do: blend, children, films."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING, Any

from faceloom.store import Person, Visit
from faceloom.store.visit_store import token
from faceloom.web.booth.edits import shown
from faceloom.web.booth.views import API, Json, new_body
from faceloom.web.booth.visit_flow import playable
from faceloom.web.security import Refusal
from faceloom.web.worker.messages import FILM, QUICK

if TYPE_CHECKING:
    from faceloom.web.booth.booth import Booth

LETTERS = "ABCDEFGHJKMNPQRSTUVWXYZ23456789"  # none that is taken for another
CODE_SECONDS = 600.0
CHILDREN = 9
MOST_CHILDREN = 90  # of a visit: more than that makes room by dropping the first
FRAMES, FILM_SIDE = 36, 512  # of a film's leg


def offer(booth: Booth, visit: Visit) -> Json:
    """Give a short code; whoever is told it may join, and has agreed by that."""
    for code, (owner, _) in list(booth.codes.items()):
        if owner == visit.id:
            del booth.codes[code]
    code = "".join(secrets.choice(LETTERS) for _ in range(6))
    booth.codes[code] = visit.id, booth.keep.clock() + CODE_SECONDS
    return {"code": code, "seconds": CODE_SECONDS}


def join(booth: Booth, visit: Visit, code: str) -> None:
    """Join the visit that gave the code. Each then sees the other's people, and can mix with them."""
    booth.rates.allow("join", visit.id, 10, 60)
    owner, until = booth.codes.get(code.strip().upper(), ("", 0.0))
    other = booth.visits.get(owner)
    if other is None or until <= booth.keep.clock() or other is visit:
        raise Refusal(404, "no_code", "this code is not known", "ask for a new one")
    del booth.codes[code.strip().upper()]
    for one, two in ((visit, other), (other, visit)):
        one.body["friends"] = sorted({*one.body.get("friends", []), two.id})
        booth.changed(one)


async def blend(booth: Booth, visit: Visit, a: str, b: str, t: float, size: int, n: int) -> bytes:
    """Draw who is between two people."""
    one, two = (shown(booth, *playable(booth, visit, name, friends=True)) for name in (a, b))
    args = {"a": one, "b": two, "t": t, "size": size}
    drawn: bytes = await booth.workshop.ask("blend", args, rank=QUICK, visit=visit.id, key=f"{a} {b}" if n else "", n=n)
    return drawn


async def children(booth: Booth, visit: Visit, a: str, b: str, seed: int) -> list[Person]:
    """Have nine children of two people, who can have children themselves."""
    parents = [playable(booth, visit, name, friends=True) for name in (a, b)]
    one, two = (shown(booth, *parent) for parent in parents)
    of = sorted({name for _, parent in parents for name in (parent.id, *parent.body.get("of", []))})
    folder = str(booth.keep.folder_of(visit.id))
    born = []
    for number in range(CHILDREN):
        person = Person(token(), visit.id, 100 + number, new_body(None, None, of=of, parents=[a, b], seed=seed))
        args = {"a": one, "b": two, "seed": seed, "number": number, "folder": folder, "person": person.id}
        found = await booth.workshop.ask("child", args, visit=visit.id)
        person.body |= {"playable": True, "inherited": found["inherited"]}
        born.append(person)
    if visit.id not in booth.visits:
        raise Refusal(404, "no_visit", "the visit is over")
    await _make_room(booth, visit)
    visit.people += born
    booth.changed(visit)
    return born


async def _make_room(booth: Booth, visit: Visit) -> None:
    known = [person for person in visit.people if person.body.get("of")]
    await booth.drop_people(visit, known[: max(0, len(known) + CHILDREN - MOST_CHILDREN)])


def film(booth: Booth, visit: Visit, a: str, b: str | None) -> Json:
    """Begin a film: of two people who become each other, or of one from as found to as they are now."""
    owner, person = playable(booth, visit, a, friends=True)
    first = shown(booth, owner, person)
    if b is None:
        people = [shown(booth, owner, person, person.body["history"][0]), first]
    else:
        people = [first, shown(booth, *playable(booth, visit, b, friends=True))]
    if len([job for job in booth.jobs.values() if job["visit"] == visit.id and job["state"] == "running"]) >= 2:
        raise Refusal(429, "too_many_films", "two films at once are the most", "wait for one", after=10)
    return begin_job(booth, visit, "film", people)


def begin_job(booth: Booth, visit: Visit, kind: str, people: list[Json]) -> Json:
    """Note a job and let it go on."""
    job: Json = {"id": token(), "visit": visit.id, "kind": kind, "state": "running", "progress": 0.0, "result": None}
    job["file"] = ""
    booth.jobs[job["id"]] = job
    booth.spawn(visit.id, _film(booth, visit, job, people), job["id"])
    return job


async def _film(booth: Booth, visit: Visit, job: Json, people: list[Json]) -> None:
    from faceloom.errors import FaceloomError

    name, path = booth.keep.place_for_take("")
    job["file"] = path.name  # so that a wipe finds it at any moment

    def tell(told: dict[str, Any]) -> None:
        job["progress"] = round(told["progress"], 3)
        booth.hub.send(visit.id, "job", job_json(job))

    args = {"people": people, "path": str(path), "frames": FRAMES, "size": FILM_SIDE}
    try:
        found = await booth.workshop.ask("film", args, rank=FILM, visit=visit.id, progress=tell)
        file = path.with_name(found["file"])
        if visit.id not in booth.visits:
            file.unlink(missing_ok=True)
            return
        take = booth.keep.add_take(name, visit.id, file, booth.settings.take_minutes * 60, {"form": "film"})
        job |= {"state": "done", "progress": 1.0, "result": {"take": take.id}}
    except FaceloomError as error:
        job |= {"state": "failed", "error": {"code": error.code, "message": error.message, "hint": error.hint}}
    booth.hub.send(visit.id, "job", job_json(job))


def job_json(job: Json) -> Json:
    """A job as the page gets it."""
    shown = {key: job[key] for key in ("id", "kind", "state", "progress")} | {"error": job.get("error")}
    take = (job["result"] or {}).get("take")
    return shown | {"url": f"{API}/takes/{take}" if take else None, "result": job["result"]}
