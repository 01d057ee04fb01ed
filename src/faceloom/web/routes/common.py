"""Parts that the routes share: dependencies, declared media types and the error responses."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Annotated, Any, TypeVar

from fastapi import Depends, Request, Response, UploadFile

from faceloom.store import Visit
from faceloom.web.booth.booth import Booth
from faceloom.web.booth.views import ErrorBody
from faceloom.web.security import MAX_PHOTO, RequestRefused, is_this_machine, require_page_header

VISIT_COOKIE = "visit"
DISCONNECT_POLL = 0.25  # seconds between two checks whether the client of long work is still there
BINARY = {"type": "string", "format": "binary"}

Responses = dict[int | str, dict[str, Any]]
Result = TypeVar("Result")

_ERROR_CONTENT = {"application/json": {"schema": {"$ref": f"#/components/schemas/{ErrorBody.__name__}"}}}

ERRORS: Responses = {
    "4XX": {"description": "The request is refused", "content": _ERROR_CONTENT},
    "5XX": {"description": "The server failed", "content": _ERROR_CONTENT},
}
"""The error responses of every operation. The parameter `model` of FastAPI would declare them as pictures, too."""


def media(*types: str) -> Responses:
    """Return the declaration of a response that is a file of one of these media types."""
    return {200: {"content": {name: {"schema": BINARY} for name in types}}}


class JpegResponse(Response):
    """A JPEG picture. The middleware adds `Cache-Control: no-store`."""

    media_type = "image/jpeg"


class PngResponse(Response):
    """A PNG picture."""

    media_type = "image/png"


class SvgResponse(Response):
    """An SVG picture."""

    media_type = "image/svg+xml"


JPEG, PNG, SVG = media("image/jpeg"), media("image/png"), media("image/svg+xml")


def get_booth(request: Request) -> Booth:
    """Return the booth of this server."""
    booth: Booth = request.app.state.booth
    return booth


TheBooth = Annotated[Booth, Depends(get_booth)]


def get_visit(request: Request, booth: TheBooth) -> Visit:
    """Return the visit of this browser, and postpone its expiry. Raises RequestRefused (404) when there is none."""
    require_page_header(request)
    visit = booth.find_visit(request.cookies.get(VISIT_COOKIE))
    booth.touch(visit)
    return visit


TheVisit = Annotated[Visit, Depends(get_visit)]


def set_cookie(response: Response, booth: Booth, name: str, value: str, path: str = "/") -> None:
    """Set a cookie for the addresses below `path` of this booth; it is sent over HTTPS only where the booth has it."""
    response.set_cookie(
        name, value, httponly=True, samesite="strict", path=booth.base_path + path, secure=booth.uses_https
    )


def delete_cookie(response: Response, booth: Booth, name: str, path: str = "/") -> None:
    """Delete a cookie that `set_cookie` set."""
    response.delete_cookie(name, httponly=True, samesite="strict", path=booth.base_path + path, secure=booth.uses_https)


def client_host(request: Request) -> str:
    """Return the address of the client, or ''."""
    return request.client.host if request.client else ""


def is_own_screen(request: Request) -> bool:
    """Return whether a request comes from a browser on the booth's own machine."""
    return is_this_machine(client_host(request))


async def while_connected(request: Request, work: Coroutine[Any, Any, Result]) -> Result:
    """Run work for a request, and cancel it when the client closes the connection.

    Raises RequestRefused (409), which then no client receives, and the errors of the work.
    """
    task = asyncio.create_task(work)
    try:
        while not (await asyncio.wait({task}, timeout=DISCONNECT_POLL))[0]:
            if await request.is_disconnected():
                task.cancel()
        if task.cancelled():
            raise RequestRefused(409, "stopped", "the work was canceled")
        return task.result()
    finally:
        task.cancel()


def zip_response(content: bytes) -> Response:
    """Return a zip that browsers save as a file."""
    headers = {"Content-Disposition": 'attachment; filename="faceloom-my-data.zip"'}
    return Response(content, media_type="application/zip", headers=headers)


async def read_photo(photo: UploadFile) -> bytes:
    """Read an upload. Raises RequestRefused (413) for one that is too large."""
    data = await photo.read(MAX_PHOTO + 1)
    if len(data) > MAX_PHOTO:
        raise RequestRefused(413, "too_large", f"the photo has more than {MAX_PHOTO >> 20} MB", "send a smaller one")
    return data
