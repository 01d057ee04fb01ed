"""What the routes share: the booth, the visit of this browser, and pictures as answers."""

from __future__ import annotations

from typing import Annotated

from fastapi import Depends, Request, Response

from faceloom.store import Visit
from faceloom.web.booth.booth import Booth
from faceloom.web.security import our_page

COOKIE = "visit"
SIZES = {"ge": 64, "le": 1024}


def the_booth(request: Request) -> Booth:
    """The booth that this server is."""
    booth: Booth = request.app.state.booth
    return booth


TheBooth = Annotated[Booth, Depends(the_booth)]


def the_visit(request: Request, booth: TheBooth) -> Visit:
    """The visit of this browser, touched. Raises Refusal (404) when there is none."""
    our_page(request)
    visit = booth.visit(request.cookies.get(COOKIE))
    booth.touch(visit)
    return visit


TheVisit = Annotated[Visit, Depends(the_visit)]


def jpeg(picture: bytes) -> Response:
    """A picture, which no cache may keep."""
    return Response(picture, media_type="image/jpeg", headers={"Cache-Control": "no-store"})
