"""Routes of the operator for printing: the printers, the last prints, and the artwork of the paper."""

from __future__ import annotations

import asyncio
import io
from typing import Annotated

from fastapi import APIRouter, File, Response, UploadFile

from faceloom.errors import ImageError
from faceloom.files import atomic_write
from faceloom.web.booth import downloads, printing
from faceloom.web.booth.build_views import download_address, iso_time
from faceloom.web.booth.printing import ArtworkKind
from faceloom.web.booth.views import PrintersView, RecentPrintsView, RecentPrintView
from faceloom.web.routes.common import ERRORS, PNG, PngResponse
from faceloom.web.routes.models import Id
from faceloom.web.routes.operator import OperatedBooth
from faceloom.web.security import RequestRefused

router = APIRouter(prefix="/operator", tags=["operator"], responses=ERRORS)

MAX_ARTWORK = 8 << 20  # bytes of an uploaded logo or frame
ARTWORK_SIDE = 1800  # pixels: the longer side of the paper


@router.get("/printers")
async def list_printers(booth: OperatedBooth) -> PrintersView:
    """Return the printers of CUPS and their states; none without CUPS."""
    return PrintersView(printers=await printing.list_printers())


@router.get("/prints")
async def list_prints(booth: OperatedBooth) -> RecentPrintsView:
    """Return the last prints that are still stored, the latest first."""
    stored = {download.id: download for download in booth.store.downloads()}
    return RecentPrintsView(
        prints=[
            RecentPrintView(
                id=entry.download,
                image=download_address(stored[entry.download], booth.api),
                copies=entry.copies,
                at=iso_time(entry.at),
            )
            for entry in reversed(booth.recent_prints)
            if entry.download in stored
        ]
    )


@router.post("/prints/{id}", status_code=204)
async def print_again(booth: OperatedBooth, id: Id) -> None:
    """Print a picture again, once. The quota of the visit does not count here."""
    if all(entry.download != id for entry in booth.recent_prints):
        raise RequestRefused(404, "no_picture", "this picture was not printed", "choose one of the last prints")
    await printing.send_to_printer(booth, downloads.find_download(booth, id), 1)


@router.put("/artwork/{kind}", status_code=204)
async def save_artwork(booth: OperatedBooth, kind: ArtworkKind, picture: Annotated[UploadFile, File()]) -> None:
    """Store the logo, or the frame that is laid over a 4x6 print: a PNG, whose transparent parts show the paper."""
    data = await picture.read(MAX_ARTWORK + 1)
    if len(data) > MAX_ARTWORK:
        raise RequestRefused(413, "too_large", f"the picture has more than {MAX_ARTWORK >> 20} MB", "make it smaller")
    png = await asyncio.to_thread(_as_png, data)
    path = printing.artwork_path(booth, kind)
    path.parent.mkdir(parents=True, exist_ok=True)
    with atomic_write(path) as draft:
        draft.write_bytes(png)


@router.get("/artwork/{kind}", response_class=PngResponse, responses=PNG)
async def read_artwork(booth: OperatedBooth, kind: ArtworkKind) -> Response:
    """Return the logo or the frame."""
    path = printing.artwork_path(booth, kind)
    if not path.is_file():
        raise RequestRefused(404, "no_picture", f"there is no {kind}")
    return PngResponse(path.read_bytes())


@router.delete("/artwork/{kind}", status_code=204)
async def remove_artwork(booth: OperatedBooth, kind: ArtworkKind) -> None:
    """Remove the logo or the frame."""
    printing.artwork_path(booth, kind).unlink(missing_ok=True)


def _as_png(data: bytes) -> bytes:
    """Return an uploaded PNG, written again with at most ARTWORK_SIDE pixels a side. Raises ImageError."""
    from PIL import Image

    try:
        with Image.open(io.BytesIO(data), formats=["PNG"]) as opened:
            if max(opened.size) > 4 * ARTWORK_SIDE:
                raise ImageError(f"the picture has more than {4 * ARTWORK_SIDE} pixels a side", "make it smaller")
            picture = opened.convert("RGBA")
    except (OSError, ValueError, SyntaxError) as error:
        raise ImageError("the file is not a PNG picture", "save the logo or the frame as PNG") from error
    picture.thumbnail((ARTWORK_SIDE, ARTWORK_SIDE))
    buffer = io.BytesIO()
    picture.save(buffer, "PNG")
    return buffer.getvalue()
