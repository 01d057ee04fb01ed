"""`faceloom analyze`: what the faces in photos show."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from faceloom.cli import options
from faceloom.cli.output import note, open_studio, print_json

if TYPE_CHECKING:
    from faceloom.workflows.studio import Studio


def analyze(
    photos: options.Photos,
    as_json: options.Json = False,
) -> None:
    """Say what every face shows: age, smile, glasses, pose and more, as a small network sees it.

    It is an opinion with the errors that its model card states, made to steer edits. It does not identify anybody.
    One bad file does not stop the others; the exit status is 1 then.

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
            faces += _look_at(studio, path)
        except FaceloomError as error:
            errors.append({"photo": str(path), "code": error.code, "message": error.message, "hint": error.hint})
    if as_json:
        print_json({"faces": faces, "errors": errors})
    else:
        for face in faces:
            print(_line(face))
    for failure in errors:
        note(f"{failure['photo']}: {failure['message']}; {failure['hint']}")
    if errors:
        raise typer.Exit(1)


def _look_at(studio: Studio, path: Path) -> list[dict[str, Any]]:
    from faceloom.images import open_photo
    from faceloom.workflows.studio import face_facts

    found = studio.analyze(open_photo(path))
    return [{"photo": str(path), "box": face_facts(seen.face)["box"]} | seen.traits.rounded() for seen in found]


def _line(face: dict[str, Any]) -> str:
    x0, y0, x1, y1 = (round(x) for x in face["box"])
    looks = "masculine" if face["gender"] > 0.5 else "feminine"
    parts = [f"{face['photo']}: {x1 - x0}x{y1 - y0} px at ({x0}, {y0})", f"about {face['age']:.0f} years", looks]
    parts.append(f"smile {100 * face['smile']:.0f} %")
    parts += ["glasses"] if face["glasses"] > 0.5 else []
    parts += ["eyes closed"] if face["eyes_open"] < 0.5 else []
    parts.append(f"yaw {face['yaw']:+.0f}, pitch {face['pitch']:+.0f} degrees")
    return ", ".join(parts)
