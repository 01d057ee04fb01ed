"""`faceloom detect`: detect the faces in photos."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from faceloom.cli import options
from faceloom.cli.output import note, open_studio, print_json, print_line

if TYPE_CHECKING:
    from faceloom.workflows.studio import Studio


def detect(
    photos: options.Photos,
    as_json: options.Json = False,
) -> None:
    """Detect the faces in photos, largest first: box, score, and five landmarks each.

    A photo that cannot be read does not stop the others; the exit status is then 1.

    \b
    Examples:
      faceloom detect party.jpg
      faceloom detect a.jpg b.png --json
    """
    studio = open_studio()
    results = [_detect_in(studio, path) for path in photos]
    if as_json:
        print_json({"photos": results})
    else:
        for entry in results:
            _print(entry)
    for entry in results:
        if entry["error"]:
            note(f"{entry['photo']}: {entry['error']['message']}; {entry['error']['hint']}")
    if any(entry["error"] for entry in results):
        raise typer.Exit(1)


def _detect_in(studio: Studio, path: Path) -> dict[str, Any]:
    """Return the facts of one photo; `error` is null when the photo could be read."""
    from faceloom.errors import FaceloomError
    from faceloom.images import open_photo
    from faceloom.workflows.encoding import face_facts

    try:
        photo = open_photo(path)
    except FaceloomError as error:
        facts = {"code": error.code, "message": error.message, "hint": error.hint}
        return {"photo": str(path), "size": None, "faces": [], "notes": [], "error": facts}
    facts_of_faces = [{"number": i} | face_facts(face) for i, face in enumerate(studio.detect(photo))]
    size, notes = list(photo.image.size), list(photo.notes)
    return {"photo": str(path), "size": size, "faces": facts_of_faces, "notes": notes, "error": None}


def _print(entry: dict[str, Any]) -> None:
    for text in entry["notes"]:
        note(f"{entry['photo']}: {text}")
    if entry["error"]:
        return
    print_line(f"{entry['photo']}: {len(entry['faces'])} face{'' if len(entry['faces']) == 1 else 's'}")
    for face in entry["faces"]:
        x0, y0, x1, y1 = (round(x) for x in face["box"])
        print_line(f"  {face['number']}: {x1 - x0}x{y1 - y0} px at ({x0}, {y0}), score {100 * face['score']:.1f} %")
