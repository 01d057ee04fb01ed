"""Routes of the Lab: intermediate results of the networks, faces of the generator, discovered axes, and drags."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request, Response

from faceloom.store import Visit
from faceloom.web.booth import lab, visit_flow
from faceloom.web.booth.background import shown_ref
from faceloom.web.booth.booth import Booth
from faceloom.web.booth.lab import Drags
from faceloom.web.booth.views import DragView, PersonView
from faceloom.web.routes.common import (
    ERRORS,
    JPEG,
    VISIT_COOKIE,
    JpegResponse,
    TheBooth,
    TheVisit,
    client_host,
    get_booth,
)
from faceloom.web.routes.models import DragRequest, Id, LabFaceQuery
from faceloom.web.security import RequestRefused, require_page_header
from faceloom.web.worker.messages import (
    Axis,
    AxisMethod,
    DescribeGenerator,
    DiscoverAxes,
    GeneratorFacts,
    Inspection,
    InspectPerson,
    LabFace,
    PersonRef,
    Priority,
    RenderDistanceMap,
    RenderLabFace,
)

MAX_LAB_FACES = 300  # faces of the Lab that a client may request in a minute, as a moving slider does
MAX_LAB_INSPECTIONS = 60  # other results of networks that a client may request in a minute


def require_lab(request: Request, booth: Annotated[Booth, Depends(get_booth)]) -> None:
    """Raise RequestRefused (403) when the operator has closed the Lab."""
    require_page_header(request)
    if not booth.settings.lab:
        raise RequestRefused(403, "lab_closed", "the Lab is closed on this booth")


router = APIRouter(prefix="/lab", tags=["lab"], responses=ERRORS, dependencies=[Depends(require_lab)])


def get_visit_or_none(request: Request, booth: TheBooth) -> Visit | None:
    """Return the visit of this browser, or None: the Lab shows generated faces without a visit."""
    try:
        visit = booth.find_visit(request.cookies.get(VISIT_COOKIE))
    except RequestRefused:
        return None
    booth.touch(visit)
    return visit


OptionalVisit = Annotated[Visit | None, Depends(get_visit_or_none)]


def lab_face(booth: Booth, visit: Visit | None, query: LabFaceQuery) -> LabFace:
    """Return the face that a request names. Raises RequestRefused (404) for a person without a visit."""
    person: PersonRef | None = None
    if query.person:
        if visit is None:
            raise RequestRefused(404, "no_visit", "there is no visit", "begin one")
        person = shown_ref(booth, *visit_flow.find_playable(booth, visit, query.person))
    along = ((query.x_axis, query.x), (query.y_axis, query.y))
    return LabFace(
        seed=query.seed,
        person=person,
        psi=query.psi,
        cutoff=query.cutoff,
        method=query.method,
        along=tuple((axis, amount) for axis, amount in along if amount),
        layers=query.layers,
        size=query.size,
    )


@router.get("/generator")
async def describe_generator(booth: TheBooth) -> GeneratorFacts:
    """Return the generator's layers: their resolutions, and whether they are coarse, middle or fine."""
    return await booth.worker.run(DescribeGenerator())


@router.get("/axes")
async def discover_axes(request: Request, booth: TheBooth, method: AxisMethod = "pca") -> tuple[Axis, ...]:
    """Return the strongest axes that a method discovers without labels."""
    booth.rate_limiter.check("lab", client_host(request), MAX_LAB_INSPECTIONS, 60)
    return await booth.worker.run(DiscoverAxes(method), priority=Priority.FILM)


@router.get("/face", response_class=JpegResponse, responses=JPEG)
async def render_face(
    request: Request, booth: TheBooth, visit: OptionalVisit, query: Annotated[LabFaceQuery, Query()]
) -> Response:
    """Draw a face of the generator."""
    client = visit.id if visit else client_host(request)
    booth.rate_limiter.check("lab face", client, MAX_LAB_FACES, 60)
    task = RenderLabFace(lab_face(booth, visit, query))
    picture = await booth.worker.run(task, priority=Priority.PREVIEW, visit=visit.id if visit else "", client=client)
    return JpegResponse(picture)


@router.get("/people/{id}")
async def inspect_person(booth: TheBooth, visit: TheVisit, id: Id) -> Inspection:
    """Return intermediate results of the networks: the detector's boxes, the LPIPS distance, each layer's style."""
    booth.rate_limiter.check("lab", visit.id, MAX_LAB_INSPECTIONS, 60)
    task = InspectPerson(*_person_and_photo(booth, visit, id))
    return await booth.worker.run(task, priority=Priority.FILM, visit=visit.id)


@router.get("/people/{id}/distance", response_class=JpegResponse, responses=JPEG)
async def render_distance(booth: TheBooth, visit: TheVisit, id: Id) -> Response:
    """Draw a map of the LPIPS distance between photo and likeness: black where it is 0."""
    booth.rate_limiter.check("lab", visit.id, MAX_LAB_INSPECTIONS, 60)
    task = RenderDistanceMap(*_person_and_photo(booth, visit, id))
    return JpegResponse(await booth.worker.run(task, priority=Priority.FILM, visit=visit.id))


def _person_and_photo(booth: Booth, visit: Visit, id: str) -> tuple[PersonRef, str]:
    """Return a person and their photo. Raises RequestRefused (409) for a person without a photo."""
    owner, person = visit_flow.find_playable(booth, visit, id)
    if not person.photo:
        raise RequestRefused(409, "no_photo", "this person was not photographed", "choose a photographed person")
    return shown_ref(booth, owner, person), person.photo


# -- drags ------------------------------------------------------------------------------------------------------------


def get_drags(request: Request) -> Drags:
    """Return the drags of this server."""
    drags: Drags = request.app.state.drags
    return drags


TheDrags = Annotated[Drags, Depends(get_drags)]


@router.post("/drags", status_code=202, response_model_exclude_unset=True)
async def start_drag(
    request: Request, booth: TheBooth, visit: OptionalVisit, drags: TheDrags, drag: DragRequest
) -> DragView:
    """Start to drag points of a face to their targets."""
    booth.rate_limiter.check("drag", client_host(request), 20, 60)
    if len(drag.handles) != len(drag.targets):
        raise RequestRefused(422, "unpaired", "give each handle one target")
    task = lab.new_task(lab_face(booth, visit, drag), drag.handles, drag.targets, drag.around)
    return drags.start(booth, visit if drag.person else None, drag.person, task).view()


@router.get("/drags/{id}", response_model_exclude_unset=True)
async def read_drag(booth: TheBooth, visit: OptionalVisit, drags: TheDrags, id: Id) -> DragView:
    """Return the progress of a drag."""
    return drags.find(booth, id, visit.id if visit else "").view()


@router.get("/drags/{id}/image", response_class=JpegResponse, responses=JPEG)
async def read_drag_image(booth: TheBooth, visit: OptionalVisit, drags: TheDrags, id: Id) -> Response:
    """Return the latest picture of a drag."""
    drag = drags.find(booth, id, visit.id if visit else "")
    picture = booth.pictures.get((drag.person, drag.id))
    if picture is None:
        raise RequestRefused(404, "no_picture", "there is no picture yet")
    return JpegResponse(picture)


@router.delete("/drags/{id}", response_model_exclude_unset=True)
async def stop_drag(booth: TheBooth, visit: OptionalVisit, drags: TheDrags, id: Id) -> DragView:
    """Stop a drag; its result stays."""
    drag = drags.find(booth, id, visit.id if visit else "")
    drag.stop()
    return drag.view()


@router.post("/drags/{id}/keep")
async def keep_drag(booth: TheBooth, visit: TheVisit, drags: TheDrags, id: Id) -> PersonView:
    """Store the result of a drag as a step of the person, which can be undone."""
    async with booth.lock(visit):
        return booth.view_person(await lab.keep_drag(booth, visit, drags.find(booth, id, visit.id)))
