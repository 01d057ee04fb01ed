"""People: their pictures, sliders, history, mixtures, friends and children."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Path, Query, Request, Response
from pydantic import BaseModel, ConfigDict, Field

from faceloom.analyze.attributes import SLIDERS
from faceloom.web.booth import edits, friends, visit_flow
from faceloom.web.booth.views import Json, person_json
from faceloom.web.routes.common import TheBooth, TheVisit, jpeg
from faceloom.web.security import Refusal

router = APIRouter(tags=["people"])

Name = Annotated[str, Path(max_length=64, pattern=r"^[A-Za-z0-9_-]+$")]
Side = Annotated[int, Query(ge=64, le=1024)]
Number = Annotated[int, Query(ge=0, le=2**53)]


class Wishes(BaseModel):
    """Where sliders are to stand: changes in years and degrees, probabilities."""

    model_config = ConfigDict(extra="forbid", allow_inf_nan=False)

    age: float | None = Field(None, ge=-40, le=40)
    smile: float | None = Field(None, ge=0, le=1)
    glasses: float | None = Field(None, ge=0, le=1)
    yaw: float | None = Field(None, ge=-30, le=30)
    pitch: float | None = Field(None, ge=-20, le=20)
    mouth_open: float | None = Field(None, ge=0, le=1)
    gender: float | None = Field(None, ge=0, le=1)

    def given(self) -> dict[str, float]:
        """Those that were set."""
        return self.model_dump(exclude_none=True)


class Mixture(BaseModel):
    """Whom to mix with, and which layers."""

    model_config = ConfigDict(extra="forbid", populate_by_name=True)

    other: str = Field(alias="with", max_length=64)
    layers: str = Field("coarse", pattern=r"^(coarse|middle|fine)(,(coarse|middle|fine))*$", max_length=40)


class Code(BaseModel):
    """A friend's code."""

    model_config = ConfigDict(extra="forbid")

    code: str = Field(max_length=12)


class Pair(BaseModel):
    """Two people, and a seed for their children."""

    model_config = ConfigDict(extra="forbid")

    a: str = Field(max_length=64)
    b: str = Field(max_length=64)
    seed: int = Field(0, ge=0, le=2**31)


class Scene(BaseModel):
    """Two people who become each other, or one who changes."""

    model_config = ConfigDict(extra="forbid")

    a: str | None = Field(None, max_length=64)
    b: str | None = Field(None, max_length=64)
    person: str | None = Field(None, max_length=64)


@router.get("/people/{name}/preview", response_class=Response)
async def preview(
    request: Request, booth: TheBooth, visit: TheVisit, name: Name, n: Number = 0, size: Side = 512
) -> Response:
    """What sliders would come to, at once; `n` counts up, and what was overtaken is answered 409 'stale'."""
    try:
        asked = {key: float(value) for key, value in request.query_params.items() if key not in ("n", "size")}
    except ValueError as error:
        raise Refusal(422, "no_number", "a slider's value is a number") from error
    return jpeg(await edits.preview(booth, visit, name, asked, size, n))


preview.__doc__ = f"{preview.__doc__} Sliders: {', '.join(SLIDERS)}."


@router.get("/people/{name}/image", response_class=Response)
async def image(
    booth: TheBooth,
    visit: TheVisit,
    name: Name,
    size: Side = 1024,
    v: str = "",
    step: Annotated[int | None, Query(ge=0, le=10**6)] = None,
    kept: Annotated[str, Query(max_length=16)] = "",
) -> Response:
    """Somebody as they are now, at a `step` of the history (0: as found), or `kept`; or as far as a search has come."""
    _, person = visit_flow.find_person(booth, visit, name, friends=True)
    if not person.body["playable"]:
        frame = booth.frames.get(person.id)
        if frame is None:
            return await crop(booth, visit, name)
        return jpeg(frame[1])
    chosen = edits.kept_step(person, kept) if kept else None
    if step is not None:
        if step >= len(person.body["history"]):
            raise Refusal(404, "no_step", "there is no such step")
        chosen = person.body["history"][step]
    return jpeg(await edits.picture(booth, visit, name, size=size, step=chosen))


@router.get("/people/{name}/crop", response_class=Response)
async def crop(booth: TheBooth, visit: TheVisit, name: Name) -> Response:
    """The photo's square of a face."""
    owner, person = visit_flow.find_person(booth, visit, name)
    path = booth.keep.folder_of(owner.id) / f"{person.id}.jpg"
    if not path.is_file():
        raise Refusal(404, "not_yet", "there is no picture yet", "wait a moment")
    return jpeg(path.read_bytes())


@router.post("/people/{name}/controls")
async def controls(booth: TheBooth, visit: TheVisit, name: Name, wishes: Wishes) -> Json:
    """Set sliders, exactly."""
    async with booth.lock(visit):
        return person_json(await edits.control(booth, visit, name, wishes.given()))


@router.post("/people/{name}/undo")
async def undo(booth: TheBooth, visit: TheVisit, name: Name) -> Json:
    """One step back."""
    return person_json(edits.move(booth, visit, name, -1))


@router.post("/people/{name}/redo")
async def redo(booth: TheBooth, visit: TheVisit, name: Name) -> Json:
    """One step forward again."""
    return person_json(edits.move(booth, visit, name, +1))


@router.post("/people/{name}/reset")
async def reset(booth: TheBooth, visit: TheVisit, name: Name) -> Json:
    """Back to the person as found."""
    return person_json(edits.reset(booth, visit, name))


@router.post("/people/{name}/keep")
async def keep(booth: TheBooth, visit: TheVisit, name: Name) -> Json:
    """Keep the person as they are now."""
    return person_json(edits.keep(booth, visit, name))


@router.post("/people/{name}/kept/{kept}")
async def restore(booth: TheBooth, visit: TheVisit, name: Name, kept: Name) -> Json:
    """Come back to what was kept."""
    return person_json(edits.restore(booth, visit, name, kept))


@router.post("/people/{name}/mix")
async def mix(booth: TheBooth, visit: TheVisit, name: Name, mixture: Mixture) -> Json:
    """Give somebody layers of another: a person's id, `seed:7`, or `sample:1`."""
    async with booth.lock(visit):
        return person_json(await edits.mix(booth, visit, name, mixture.other, mixture.layers))


@router.post("/people/{name}/surprise")
async def surprise(booth: TheBooth, visit: TheVisit, name: Name) -> Json:
    """Set a few sliders to somewhere else."""
    async with booth.lock(visit):
        return person_json(await edits.surprise(booth, visit, name))


@router.post("/visit/friends/code", tags=["friends"])
async def code(booth: TheBooth, visit: TheVisit) -> Json:
    """A short code that a friend may join by."""
    return friends.offer(booth, visit)


@router.post("/visit/friends", tags=["friends"])
async def join(booth: TheBooth, visit: TheVisit, given: Code) -> Json:
    """Join the visit that gave the code."""
    friends.join(booth, visit, given.code)
    return {"friends": len(visit.body["friends"])}


@router.get("/blend", response_class=Response, tags=["friends"])
async def blend(
    booth: TheBooth,
    visit: TheVisit,
    a: Annotated[str, Query(max_length=64)],
    b: Annotated[str, Query(max_length=64)],
    t: Annotated[float, Query(ge=0, le=1, allow_inf_nan=False)] = 0.5,
    n: Number = 0,
    size: Side = 512,
) -> Response:
    """Who is between two people."""
    return jpeg(await friends.blend(booth, visit, a, b, t, size, n))


@router.post("/children", tags=["friends"])
async def children(booth: TheBooth, visit: TheVisit, pair: Pair) -> Json:
    """Nine children of two people."""
    async with booth.lock(visit):
        born = await friends.children(booth, visit, pair.a, pair.b, pair.seed)
    return {"children": [person_json(person) for person in born]}


@router.post("/film", status_code=202, tags=["friends"])
async def film(booth: TheBooth, visit: TheVisit, scene: Scene) -> Json:
    """Begin a film; it is a job."""
    first = scene.person or scene.a
    if first is None:
        raise Refusal(422, "nobody", "say who: a and b, or person")
    return friends.job_json(friends.film(booth, visit, first, None if scene.person else scene.b))
