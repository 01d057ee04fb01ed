"""Export of a visitor's own data: everything that the booth stores about a visit, as a zip."""

from __future__ import annotations

import asyncio
import io
import json
import zipfile
from collections.abc import Mapping
from pathlib import Path

from faceloom.store import Visit
from faceloom.web.booth.booth import Booth

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
