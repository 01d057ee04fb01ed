"""`faceloom faces`: find the faces in photos."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from faceloom.cli.output import AsJson, note, open_studio, print_json


def faces(
    photos: Annotated[list[Path], typer.Argument(help="Pictures: JPEG, PNG, WebP, GIF, AVIF, HEIC.")],
    as_json: AsJson = False,
) -> None:
    """Find every face in photos: where it is, how sure that is, and five points. The largest comes first.

    \b
    Examples:
      faceloom faces party.jpg
      faceloom faces a.jpg b.png --json
    """
    from faceloom.images import open_photo
    from faceloom.studio import face_facts

    studio = open_studio()
    found: list[dict[str, Any]] = []
    for path in photos:
        photo = open_photo(path)
        facts = [{"number": i} | face_facts(face) for i, face in enumerate(studio.find(photo))]
        found.append({"photo": str(path), "size": list(photo.image.size), "faces": facts, "notes": list(photo.notes)})
    if as_json:
        print_json({"photos": found})
        return
    for entry in found:
        for text in entry["notes"]:
            note(f"{entry['photo']}: {text}")
        print(f"{entry['photo']}: {len(entry['faces'])} face{'' if len(entry['faces']) == 1 else 's'}")
        for face in entry["faces"]:
            x0, y0, x1, y1 = (round(x) for x in face["box"])
            print(f"  {face['number']}: {x1 - x0}x{y1 - y0} px at ({x0}, {y0}), {100 * face['score']:.1f} % sure")
