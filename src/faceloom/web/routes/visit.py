"""The visit: begin, agree, photo, faces, and the stream of what happens."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator
from typing import Annotated, Literal

from fastapi import APIRouter, File, Header, Query, Request, Response, UploadFile
from fastapi.sse import EventSourceResponse, ServerSentEvent
from pydantic import BaseModel, ConfigDict, Field

from faceloom.web.booth import visit_flow
from faceloom.web.booth.views import Json, visit_json
from faceloom.web.routes.common import COOKIE, TheBooth, TheVisit, jpeg
from faceloom.web.security import MAX_PHOTO, Refusal, our_page

router = APIRouter(tags=["visit"])
known = APIRouter(tags=["server"])


class Strict(BaseModel):
    """A body without anything that is not known."""

    model_config = ConfigDict(extra="forbid")


class Consent(Strict):
    """The visitor's answer."""

    agreed: bool


class Faces(Strict):
    """Which faces of the photo."""

    chosen: list[int] = Field(max_length=8)


class Screen(Strict):
    """A screen that needs no work."""

    state: Literal["play", "friend", "finish"]


@known.get("/booth")
async def the_facts(booth: TheBooth) -> Json:
    """What every page needs to know of this booth."""
    return {**booth.settings.public(), "ready": booth.workshop.alive, "lan": bool(booth.lan)}


@known.get("/health")
async def health(booth: TheBooth) -> Json:
    """Whether the worker can serve."""
    return {"ready": booth.workshop.alive, "error": booth.workshop.error}


@router.post("/visits", status_code=201)
async def begin(request: Request, response: Response, booth: TheBooth) -> Json:
    """Begin a visit in this browser; one that is going on in it is wiped."""
    our_page(request)
    booth.rates.allow("visits", request.client.host if request.client else "", 30, 60)
    with contextlib.suppress(Refusal):
        await booth.wipe(booth.visit(request.cookies.get(COOKIE)), takes=False)
    visit = booth.begin("booth", "consent")
    response.set_cookie(COOKIE, visit.id, httponly=True, samesite="strict", path="/")
    return visit_json(booth, visit)


@router.get("/visit")
async def resume(booth: TheBooth, visit: TheVisit) -> Json:
    """The visit of this browser as it is."""
    return visit_json(booth, visit)


@router.delete("/visit", status_code=204)
async def delete(booth: TheBooth, visit: TheVisit, response: Response) -> None:
    """Erase the visit and everything of it, now, also what it would take home."""
    await booth.wipe(visit)  # whatever goes on for it is stopped, not waited for
    response.delete_cookie(COOKIE, path="/")


@router.post("/visit/end", status_code=204)
async def end(booth: TheBooth, visit: TheVisit, response: Response) -> None:
    """End the visit; what was made to take home can be had until its own time is over."""
    await booth.wipe(visit, takes=False)
    response.delete_cookie(COOKIE, path="/")


@router.post("/visit/consent")
async def consent(booth: TheBooth, visit: TheVisit, answer: Consent) -> Json:
    """Agree, or not: then the visit is over."""
    async with booth.lock(visit):
        await visit_flow.agree(booth, visit, answer.agreed)
    return visit_json(booth, visit) if visit.id in booth.visits else {"state": "wiped"}


@router.post("/visit/photo")
async def photo(
    booth: TheBooth, visit: TheVisit, photo: Annotated[UploadFile, File()], add: Annotated[bool, Query()] = False
) -> Json:
    """Give a photo; `add` finds one more person and keeps those who are there."""
    data = await whole(photo)
    async with booth.lock(visit):
        await visit_flow.take_photo(booth, visit, data, add=add)
    return visit_json(booth, visit)


@router.post("/visit/look", openapi_extra={"requestBody": {"content": {"image/jpeg": {}}, "required": True}})
async def look(request: Request, booth: TheBooth, visit: TheVisit) -> Json:
    """Where the faces of the camera's frame are, in fractions of it; for the guide. Nothing is kept."""
    if not visit.body.get("consent"):
        raise Refusal(403, "no_consent", "nobody has agreed to a picture", "agree first")
    booth.rates.allow("look", visit.id, 5, 1)
    found: Json = await booth.workshop.ask(
        "look", {"data": await request.body()}, visit=visit.id, key=f"look {visit.id}"
    )
    return found


@router.get("/visit/photo", response_class=Response)
async def shown_photo(booth: TheBooth, visit: TheVisit) -> Response:
    """The photo, upright, without anything but its pixels."""
    path = booth.keep.folder_of(visit.id) / str(visit.body.get("photo"))
    if not visit.body.get("photo") or not path.is_file():
        raise Refusal(404, "no_photo", "there is no photo")
    return jpeg(path.read_bytes())


@router.post("/visit/faces")
async def faces(booth: TheBooth, visit: TheVisit, answer: Faces) -> Json:
    """Choose one face of the photo, or two."""
    async with booth.lock(visit):
        visit_flow.choose(booth, visit, answer.chosen)
    return visit_json(booth, visit)


@router.post("/visit/cancel")
async def cancel(booth: TheBooth, visit: TheVisit) -> Json:
    """Stop looking for somebody."""
    async with booth.lock(visit):
        await visit_flow.cancel(booth, visit)
    return visit_json(booth, visit)


@router.post("/visit/back")
async def back(booth: TheBooth, visit: TheVisit) -> Json:
    """One step back."""
    async with booth.lock(visit):
        await visit_flow.back(booth, visit)
    return visit_json(booth, visit) if visit.id in booth.visits else {"state": "wiped"}


@router.post("/visit/go")
async def go(booth: TheBooth, visit: TheVisit, answer: Screen) -> Json:
    """Go to play, friend or finish."""
    async with booth.lock(visit):
        visit_flow.go(booth, visit, answer.state)
    return visit_json(booth, visit)


@router.get("/visit/events", response_class=EventSourceResponse)
async def events(
    booth: TheBooth, visit: TheVisit, last_event_id: Annotated[str | None, Header()] = None
) -> AsyncIterator[ServerSentEvent]:
    """What happens to the visit: `visit`, `progress`, `queue`, `job`. The whole visit comes first."""
    after = int(last_event_id) if last_event_id and last_event_id.isdecimal() else None
    first = booth.hub.now("visit", visit_json(booth, visit))
    async for event in booth.hub.listen(visit.id, after, first):
        yield ServerSentEvent(data=event.data, event=event.name, id=str(event.id), retry=1000)


@router.post("/phone/{token}/photo", tags=["phone"])
async def phone_photo(request: Request, booth: TheBooth, token: str, photo: Annotated[UploadFile, File()]) -> Json:
    """A photo from the visitor's phone; the token is in the QR code that the booth shows."""
    our_page(request)
    booth.rates.allow("phone", request.client.host if request.client else "", 20, 60)
    visit = next((one for one in booth.visits.values() if one.body.get("phone") == token), None)
    if visit is None or not booth.settings.phone:
        raise Refusal(404, "no_visit", "this address is over", "scan the code again")
    booth.touch(visit)
    data = await whole(photo)
    async with booth.lock(visit):
        await visit_flow.take_photo(booth, visit, data)
    return {"state": visit.state}


async def whole(photo: UploadFile) -> bytes:
    """Read an upload. Raises Refusal (413) for one that is too large."""
    data = await photo.read(MAX_PHOTO + 1)
    if len(data) > MAX_PHOTO:
        raise Refusal(413, "too_large", f"the photo has more than {MAX_PHOTO >> 20} MB", "send a smaller one")
    return data
