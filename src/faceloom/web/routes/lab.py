"""The Lab: what the networks saw, and what the generator can do. For the curious."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, Path, Query, Request, Response
from pydantic import BaseModel, ConfigDict, Field

from faceloom.store import Visit
from faceloom.web.booth import edits, lab, visit_flow
from faceloom.web.booth.booth import Booth
from faceloom.web.booth.lab import Drags, drag_json
from faceloom.web.booth.views import Json, person_json
from faceloom.web.routes.common import COOKIE, TheBooth, TheVisit, jpeg, the_booth
from faceloom.web.security import Refusal, our_page
from faceloom.web.worker.messages import FILM, QUICK


def open_lab(request: Request, booth: Annotated[Booth, Depends(the_booth)]) -> None:
    """Refuse where the operator has closed the Lab."""
    our_page(request)
    if not booth.settings.lab:
        raise Refusal(403, "lab_closed", "the Lab is closed here")


router = APIRouter(prefix="/lab", tags=["lab"], dependencies=[Depends(open_lab)])

Name = Annotated[str, Path(max_length=64, pattern=r"^[A-Za-z0-9_-]+$")]
Method = Literal["pca", "sefa"]
Layers = Literal["all", "coarse", "middle", "fine"]
Amount = Annotated[float, Field(ge=-6, le=6, allow_inf_nan=False)]
Part = Annotated[float, Field(ge=0, le=1, allow_inf_nan=False)]
Dot = tuple[Part, Part]


class Whose(BaseModel):
    """A face of the generator: a seed's, or a person's of the visit; truncated, and moved along two axes."""

    model_config = ConfigDict(extra="forbid")

    seed: int = Field(0, ge=0, lt=2**32)
    person: str = Field("", max_length=64, pattern=r"^[A-Za-z0-9_-]*$")
    psi: float = Field(0.7, ge=-1.5, le=1.5, allow_inf_nan=False, description="truncation: 0 is the mean face")
    cutoff: int = Field(64, ge=0, le=64, description="truncate only so many layers, the coarsest first")
    method: Method = Field("pca", description="how axes were discovered")
    x_axis: int = Field(1, ge=1, le=64)
    x: Amount = Field(0.0, description="standard deviations along the first axis")
    y_axis: int = Field(2, ge=1, le=64)
    y: Amount = Field(0.0, description="standard deviations along the second axis")
    layers: Layers = Field("all", description="the layers that are moved")
    size: int = Field(512, ge=64, le=1024)


class Pull(Whose):
    """What is to be dragged where: as many targets as handles, (x, y) in parts of the image's side."""

    handles: list[Dot] = Field(min_length=1, max_length=8)
    targets: list[Dot] = Field(min_length=1, max_length=8)
    around: Part = Field(0.0, description="hold everything further than this from the ways; 0: hold nothing")


def some_visit(request: Request, booth: TheBooth) -> Visit | None:
    """The visit of this browser, if there is one: the Lab shows invented people to everybody."""
    try:
        visit = booth.visit(request.cookies.get(COOKIE))
    except Refusal:
        return None
    booth.touch(visit)
    return visit


SomeVisit = Annotated[Visit | None, Depends(some_visit)]


def who(booth: Booth, visit: Visit | None, wanted: Whose) -> dict[str, Any]:
    """For the worker. Raises Refusal (404) for a person without a visit."""
    along = [(wanted.x_axis, wanted.x), (wanted.y_axis, wanted.y)]
    args = wanted.model_dump(include={"seed", "psi", "cutoff", "method", "layers", "size"})
    args |= {"along": [(axis, amount) for axis, amount in along if amount]}
    if wanted.person:
        if visit is None:
            raise Refusal(404, "no_visit", "there is no visit", "begin one")
        args["shown"] = edits.shown(booth, *visit_flow.playable(booth, visit, wanted.person))
    return args


@router.get("/generator")
async def generator(booth: TheBooth) -> Json:
    """The generator's layers: resolution, and whether they are coarse, middle or fine."""
    facts: Json = await booth.workshop.ask("lab.generator", {})
    return facts


@router.get("/axes")
async def axes(booth: TheBooth, method: Method = "pca") -> list[Json]:
    """Axes that nobody labelled: number, what the analyzer sees them move, and how much of all they explain."""
    found: list[Json] = await booth.workshop.ask("lab.axes", {"method": method}, rank=FILM)
    return found


@router.get("/face", response_class=Response)
async def face(
    booth: TheBooth,
    visit: SomeVisit,
    wanted: Annotated[Whose, Query()],
) -> Response:
    """Draw a face of the generator."""
    args = who(booth, visit, wanted)
    return jpeg(await booth.workshop.ask("lab.face", args, rank=QUICK, visit=visit.id if visit else ""))


@router.get("/people/{name}")
async def seen(booth: TheBooth, visit: TheVisit, name: Name) -> Json:
    """What the three networks saw of a person: the detector's boxes and points, the distance, every layer's style."""
    args = _of_photo(booth, visit, name)
    found: Json = await booth.workshop.ask("lab.seen", args, rank=FILM, visit=visit.id)
    return found


@router.get("/people/{name}/distance", response_class=Response)
async def distance(booth: TheBooth, visit: TheVisit, name: Name) -> Response:
    """Where photo and likeness differ, as VGG16 sees it: black where they are alike."""
    args = _of_photo(booth, visit, name)
    return jpeg(await booth.workshop.ask("lab.distance", args, rank=FILM, visit=visit.id))


def _of_photo(booth: Booth, visit: Visit, name: str) -> dict[str, Any]:
    owner, person = visit_flow.playable(booth, visit, name)
    if not person.body.get("photo"):
        raise Refusal(409, "no_photo", "this person was not photographed", "choose one who was")
    return {"shown": edits.shown(booth, owner, person), "photo": person.body["photo"]}


# -- dragging ---------------------------------------------------------------------------------------------------------


def the_drags(request: Request) -> Drags:
    """The drags that this server knows."""
    if not hasattr(request.app.state, "drags"):
        request.app.state.drags = Drags()
    drags: Drags = request.app.state.drags
    return drags


TheDrags = Annotated[Drags, Depends(the_drags)]


@router.post("/drags", status_code=202)
async def drag(request: Request, booth: TheBooth, visit: SomeVisit, drags: TheDrags, wanted: Pull) -> Json:
    """Begin to drag points of a face to where they should be."""
    booth.rates.allow("drag", request.client.host if request.client else "", 20, 60)
    if len(wanted.handles) != len(wanted.targets):
        raise Refusal(422, "unpaired", "give every point its target")
    args = who(booth, visit, wanted) | wanted.model_dump(include={"handles", "targets", "around"})
    return drag_json(drags.begin(booth, visit if wanted.person else None, wanted.person, args))


@router.get("/drags/{name}")
async def drag_state(booth: TheBooth, visit: SomeVisit, drags: TheDrags, name: Name) -> Json:
    """How far a drag has come: handles, distance, and whether it goes on."""
    return drag_json(drags.find(booth, name, visit.id if visit else ""))


@router.get("/drags/{name}/image", response_class=Response)
async def drag_image(booth: TheBooth, visit: SomeVisit, drags: TheDrags, name: Name) -> Response:
    """The face as dragged so far."""
    found = drags.find(booth, name, visit.id if visit else "")
    picture = booth.pictures.get((found.person, found.id))
    if picture is None:
        raise Refusal(404, "no_picture", "there is no picture yet")
    return jpeg(picture)


@router.delete("/drags/{name}")
async def stop(booth: TheBooth, visit: SomeVisit, drags: TheDrags, name: Name) -> Json:
    """Stop a drag where it is."""
    found = drags.find(booth, name, visit.id if visit else "")
    found.state = "stopped" if found.state == "running" else found.state
    return drag_json(found)


@router.post("/drags/{name}/keep")
async def keep(booth: TheBooth, visit: TheVisit, drags: TheDrags, name: Name) -> Json:
    """Keep what a drag came to as a step of the person; it can be undone."""
    async with booth.lock(visit):
        return person_json(await lab.keep(booth, visit, drags.find(booth, name, visit.id)))
