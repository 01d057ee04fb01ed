"""Routes of the live mirror, and of the short films of a person."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query, Request, Response
from pydantic import Field

from faceloom.web.booth import live
from faceloom.web.booth.job_views import JobView
from faceloom.web.routes.common import ERRORS, JPEG, JpegResponse, TheBooth, TheVisit
from faceloom.web.routes.models import Id, RequestModel, Sequence
from faceloom.web.worker.messages import ShowKind

router = APIRouter(tags=["people"], responses=ERRORS)

MAX_FRAMES = 30  # frames that a visit may send in a second
FRAME_BODY = {"requestBody": {"content": {"image/jpeg": {}}, "required": True}}


class LookQuery(RequestModel):
    """The look of a person in the mirror: older or younger, with a friend's features, and the side in pixels.

    `ahead` answers with the picture of the frame before: a stream gains frames, because one is read while another is
    drawn.
    """

    years: float = Field(default=0.0, ge=-40, le=40)
    friend: str = Field(default="", max_length=64)
    mix: float = Field(default=1.0, ge=0, le=1)
    size: int = Field(default=512, ge=64, le=512)
    ahead: bool = False
    n: Sequence = 0


class ShowRequest(RequestModel):
    """A short film of a person: `reveal` from a child to an old face, `boomerang` a smile there and back."""

    kind: ShowKind = "reveal"
    animated: bool = False


@router.post("/people/{id}/live", response_class=JpegResponse, responses=JPEG, openapi_extra=FRAME_BODY)
async def draw_live(
    request: Request, booth: TheBooth, visit: TheVisit, id: Id, look: Annotated[LookQuery, Query()]
) -> Response:
    """Draw a person with the pose, smile, lips, eyes and brows of a camera's frame, at most 128 kB of JPEG.

    The frame is not stored. A frame that a newer `n` replaced is answered 409. The header `X-Faceloom-Face` is 1 when
    the frame shows a face; otherwise the person returns to rest.
    """
    booth.rate_limiter.check("live", visit.id, MAX_FRAMES, 1)
    frame = await request.body()
    drawn = await live.draw_live(
        booth,
        visit,
        id,
        frame,
        years=look.years,
        friend_id=look.friend,
        mix=look.mix,
        size=look.size,
        ahead=look.ahead,
        sequence=look.n,
    )
    return JpegResponse(drawn.jpeg, headers={"X-Faceloom-Face": "1" if drawn.has_face else "0"})


@router.post("/people/{id}/show", status_code=202)
async def start_show(booth: TheBooth, visit: TheVisit, id: Id, request: ShowRequest) -> JobView:
    """Make a short film of a person. This is a job; its result is the download."""
    return live.start_show(booth, visit, id, request.kind, animated=request.animated).view()
