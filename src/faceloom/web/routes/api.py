"""The REST API for programs, behind a token: find, analyze, encode, edit, mix, morph, generate.

A likeness is a handle: whoever has it and the token may go on with it, until nobody has for the time of retention.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Annotated, Any

from fastapi import APIRouter, Depends, File, Form, Request, Response, UploadFile
from fastapi.responses import FileResponse
from fastapi.sse import EventSourceResponse, ServerSentEvent
from pydantic import BaseModel, ConfigDict, Field

from faceloom.store import Person
from faceloom.web.booth import friends, programs
from faceloom.web.booth.booth import Booth
from faceloom.web.booth.views import Json
from faceloom.web.routes.common import COOKIE, TheBooth, jpeg
from faceloom.web.routes.people import Name, Side, Wishes
from faceloom.web.routes.visit import whole
from faceloom.web.security import Refusal, our_page, same

router = APIRouter(tags=["programs"])
jobs = APIRouter(tags=["jobs"])
A_MINUTE = 240  # requests of one token


def bearer(request: Request) -> bool:
    """Whether the request carries the token. Raises Refusal (401) for a wrong one."""
    scheme, _, given = request.headers.get("authorization", "").partition(" ")
    if not given:
        return False
    if scheme.lower() != "bearer" or not same(given.strip(), request.app.state.token):
        raise Refusal(401, "wrong_token", "this is not the token", "it is printed where the server was started")
    return True


def the_program(request: Request, booth: TheBooth) -> Booth:
    """The booth, for whoever has the token. Raises Refusal (401, 429)."""
    if not bearer(request):
        raise Refusal(401, "no_token", "this needs a token", "send the header Authorization: Bearer TOKEN")
    booth.rates.allow("program", "", A_MINUTE, 60)
    return booth


Programmed = Annotated[Booth, Depends(the_program)]
Handle = Annotated[str, Field(max_length=64, pattern=r"^[A-Za-z0-9_-]+$")]


class Edit(Wishes):
    """Whom to edit, and where the sliders are to stand."""

    likeness: Handle


class Mixture(BaseModel):
    """Who gets layers of whom; `b` may be `seed:7`."""

    model_config = ConfigDict(extra="forbid")

    a: Handle
    b: str = Field(max_length=64)
    layers: str = Field("coarse", pattern=r"^(coarse|middle|fine)(,(coarse|middle|fine))*$", max_length=40)


class Morph(BaseModel):
    """Two people who become each other in a film."""

    model_config = ConfigDict(extra="forbid")

    a: Handle
    b: Handle


class Invention(BaseModel):
    """An invented person."""

    model_config = ConfigDict(extra="forbid", allow_inf_nan=False)

    seed: int = Field(0, ge=0, le=2**31)
    psi: float = Field(0.7, ge=0, le=1)


Photo = Annotated[UploadFile, File(description="JPEG, PNG, WebP, GIF, AVIF; at most 20 MB")]


@router.post("/find")
async def find(booth: Programmed, photo: Photo) -> Json:
    """Find every face of a photo, the largest first. The photo is not kept."""
    return await programs.look(booth, await whole(photo), "photo")


@router.post("/analyze")
async def analyze(booth: Programmed, photo: Photo) -> Json:
    """Say what every face of a photo shows. The photo is not kept."""
    return await programs.look(booth, await whole(photo), "read")


@router.post("/encode", status_code=202)
async def encode(
    booth: Programmed,
    photo: Photo,
    face: Annotated[int, Form(ge=0, le=1000)] = 0,
    seconds: Annotated[float, Form(ge=1, le=120, allow_inf_nan=False)] = 10,
) -> Json:
    """Begin to find somebody's likeness: a job, whose result holds the handle."""
    return friends.job_json(await programs.encode(booth, await whole(photo), face, seconds))


@router.post("/edit")
async def edit(booth: Programmed, wanted: Edit) -> Json:
    """Set a person's sliders, exactly; those not named stay as they are."""
    visit, person = programs.likeness(booth, wanted.likeness)
    async with booth.lock(visit):
        wishes = {key: value for key, value in wanted.given().items() if key != "likeness"}
        return programs.facts(visit, await programs.edit(booth, visit, person, wishes))


@router.post("/mix")
async def mix(booth: Programmed, wanted: Mixture) -> Json:
    """Give `a` layers of `b`."""
    visit, person = programs.likeness(booth, wanted.a)
    async with booth.lock(visit):
        return programs.facts(visit, await programs.mix(booth, visit, person, wanted.b, wanted.layers))


@router.post("/morph", status_code=202)
async def morph(booth: Programmed, wanted: Morph) -> Json:
    """Begin a film of two people who become each other: a job, whose url is the film."""
    return friends.job_json(programs.morph(booth, wanted.a, wanted.b))


@router.post("/generate", status_code=201)
async def generate(booth: Programmed, wanted: Invention) -> Json:
    """Invent a person."""
    return await programs.invent(booth, wanted.seed, wanted.psi)


@router.get("/likenesses/{name}")
async def the_likeness(booth: Programmed, name: Name) -> Json:
    """What is known of a person."""
    visit, person = programs.likeness(booth, name)
    return programs.facts(visit, person)


@router.get("/likenesses/{name}/image", response_class=Response)
async def image(booth: Programmed, name: Name, size: Side = 1024) -> Response:
    """The person as they are now."""
    visit, person = programs.likeness(booth, name)
    return jpeg(await programs.picture(booth, visit, person, size))


@router.get("/likenesses/{name}/file", response_class=FileResponse)
async def file(booth: Programmed, name: Name) -> FileResponse:
    """The person as found, as a .likeness file, which the command line opens."""
    visit, person = programs.likeness(booth, name)
    path = booth.keep.folder_of(visit.id) / f"{person.id}.likeness"
    return FileResponse(path, media_type="application/octet-stream", filename="person.likeness")


@router.delete("/likenesses/{name}", status_code=204)
async def forget(booth: Programmed, name: Name) -> None:
    """Erase a person and all that was made of them."""
    visit, _ = programs.likeness(booth, name)
    await booth.wipe(visit)


def the_job(request: Request, booth: TheBooth, name: Name) -> dict[str, Any]:
    """A job of this visit, or with the token one of a program's. Raises Refusal (404)."""
    our = bearer(request)
    if not our:
        our_page(request)
    job = booth.jobs.get(name)
    visit = booth.visits.get(job["visit"]) if job else None
    if job is None or visit is None or (visit.kind != "api" if our else visit.id != request.cookies.get(COOKIE)):
        raise Refusal(404, "no_job", "there is no such job")
    booth.touch(visit)
    return job


TheJob = Annotated[dict[str, Any], Depends(the_job)]


@jobs.get("/jobs/{name}")
async def job(found: TheJob) -> Json:
    """How a job is going."""
    return friends.job_json(found)


@jobs.get("/jobs/{name}/events", response_class=EventSourceResponse)
async def events(booth: TheBooth, found: TheJob) -> AsyncIterator[ServerSentEvent]:
    """How a job is going, as it goes; the stream ends with the job."""
    first = booth.hub.now("job", friends.job_json(found))
    async for event in booth.hub.listen(found["visit"], None, first):
        if event.name == "job" and event.data["id"] == found["id"]:
            yield ServerSentEvent(data=event.data, event="job", id=str(event.id))
            if event.data["state"] != "running":
                return


@jobs.delete("/jobs/{name}", status_code=204)
async def stop(booth: TheBooth, found: TheJob) -> None:
    """Stop a job."""
    booth.stop(found["visit"], found["id"])
    booth.jobs.pop(found["id"], None)
    visit = booth.visits.get(found["visit"])
    if visit and visit.kind == "api" and found["kind"] == "encode" and not _found(visit.people):
        await booth.wipe(visit)


def _found(people: list[Person]) -> bool:
    return any(person.body["playable"] for person in people)
