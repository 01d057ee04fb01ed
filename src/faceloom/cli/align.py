"""`faceloom align`: crop a face from a photo with the alignment that the generator was trained on."""

from __future__ import annotations

from typing import Annotated

import typer

from faceloom.cli import options
from faceloom.cli.output import note, open_studio, print_json, print_line

FaceNumber = Annotated[
    int | None,
    typer.Option("--face", min=0, help="Number of the face as `faceloom detect` prints it; the largest by default."),
]


def align(
    photo: options.Photo,
    output: options.Output,
    face: FaceNumber = None,
    size: Annotated[int, typer.Option(min=32, max=4096, help="Side of the crop in pixels.")] = 1024,
    as_json: options.Json = False,
) -> None:
    """Crop a face from a photo with FFHQ's alignment: eyes level, a fixed frame, missing borders filled.

    \b
    Examples:
      faceloom align me.jpg -o me-aligned.png
      faceloom align party.jpg --face 2 --size 256 -o third.webp
    """
    from faceloom.images import open_photo, save_picture
    from faceloom.workflows.encoding import face_facts

    studio = open_studio()
    opened = open_photo(photo)
    chosen = studio.choose(opened, face)
    aligned = studio.align(opened, chosen.face, size)
    save_picture(aligned.image, output, ai_generated=False)
    for text in (*opened.notes, *chosen.notes):
        note(text)
    if as_json:
        quad = [[round(float(x), 3), round(float(y), 3)] for x, y in aligned.quad]
        print_json({"output": str(output), "quad": quad, "face": face_facts(chosen.face), "notes": list(chosen.notes)})
    else:
        print_line(output)
