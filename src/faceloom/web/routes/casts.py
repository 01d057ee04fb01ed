"""Routes of casts: generated people to order, as jobs, for programs with the token and for the Lab.

A cast is named by a random id. Everyone who has the id can use it, until it expires because no request used it.
"""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Path, Query, Request, Response
from fastapi.responses import FileResponse

from faceloom.store.models import CastPlan
from faceloom.web.booth import casts
from faceloom.web.booth.booth import Booth
from faceloom.web.booth.casts import Casts, cast_view
from faceloom.web.booth.job_views import CastOptionsView, CastView
from faceloom.web.routes.api import BEARER, REQUESTS_PER_MINUTE, has_token
from faceloom.web.routes.common import (
    ERRORS,
    JPEG,
    VISIT_COOKIE,
    JpegResponse,
    TheBooth,
    client_host,
    media,
    while_connected,
)
from faceloom.web.routes.lab import require_lab
from faceloom.web.routes.models import MAX_PEOPLE, CastReplacement, CastRequest, Id
from faceloom.web.security import RequestRefused
from faceloom.web.worker.messages import CastEstimate, CastFormat

MAX_ORDERS = 20  # casts, trials and replacements that a client may request in a minute


def require_access(request: Request, booth: TheBooth) -> None:
    """Admit programs with the token, and pages while the Lab is open. Raises RequestRefused (401, 403, 429)."""
    if has_token(request):
        booth.rate_limiter.check("program", "", REQUESTS_PER_MINUTE, 60)
    elif request.app.state.visitors:
        require_lab(request, booth)
    else:
        raise RequestRefused(
            401, "no_token", "this request needs a token", "send the header Authorization: Bearer TOKEN"
        )


router = APIRouter(
    prefix="/casts", tags=["casts"], responses=ERRORS, dependencies=[Depends(BEARER), Depends(require_access)]
)


def get_casts(request: Request) -> Casts:
    """Return the casts of this server."""
    found: Casts = request.app.state.casts
    return found


TheCasts = Annotated[Casts, Depends(get_casts)]
Number = Annotated[int, Path(ge=1, le=MAX_PEOPLE, description="Number of the person, from 1")]


async def read_plan(request: Request, booth: Booth, order: CastRequest) -> CastPlan:
    """Read the plan of a request. Raises RequestRefused (403, 422, 429), and WorkerError for a contradiction."""
    booth.rate_limiter.check("cast", client_host(request), MAX_ORDERS, 60)
    if bool(order.brief.strip()) == bool(order.plan):
        raise RequestRefused(
            422, "invalid", "give a brief or a plan, one of them", "as in '12 film extras, half women'"
        )
    return await casts.read_plan(booth, order.brief.strip(), order.plan, order.fields())


@router.get("")
async def read_options(booth: TheBooth) -> CastOptionsView:
    """Return the limits of casts on this server, and the formats of its archives."""
    return casts.options_view(booth)


@router.post("/dry-run")
async def try_cast(request: Request, booth: TheBooth, order: CastRequest) -> CastEstimate:
    """Draw up to eight people of a plan, the rarest first, and return its cells and the time and the space of a cast.

    Nothing is kept. A plan that contradicts itself is answered with 422 `plan_error` and a hint, one beyond the limits
    with 422 `cast_limit`. Closing the connection cancels the trial.
    """
    plan = await read_plan(request, booth, order)
    return await while_connected(request, casts.estimate(booth, plan))


@router.post("", status_code=202)
async def begin_cast(request: Request, booth: TheBooth, found: TheCasts, order: CastRequest) -> CastView:
    """Begin to cast the people of a brief or a plan. This is a job, whose state is a part of the answer.

    People appear in `cast` as they are completed. The errors are those of the dry run, and 429 `full` or `cast_space`
    while other casts take the place.
    """
    plan = await read_plan(request, booth, order)
    owner = request.cookies.get(VISIT_COOKIE, "") if not has_token(request) else ""
    return cast_view(booth, found.begin(booth, plan, owner if owner in booth.visits else ""))


@router.get("/{id}")
async def read_cast(booth: TheBooth, found: TheCasts, id: Id) -> CastView:
    """Return a cast: its job, its cells, and the people who are cast already."""
    return cast_view(booth, found.find(booth, id))


@router.get("/{id}/people/{number}/image", response_class=JpegResponse, responses=JPEG)
async def read_person(
    booth: TheBooth,
    found: TheCasts,
    id: Id,
    number: Number,
    size: Annotated[int, Query(ge=64, le=1024, description="Side of the picture in pixels")] = 256,
    v: Annotated[str, Query(max_length=16, description="Version, so that browsers do not show an old picture")] = "",
) -> Response:
    """Draw the first picture of a person as JPEG, at most as large as it was cast, with the marks of generated ones."""
    return JpegResponse(await found.draw(booth, id, number, size))


@router.post("/{id}/replace", status_code=202)
async def replace_people(
    request: Request, booth: TheBooth, found: TheCasts, id: Id, replacement: CastReplacement
) -> CastView:
    """Replace people of a finished cast by others of the same cells; the others stay as they are. This is a job.

    When it is canceled, the cast stays as it was.
    """
    booth.rate_limiter.check("cast", client_host(request), MAX_ORDERS, 60)
    return cast_view(booth, found.replace(booth, id, replacement.people))


@router.get("/{id}/zip", response_class=FileResponse, responses=media("application/zip"))
async def export_cast(
    request: Request, booth: TheBooth, found: TheCasts, id: Id, format: CastFormat = "imagefolder"
) -> FileResponse:
    """Return a finished cast as a zip: pictures and labels in a format, data card, contact sheet, report, latents."""
    path = await while_connected(request, found.export(booth, id, format))
    return FileResponse(path, media_type="application/zip", filename=f"cast-{format}.zip")


@router.delete("/{id}", status_code=204)
async def erase_cast(booth: TheBooth, found: TheCasts, id: Id) -> None:
    """Erase a cast and everything made of it; a job that runs is canceled.

    Answers 507 `erase_pending` when the disk keeps something from being erased. The cast is gone then, the server
    tries again every few seconds, and so does this request.
    """
    if id in booth.ended:
        await booth.erase(booth.ended[id].visit)
        return
    await booth.erase(found.find(booth, id).visit)
