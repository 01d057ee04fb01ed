"""Export of a visitor's own data: everything that the booth stores about a visit, as a zip.

The visitor's own browser saves it. Where that is a shared screen, a code leads a phone to it.
"""

from __future__ import annotations

import asyncio
import io
import json
import zipfile
from collections.abc import Mapping
from pathlib import Path

from faceloom.store import Visit
from faceloom.web.booth.booth import Booth
from faceloom.web.booth.build_views import iso_time
from faceloom.web.booth.downloads import qr_svg
from faceloom.web.booth.views import ExportCodeView
from faceloom.web.booth.visit_codes import VisitCode
from faceloom.web.security import RequestRefused

README = """This is everything that this booth stores about your visit.

records.json  the times of your visit and of your consent, the faces that were detected, your slider values and the
              attributes that were read from your picture
visit/        your photos as they were stored, the aligned crops, and your likenesses. A likeness holds numbers that a
              generator of faces makes your picture from; it is made of your face, so treat it like a photo
downloads/    the pictures and films that you made

The pictures that a generator made are AI-generated. All of this is deleted with your visit; nothing else is kept.
"""


async def export_visit(booth: Booth, visit: Visit) -> bytes:
    """Return a zip of all that is stored about a visit. Nothing of it is written to the disk."""
    downloads = [download for download in booth.store.downloads() if download.visit == visit.id]
    records = {
        "visit": visit.model_dump(mode="json", exclude={"phone", "friends"}),
        "consents": [consent.model_dump(mode="json") for consent in booth.store.consents(visit.id)],
        "downloads": [download.model_dump(mode="json") for download in downloads],
    }
    files = {f"visit/{path.name}": path for path in booth.store.folder_of(visit.id).glob("[!.]*")}
    files |= {f"downloads/{download.file}": booth.store.path_of(download) for download in downloads}
    return await asyncio.to_thread(_make_zip, records, files)


def make_code(booth: Booth, visit: Visit) -> ExportCodeView:
    """Make a code with which a phone can take the data of this visit. It replaces an earlier code of the visit."""
    made = booth.export_codes.make(visit.id, booth.store.clock())
    return ExportCodeView(
        page=_page_of(booth, made),
        qr=f"{booth.api}/visit/export/qr.svg?v={made.expires:.3f}",  # a new code is another picture
        reachable=bool(booth.lan),
        expires=iso_time(made.expires),
    )


def draw_qr(booth: Booth, visit: Visit) -> bytes:
    """Return the address of this visit's code as a QR code, as SVG. Raises RequestRefused (404) without a code."""
    made = booth.export_codes.of_visit(visit.id, booth.store.clock())
    if made is None:
        raise _no_export()
    return qr_svg(_page_of(booth, made))


def find_by_code(booth: Booth, code: str) -> tuple[Visit, VisitCode]:
    """Return the visit that a code leads to, and the code. Raises RequestRefused (404) when either is over."""
    made = booth.export_codes.find(code, booth.store.clock())
    if made is None:
        raise _no_export()
    try:
        return booth.find_visit(made.visit), made
    except RequestRefused as error:
        raise _no_export() from error


def _page_of(booth: Booth, made: VisitCode) -> str:
    """Return the address of the page that offers the data, for phones where they reach the booth."""
    return f"{booth.lan or booth.address}/my-data/{made.code}"


def _no_export() -> RequestRefused:
    return RequestRefused(404, "no_export", "this address has expired", "open My data at the booth again")


def _make_zip(records: Mapping[str, object], files: Mapping[str, Path]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_STORED) as archive:
        archive.writestr("README.txt", README)
        archive.writestr("records.json", json.dumps(records, indent=1))
        for name, path in sorted(files.items()):
            try:
                archive.writestr(name, path.read_bytes())
            except FileNotFoundError:  # erased meanwhile
                continue
    return buffer.getvalue()
