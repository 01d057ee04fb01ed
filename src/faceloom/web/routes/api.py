"""Routes of the REST API for programs, behind a token: detect, analyze, encode, edit, mix, morph, generate.

A likeness is named by a random id. Everyone who has the id and the token can use it, until it expires because no
request used it.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Annotated, Literal

from fastapi import APIRouter, Depends, File, Form, Query, Request, Response, UploadFile
from fastapi.responses import FileResponse
from fastapi.security import HTTPBearer
from fastapi.sse import EventSourceResponse, ServerSentEvent

from faceloom.web.booth import api_sessions, edits, own_data
from faceloom.web.booth.booth import Booth
from faceloom.web.booth.build_views import likeness_view
from faceloom.web.booth.friends import ChildrenPlan
from faceloom.web.booth.job_views import JobView, LikenessView
from faceloom.web.booth.jobs import Job
from faceloom.web.booth.views import AnalyzedView, DetectedView
from faceloom.web.booth.word_requests import WordRequest, read_words
from faceloom.web.routes.common import (
    ERRORS,
    JPEG,
    VISIT_COOKIE,
    JpegResponse,
    TheBooth,
    media,
    read_photo,
    while_connected,
    zip_response,
)
from faceloom.web.routes.models import (
    ChildRequest,
    GenerateRequest,
    Id,
    ImageSize,
    LikenessEdit,
    LikenessMix,
    MorphRequest,
)
from faceloom.web.security import RequestRefused, require_page_header, secrets_equal

BEARER = HTTPBearer(auto_error=False, scheme_name="token", description="The token that the server prints")
"""Declares the token in the OpenAPI document; `get_booth_with_token` checks it."""

router = APIRouter(tags=["programs"], responses=ERRORS, dependencies=[Depends(BEARER)])
jobs = APIRouter(tags=["jobs"], responses=ERRORS)

REQUESTS_PER_MINUTE = 240  # requests with the token
MAX_ENCODE_SECONDS = 120.0


def has_token(request: Request) -> bool:
    """Return whether the request carries the token. Raises RequestRefused (401) for a wrong one."""
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    if not token:
        return False
    if scheme.lower() != "bearer" or not secrets_equal(token.strip(), request.app.state.token):
        raise RequestRefused(401, "wrong_token", "the token is wrong", "the server printed it when it was started")
    return True


def get_booth_with_token(request: Request, booth: TheBooth) -> Booth:
    """Return the booth for a request with the token. Raises RequestRefused (401, 429)."""
    if not has_token(request):
        raise RequestRefused(
            401, "no_token", "this request needs a token", "send the header Authorization: Bearer TOKEN"
        )
    booth.rate_limiter.check("program", "", REQUESTS_PER_MINUTE, 60)
    return booth


BoothWithToken = Annotated[Booth, Depends(get_booth_with_token)]
Photo = Annotated[UploadFile, File(description="JPEG, PNG, WebP, GIF, AVIF; at most 20 MB")]


@router.post("/detect")
async def detect(booth: BoothWithToken, photo: Photo) -> DetectedView:
    """Detect the faces of a photo, largest first. The photo is not kept."""
    return await api_sessions.detect(booth, await read_photo(photo))


@router.post("/analyze")
async def analyze(booth: BoothWithToken, photo: Photo) -> AnalyzedView:
    """Read the attributes of every face of a photo. The photo is not kept."""
    return await api_sessions.analyze(booth, await read_photo(photo))


@router.post("/encode", status_code=202)
async def encode(
    booth: BoothWithToken,
    photo: Photo,
    face: Annotated[int, Form(ge=0, le=1000, description="Number of the face, from 0")] = 0,
    seconds: Annotated[float, Form(ge=1, le=MAX_ENCODE_SECONDS, allow_inf_nan=False)] = 10,
    guardian: Annotated[bool, Form(description="Whether the guardians of all minors in the photo agree")] = False,
) -> JobView:
    """Start to encode a face of a photo. This is a job, whose result holds the likeness.

    A program vouches for the consent of the people in its photos, which is recorded. With an age gate, a photo of a
    person who looks too young is answered with 403 `guardian_needed` or `too_young`.
    """
    data = await read_photo(photo)
    return (await api_sessions.start_encoding(booth, data, face, seconds, guardian=guardian)).view()


@router.post("/edit")
async def edit(booth: BoothWithToken, request: LikenessEdit) -> LikenessView:
    """Edit a likeness to slider values, or by words. Sliders that are not named keep their values.

    `say` holds changes in words, as 'ten years older, no glasses'; they start at what the picture shows, and go as far
    as the sliders do. The edit keeps all other attributes and the identity within bounds, and goes as far as they
    allow: `outcome` tells what was reached and which bounds stopped it. `force` lifts the bounds. `reworded` tells
    which words were taken for others, where the sentence embedding is installed.
    """
    visit, person = api_sessions.find_likeness(booth, request.likeness)
    async with booth.lock(visit):
        values = request.slider_values()
        said = WordRequest()
        if request.say is not None:
            said = await asyncio.to_thread(read_words, person, request.say, values)
        edited = await edits.edit(booth, visit, person.id, values | dict(said.values), force=request.force)
    return likeness_view(visit, edited, booth.api, said.rewordings)


@router.post("/mix", status_code=201)
async def mix(booth: BoothWithToken, request: LikenessMix) -> LikenessView:
    """Make a new likeness: `a` with layers of `b`. Both stay as they are."""
    visit, person = api_sessions.find_likeness(booth, request.a)
    async with booth.lock(visit):
        return await api_sessions.mix(booth, visit, person, request.b, request.layers)


@router.post("/child", status_code=201)
async def make_child(connection: Request, booth: BoothWithToken, request: ChildRequest) -> LikenessView:
    """Make a child of two likenesses at an age. It is a likeness of its own. Closing the connection cancels it."""
    plan = ChildrenPlan(request.seed, request.age, request.balance, request.number, 1)
    return await while_connected(connection, api_sessions.make_child(booth, request.a, request.b, plan))


@router.post("/likenesses/{id}/film", status_code=202)
async def start_film(booth: BoothWithToken, id: Id) -> JobView:
    """Start a film of a likeness from as encoded to as edited. This is a job, whose url is the film."""
    return api_sessions.start_film(booth, id).view()


@router.post("/morph", status_code=202)
async def morph(booth: BoothWithToken, request: MorphRequest) -> JobView:
    """Start a film of two likenesses that morph into each other. This is a job, whose url is the film."""
    return api_sessions.start_morph(booth, request.a, request.b).view()


@router.post("/generate", status_code=201)
async def generate(booth: BoothWithToken, request: GenerateRequest) -> LikenessView:
    """Generate a face from a seed."""
    return await api_sessions.generate(booth, request.seed, request.psi)


@router.get("/likenesses/{id}")
async def read_likeness(booth: BoothWithToken, id: Id) -> LikenessView:
    """Return the facts of a likeness: quality, attributes, slider values."""
    return likeness_view(*api_sessions.find_likeness(booth, id), booth.api)


@router.get("/likenesses/{id}/image", response_class=JpegResponse, responses=JPEG)
async def read_likeness_image(
    booth: BoothWithToken,
    id: Id,
    size: ImageSize = 1024,
    marks: Annotated[Literal["on", "off"], Query(description="off: without marks, if the operator allows it")] = "on",
) -> Response:
    """Draw a likeness as edited, with the marks of AI-generated pictures.

    `marks=off` is answered with 403 `marks_required` unless the operator's settings allow it; each use is logged.
    """
    visit, person = api_sessions.find_likeness(booth, id)
    if marks == "off":
        api_sessions.require_unmarked(booth)
    return JpegResponse(await edits.render(booth, visit, person.id, size=size, marked=marks == "on"))


@router.get("/likenesses/{id}/file", response_class=FileResponse, responses=media("application/octet-stream"))
async def read_likeness_file(booth: BoothWithToken, id: Id) -> FileResponse:
    """Return a likeness as encoded, as a .likeness file, which the command line and `Studio` open."""
    visit, person = api_sessions.find_likeness(booth, id)
    path = booth.store.folder_of(visit.id) / f"{person.id}.likeness"
    return FileResponse(path, media_type="application/octet-stream", filename="person.likeness")


@router.get("/likenesses/{id}/export", response_class=Response, responses=media("application/zip"))
async def export_likeness(booth: BoothWithToken, id: Id) -> Response:
    """Return everything that is stored about a likeness as a zip."""
    visit, _ = api_sessions.find_likeness(booth, id)
    return zip_response(await own_data.export_visit(booth, visit))


@router.delete("/likenesses/{id}", status_code=204)
async def erase_likeness(booth: BoothWithToken, id: Id) -> None:
    """Erase a likeness and all that was made of it.

    Answers 507 `erase_pending` when the disk keeps something from being erased. The likeness is gone then, the server
    tries again every few seconds, and so does this request.
    """
    if id in booth.ended:
        await booth.erase(booth.ended[id].visit)
        return
    visit, _ = api_sessions.find_likeness(booth, id)
    await booth.erase(visit)


# -- jobs -------------------------------------------------------------------------------------------------------------


def find_job(request: Request, booth: TheBooth, id: Id) -> Job:
    """Return a job of a cast, of this browser's visit, or with the token of the API. Raises RequestRefused (404)."""
    with_token = has_token(request)
    if not with_token:
        require_page_header(request)
    job = booth.jobs.get(id)
    visit = booth.visits.get(job.visit) if job else None
    if job is None or visit is None:
        raise RequestRefused(404, "no_job", "there is no such job")
    if visit.kind == "cast":  # the id of its job is enough, as its own id is
        booth.touch(visit)
        return job
    own = visit.kind == "api" if with_token else visit.id == request.cookies.get(VISIT_COOKIE)
    if not own:
        raise RequestRefused(404, "no_job", "there is no such job")
    booth.touch(visit)
    return job


TheJob = Annotated[Job, Depends(find_job)]


@jobs.get("/jobs/{id}")
async def read_job(job: TheJob) -> JobView:
    """Return the state of a job."""
    return job.view()


@jobs.get("/jobs/{id}/events", response_class=EventSourceResponse)
async def stream_job(booth: TheBooth, job: TheJob) -> AsyncIterator[ServerSentEvent]:
    """Stream the progress of a job. The stream ends with the job."""
    first = booth.events.make("job", job.view())
    async for event in booth.events.listen(job.visit, None, first):
        if isinstance(event.data, JobView) and event.data.id == job.id:
            yield ServerSentEvent(data=event.data, event="job", id=str(event.id))
            if event.data.state != "running":
                return


@jobs.delete("/jobs/{id}", status_code=204)
async def cancel_job(booth: TheBooth, job: TheJob) -> None:
    """Cancel a job. A cast or a likeness that is not finished is erased; replacements leave a cast as it was."""
    booth.tasks.cancel(job.visit, job.id)
    booth.jobs.pop(job.id, None)
    visit = booth.visits.get(job.visit)
    is_empty = visit is not None and visit.state == "encoding" and not any(person.playable for person in visit.people)
    if visit and is_empty and job.kind in ("encode", "cast") and visit.kind in ("api", "cast"):
        await booth.erase(visit)
