"""Routes of a visitor's own data: the export in the visitor's browser, and the code that leads a phone to it."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Request, Response

from faceloom.store import Visit
from faceloom.web.booth import own_data
from faceloom.web.booth.booth import Booth
from faceloom.web.booth.build_views import iso_time
from faceloom.web.booth.views import ExportCodeView, ExportView
from faceloom.web.booth.visit_codes import VisitCode
from faceloom.web.routes.common import (
    ERRORS,
    SVG,
    SvgResponse,
    TheBooth,
    TheVisit,
    client_host,
    get_booth,
    media,
    zip_response,
)

router = APIRouter(tags=["visit"], responses=ERRORS)
phones = APIRouter(tags=["phone"], responses=ERRORS)

ZIP = media("application/zip")


@router.get("/visit/export", response_class=Response, responses=ZIP)
async def export_visit(booth: TheBooth, visit: TheVisit) -> Response:
    """Return everything that is stored about the visit as a zip: photos, likenesses, pictures, films and records."""
    return await _export(booth, visit)


@router.post("/visit/export/code")
async def make_export_code(booth: TheBooth, visit: TheVisit) -> ExportCodeView:
    """Make a code with which a phone can take this data, where the browser is a shared screen that cannot save it.

    The code leads to this visit only. It ends with the visit, after ten minutes, and with the next code.
    """
    booth.rate_limiter.check("export code", visit.id, 6, 60)
    return own_data.make_code(booth, visit)


@router.get("/visit/export/qr.svg", response_class=SvgResponse, responses=SVG)
async def read_export_qr(booth: TheBooth, visit: TheVisit) -> Response:
    """Return the address of this visit's code as a QR code."""
    return SvgResponse(own_data.draw_qr(booth, visit))


def find_export(request: Request, booth: Annotated[Booth, Depends(get_booth)], code: str) -> tuple[Visit, VisitCode]:
    """Return the visit of a code. Raises RequestRefused (404, and 429 for a client that tries many)."""
    booth.rate_limiter.check("exports", client_host(request), 20, 60)
    return own_data.find_by_code(booth, code)


TheExport = Annotated[tuple[Visit, VisitCode], Depends(find_export)]


@phones.get("/exports/{code}")
async def read_export(booth: TheBooth, export: TheExport) -> ExportView:
    """Return the address of the data that a code leads to, for the page on the visitor's phone."""
    _, made = export
    return ExportView(file=f"{booth.api}/exports/{made.code}/file", expires=iso_time(made.expires))


@phones.get("/exports/{code}/file", response_class=Response, responses=ZIP)
async def read_export_file(booth: TheBooth, export: TheExport) -> Response:
    """Return the data that a code leads to, as `GET /visit/export` does. The visit's expiry is not postponed."""
    visit, _ = export
    return await _export(booth, visit)


async def _export(booth: Booth, visit: Visit) -> Response:
    booth.rate_limiter.check("export", visit.id, 6, 60)
    return zip_response(await own_data.export_visit(booth, visit))
