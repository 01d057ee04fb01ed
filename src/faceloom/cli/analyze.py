"""`faceloom analyze`: read the attributes of the faces in photos."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from faceloom.cli import options
from faceloom.cli.output import note, open_studio, print_json, print_line

if TYPE_CHECKING:
    from faceloom.workflows.studio import Studio


def analyze(
    photos: options.Photos,
    as_json: options.Json = False,
) -> None:
    """Read the attributes of every face: age, smile, glasses, pose and more.

    A small network estimates them. Its model card states its errors. It does not identify people.
    A photo that cannot be read does not stop the others; the exit status is then 1.

    \b
    Examples:
      faceloom analyze party.jpg
      faceloom analyze a.jpg b.png --json
    """
    from faceloom.errors import FaceloomError

    studio = open_studio()
    faces: list[dict[str, Any]] = []
    errors: list[dict[str, str]] = []
    for path in photos:
        try:
            faces += _analyze_photo(studio, path)
        except FaceloomError as error:
            errors.append({"photo": str(path), "code": error.code, "message": error.message, "hint": error.hint})
    if as_json:
        print_json({"faces": faces, "errors": errors})
    else:
        for face in faces:
            print_line(_describe(face))
    for failure in errors:
        note(f"{failure['photo']}: {failure['message']}; {failure['hint']}")
    if errors:
        raise typer.Exit(1)


def _analyze_photo(studio: Studio, path: Path) -> list[dict[str, Any]]:
    from faceloom.images import open_photo
    from faceloom.workflows.encoding import face_facts

    faces = studio.analyze(open_photo(path))
    return [{"photo": str(path), "box": face_facts(face.face)["box"]} | face.attributes.rounded() for face in faces]


def _describe(face: dict[str, Any]) -> str:
    x0, y0, x1, y1 = (round(x) for x in face["box"])
    looks = "masculine" if face["gender"] > 0.5 else "feminine"
    parts = [f"{face['photo']}: {x1 - x0}x{y1 - y0} px at ({x0}, {y0})", f"about {face['age']:.0f} years", looks]
    parts.append(f"smile {100 * face['smile']:.0f} %")
    parts += ["glasses"] if face["glasses"] > 0.5 else []
    parts += ["eyes closed"] if face["eyes_open"] < 0.5 else []
    parts.append(f"yaw {face['yaw']:+.0f}, pitch {face['pitch']:+.0f} degrees")
    return ", ".join(parts)
