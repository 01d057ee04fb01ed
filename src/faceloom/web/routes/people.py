"""Routes of people: pictures, previews, edits, history, mixing, friends, children and films."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query, Request, Response

from faceloom.store.models import Person, Step
from faceloom.web.booth import downloads, edits, friends, visit_flow
from faceloom.web.booth.job_views import JobView
from faceloom.web.booth.views import ChildrenView, DownloadView, FriendCodeView, FriendCountView, PersonView
from faceloom.web.routes.common import ERRORS, JPEG, JpegResponse, TheBooth, TheVisit, while_connected
from faceloom.web.routes.models import (
    FamilyRequest,
    FilmRequest,
    FriendCodeEntry,
    Id,
    ImageSize,
    Parents,
    PersonMix,
    PreviewQuery,
    Sequence,
    SliderValues,
    StyleChoice,
)
from faceloom.web.security import RequestRefused

router = APIRouter(tags=["people"], responses=ERRORS)

MAX_PREVIEWS = 1200  # previews and pictures that a visit may request in a minute, as a moving slider does


@router.get("/people/{id}/preview", response_class=JpegResponse, responses=JPEG)
async def preview(booth: TheBooth, visit: TheVisit, id: Id, query: Annotated[PreviewQuery, Query()]) -> Response:
    """Draw the predicted face at slider values, at once. A request that a newer `n` replaced is answered 409."""
    booth.rate_limiter.check("preview", visit.id, MAX_PREVIEWS, 60)
    values = query.slider_values()
    return JpegResponse(await edits.preview(booth, visit, id, values, size=query.size, sequence=query.n))


@router.get("/people/{id}/image", response_class=JpegResponse, responses=JPEG)
async def read_image(
    booth: TheBooth,
    visit: TheVisit,
    id: Id,
    size: ImageSize = 1024,
    v: Annotated[str, Query(description="Version, so that browsers do not show an old picture")] = "",
    step: Annotated[int | None, Query(ge=0, le=10**6, description="Step of the history; 0 is as encoded")] = None,
    kept: Annotated[str, Query(max_length=16, description="Id of a kept step")] = "",
) -> Response:
    """Draw a person as shown now, or at a step. During the encoding, this is its latest picture."""
    booth.rate_limiter.check("preview", visit.id, MAX_PREVIEWS, 60)
    _, person = visit_flow.find_person(booth, visit, id, friends=True)
    if not person.playable:
        frame = booth.progress_frames.get(person.id)
        return JpegResponse(frame.jpeg) if frame else await read_crop(booth, visit, id)
    return JpegResponse(await edits.render(booth, visit, id, size=size, step=_choose_step(person, step, kept)))


def _choose_step(person: Person, number: int | None, kept: str) -> Step | None:
    """Return a step by its number in the history or by the id of a kept step, or None for the current one."""
    if number is None:
        return edits.find_kept_step(person, kept) if kept else None
    if number >= len(person.history):
        raise RequestRefused(404, "no_step", "there is no such step")
    return person.history[number]


@router.get("/people/{id}/crop", response_class=JpegResponse, responses=JPEG)
async def read_crop(booth: TheBooth, visit: TheVisit, id: Id) -> Response:
    """Return the aligned crop of the photo."""
    owner, person = visit_flow.find_person(booth, visit, id)
    path = booth.store.folder_of(owner.id) / f"{person.id}.jpg"
    if not path.is_file():
        raise RequestRefused(404, "not_yet", "there is no picture yet", "wait a moment")
    return JpegResponse(path.read_bytes())


@router.post("/people/{id}/edit")
async def edit(booth: TheBooth, visit: TheVisit, id: Id, values: SliderValues) -> PersonView:
    """Edit a person to slider values, as far as the bounds of all other attributes allow.

    The result is checked and corrected. `outcome` tells what was reached and which bounds stopped the edit.
    """
    async with booth.lock(visit):
        return booth.view_person(await edits.edit(booth, visit, id, values.slider_values()))


@router.post("/people/{id}/undo")
async def undo(booth: TheBooth, visit: TheVisit, id: Id) -> PersonView:
    """Undo the last step."""
    return booth.view_person(edits.move_in_history(booth, visit, id, -1))


@router.post("/people/{id}/redo")
async def redo(booth: TheBooth, visit: TheVisit, id: Id) -> PersonView:
    """Redo the step that was undone last."""
    return booth.view_person(edits.move_in_history(booth, visit, id, +1))


@router.post("/people/{id}/reset")
async def reset(booth: TheBooth, visit: TheVisit, id: Id) -> PersonView:
    """Go back to the person as encoded."""
    return booth.view_person(edits.reset(booth, visit, id))


@router.post("/people/{id}/keep")
async def keep(booth: TheBooth, visit: TheVisit, id: Id) -> PersonView:
    """Keep the current step."""
    return booth.view_person(edits.keep(booth, visit, id))


@router.post("/people/{id}/kept/{kept}")
async def restore(booth: TheBooth, visit: TheVisit, id: Id, kept: Id) -> PersonView:
    """Go to a kept step."""
    return booth.view_person(edits.restore(booth, visit, id, kept))


@router.post("/people/{id}/mix")
async def mix(booth: TheBooth, visit: TheVisit, id: Id, request: PersonMix) -> PersonView:
    """Replace layers of a person with those of another person or of a generated face."""
    async with booth.lock(visit):
        return booth.view_person(await edits.mix(booth, visit, id, request.other, request.layers))


@router.post("/people/{id}/style")
async def set_style(booth: TheBooth, visit: TheVisit, id: Id, choice: StyleChoice) -> PersonView:
    """Draw a person in a style, or as a photo. This is a step, which can be undone; edits go on as before."""
    async with booth.lock(visit):
        return booth.view_person(edits.set_style(booth, visit, id, choice.style))


@router.post("/people/{id}/surprise")
async def surprise(booth: TheBooth, visit: TheVisit, id: Id) -> PersonView:
    """Edit two or three random sliders."""
    async with booth.lock(visit):
        return booth.view_person(await edits.surprise(booth, visit, id))


# -- friends ----------------------------------------------------------------------------------------------------------


@router.post("/visit/friends/code", tags=["friends"])
async def make_friend_code(booth: TheBooth, visit: TheVisit) -> FriendCodeView:
    """Return a short code with which another visit can join this one."""
    return friends.make_code(booth, visit)


@router.post("/visit/friends", tags=["friends"])
async def join_friend(booth: TheBooth, visit: TheVisit, entry: FriendCodeEntry) -> FriendCountView:
    """Join the visit of a code."""
    friends.join(booth, visit, entry.code)
    return FriendCountView(friends=len(visit.friends))


@router.get("/blend", response_class=JpegResponse, responses=JPEG, tags=["friends"])
async def blend(
    booth: TheBooth,
    visit: TheVisit,
    a: Annotated[str, Query(max_length=64)],
    b: Annotated[str, Query(max_length=64)],
    t: Annotated[float, Query(ge=0, le=1, allow_inf_nan=False, description="0 is `a`, 1 is `b`")] = 0.5,
    n: Sequence = 0,
    size: ImageSize = 512,
) -> Response:
    """Draw the face between two people."""
    booth.rate_limiter.check("preview", visit.id, MAX_PREVIEWS, 60)
    return JpegResponse(await friends.render_between(booth, visit, a, b, t=t, size=size, sequence=n))


@router.post("/children", tags=["friends"])
async def make_children(request: Request, booth: TheBooth, visit: TheVisit, parents: Parents) -> ChildrenView:
    """Make children of two people at an age, nine unless fewer are asked for.

    Each child belongs to the visit as soon as it is drawn. Closing the connection cancels the others.
    """
    plan = friends.ChildrenPlan(**parents.model_dump(exclude={"a", "b"}))
    async with booth.lock(visit):
        work = friends.make_children(booth, visit, parents.a, parents.b, plan)
        children = await while_connected(request, work)
    return ChildrenView(children=[booth.view_person(child) for child in children])


@router.post("/visit/family", tags=["friends"])
async def make_family(request: Request, booth: TheBooth, visit: TheVisit, family: FamilyRequest) -> DownloadView:
    """Make a portrait of two parents and up to six of their children in one light. It is a download.

    Closing the connection cancels it.
    """
    async with booth.lock(visit):
        work = downloads.make_family(booth, visit, (family.a, family.b), family.children)
        download = await while_connected(request, work)
    return downloads.view_of(booth, download)


@router.post("/film", status_code=202, tags=["friends"])
async def start_film(booth: TheBooth, visit: TheVisit, film: FilmRequest) -> JobView:
    """Start a film; it is a job."""
    first = film.person or film.a
    if first is None:
        raise RequestRefused(422, "no_people", "the film has no person", "give a and b, or person")
    return friends.start_film(booth, visit, first, None if film.person else film.b).view()
