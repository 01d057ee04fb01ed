"""Routes of the visit: begin, consent, photo, faces, and the stream of events."""

from __future__ import annotations

import contextlib
import re
from collections.abc import AsyncIterator
from typing import Annotated

from fastapi import APIRouter, File, Header, Query, Request, Response, UploadFile
from fastapi.sse import EventSourceResponse, ServerSentEvent

from faceloom.store import ErasePending
from faceloom.web.booth import visit_flow
from faceloom.web.booth.booth import Booth
from faceloom.web.booth.views import (
    BoothView,
    FrameFacesView,
    FrameFaceView,
    HealthView,
    PhoneView,
    VisitView,
    WipedView,
)
from faceloom.web.routes.common import (
    BINARY,
    ERRORS,
    JPEG,
    VISIT_COOKIE,
    JpegResponse,
    TheBooth,
    TheVisit,
    client_host,
    delete_cookie,
    is_own_screen,
    read_photo,
    set_cookie,
)
from faceloom.web.routes.models import ChosenFaces, ConsentAnswer, Screen
from faceloom.web.security import RequestRefused, require_page_header
from faceloom.web.worker.messages import DetectInFrame

router = APIRouter(tags=["visit"], responses=ERRORS)
server = APIRouter(tags=["server"], responses=ERRORS)

EVENT_ID = re.compile(r"[0-9]{1,18}")  # numbers of events are milliseconds since 1970


@server.get("/booth")
async def read_booth(request: Request, booth: TheBooth) -> BoothView:
    """Return the facts of this booth that every page needs."""
    return BoothView(
        **booth.settings.public().model_dump(),
        ready=booth.worker.alive,
        lan=bool(booth.lan),
        styles=list(booth.styles),
        camera=booth.settings.camera if is_own_screen(request) else "browser",
    )


@server.get("/health")
async def read_health(booth: TheBooth) -> HealthView:
    """Return whether the worker is ready."""
    return HealthView(ready=booth.worker.alive, error=booth.worker.error)


@router.post("/visits", status_code=201)
async def begin_visit(request: Request, response: Response, booth: TheBooth) -> VisitView:
    """Begin a visit in this browser. The browser's earlier visit is erased."""
    require_page_header(request)
    booth.rate_limiter.check("visits", client_host(request), 30, 60)
    with contextlib.suppress(RequestRefused, ErasePending):  # what is pending is tried again by every sweep
        await booth.erase(booth.find_visit(request.cookies.get(VISIT_COOKIE)), downloads=False)
    visit = booth.begin_visit("booth", "consent")
    set_cookie(response, booth, VISIT_COOKIE, visit.id)
    return booth.view(visit)


@router.get("/visit")
async def read_visit(booth: TheBooth, visit: TheVisit) -> VisitView:
    """Return the visit of this browser."""
    return booth.view(visit)


@router.delete("/visit", status_code=204)
async def erase_visit(request: Request, booth: TheBooth, response: Response) -> None:
    """Erase the visit and all of its data now, including its downloads. Running work is canceled.

    Answers 507 `erase_pending` when the disk keeps something from being erased. The visit is over then, the booth
    tries again every few seconds, and so does this request.
    """
    await _erase(request, booth, downloads=True)
    delete_cookie(response, booth, VISIT_COOKIE)


@router.post("/visit/end", status_code=204)
async def end_visit(request: Request, booth: TheBooth, response: Response) -> None:
    """Erase the visit; its downloads stay until they expire. Answers 507 `erase_pending` as `DELETE` does."""
    await _erase(request, booth, downloads=False)
    delete_cookie(response, booth, VISIT_COOKIE)


async def _erase(request: Request, booth: Booth, *, downloads: bool) -> None:
    """Erase the visit of this browser, or try again when it is over. Raises RequestRefused (404), ErasePending."""
    require_page_header(request)
    visit_id = request.cookies.get(VISIT_COOKIE, "")
    visit = booth.ended[visit_id].visit if visit_id in booth.ended else booth.find_visit(visit_id)
    await booth.erase(visit, downloads=downloads)


@router.post("/visit/consent")
async def answer_consent(booth: TheBooth, visit: TheVisit, answer: ConsentAnswer) -> VisitView | WipedView:
    """Agree to pictures, or decline: then the visit is erased."""
    async with booth.lock(visit):
        await visit_flow.answer_consent(booth, visit, answer.agreed)
    return booth.view(visit) if visit.id in booth.visits else WipedView()


@router.post("/visit/guardian")
async def answer_guardian(booth: TheBooth, visit: TheVisit, answer: ConsentAnswer) -> VisitView | WipedView:
    """Record that a minor's parent or guardian agrees, or declines: then the visit is erased.

    A booth with an age gate answers a photo of a person who looks too young with 403 `guardian_needed`.
    """
    async with booth.lock(visit):
        await visit_flow.answer_guardian(booth, visit, answer.agreed)
    return booth.view(visit) if visit.id in booth.visits else WipedView()


@router.post("/visit/photo")
async def send_photo(
    booth: TheBooth, visit: TheVisit, photo: Annotated[UploadFile, File()], add: Annotated[bool, Query()] = False
) -> VisitView:
    """Send a photo and detect its faces. With `add`, the people of earlier photos stay."""
    data = await read_photo(photo)
    async with booth.lock(visit):
        await visit_flow.receive_photo(booth, visit, data, add=add)
    return booth.view(visit)


@router.post(
    "/visit/detect", openapi_extra={"requestBody": {"content": {"image/jpeg": {"schema": BINARY}}, "required": True}}
)
async def detect_in_frame(request: Request, booth: TheBooth, visit: TheVisit) -> FrameFacesView:
    """Detect the faces in a frame of the camera, for the guide on the page. The frame is not stored."""
    visit_flow.require_consent(booth, visit)
    booth.rate_limiter.check("detect", visit.id, 5, 1)
    task = DetectInFrame(await request.body())
    faces = await booth.worker.run(task, visit=visit.id, key=f"detect {visit.id}")
    return FrameFacesView(faces=[FrameFaceView(box=face.box) for face in faces])


@router.get("/visit/photo", response_class=JpegResponse, responses=JPEG)
async def read_photo_of_visit(booth: TheBooth, visit: TheVisit) -> Response:
    """Return the photo, upright and without metadata."""
    path = booth.store.folder_of(visit.id) / (visit.photo or "")
    if not visit.photo or not path.is_file():
        raise RequestRefused(404, "no_photo", "there is no photo")
    return JpegResponse(path.read_bytes())


@router.post("/visit/faces")
async def choose_faces(booth: TheBooth, visit: TheVisit, answer: ChosenFaces) -> VisitView:
    """Choose one or two faces of the photo. Their encoding starts."""
    async with booth.lock(visit):
        visit_flow.choose_faces(booth, visit, answer.chosen)
    return booth.view(visit)


@router.post("/visit/cancel")
async def cancel_encoding(booth: TheBooth, visit: TheVisit) -> VisitView:
    """Cancel the running encodings."""
    async with booth.lock(visit):
        await visit_flow.cancel_encoding(booth, visit)
    return booth.view(visit)


@router.post("/visit/back")
async def go_back(booth: TheBooth, visit: TheVisit) -> VisitView | WipedView:
    """Go one screen back."""
    async with booth.lock(visit):
        await visit_flow.go_back(booth, visit)
    return booth.view(visit) if visit.id in booth.visits else WipedView()


@router.post("/visit/go")
async def show_screen(booth: TheBooth, visit: TheVisit, answer: Screen) -> VisitView:
    """Go to the screen `play`, `friend` or `finish`."""
    async with booth.lock(visit):
        visit_flow.show_screen(booth, visit, answer.state)
    return booth.view(visit)


@router.get("/visit/events", response_class=EventSourceResponse)
async def stream_events(
    request: Request, booth: TheBooth, visit: TheVisit, last_event_id: Annotated[str | None, Header()] = None
) -> AsyncIterator[ServerSentEvent]:
    """Stream the events of the visit: `visit`, `progress`, `queue`, `job`. The whole visit comes first.

    The booth's own screen also gets `shutter` when the booth's button is pressed.
    """
    after = int(last_event_id) if last_event_id and EVENT_ID.fullmatch(last_event_id) else None
    first = booth.events.make("visit", booth.view(visit))
    async for event in booth.events.listen(visit.id, after, first, own_screen=is_own_screen(request)):
        yield ServerSentEvent(data=event.data, event=event.name, id=str(event.id), retry=1000)


@router.post("/phone/{token}/photo", tags=["phone"])
async def send_photo_from_phone(
    request: Request, booth: TheBooth, token: str, photo: Annotated[UploadFile, File()]
) -> PhoneView:
    """Send a photo from the visitor's phone. The token is in the QR code that the booth shows."""
    require_page_header(request)
    booth.rate_limiter.check("phone", client_host(request), 20, 60)
    visit = next((visit for visit in booth.visits.values() if visit.phone == token), None)
    if visit is None or not booth.settings.phone:
        raise RequestRefused(404, "no_visit", "this address has expired", "scan the code again")
    booth.touch(visit)
    data = await read_photo(photo)
    async with booth.lock(visit):
        await visit_flow.receive_photo(booth, visit, data)
    return PhoneView(state=visit.state)
