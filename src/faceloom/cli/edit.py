"""`faceloom edit`: make a person older, younger, smile."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from faceloom.cli.output import PERSON, AsJson, GeneratorName, Output, open_person, open_studio, print_json


def edit(
    person: Annotated[str, typer.Argument(help=PERSON)],
    output: Output,
    age: Annotated[float, typer.Option(help="Years older, or younger when negative.")] = 0.0,
    smile: Annotated[float, typer.Option(help="1: a clear smile more; -1: one less.")] = 0.0,
    gender: Annotated[float, typer.Option(help="Gender presentation: 1 more masculine, -1 more feminine.")] = 0.0,
    direction: Annotated[
        list[str] | None, typer.Option("--direction", help="NAME=STRENGTH or FILE=STRENGTH; may be given again.")
    ] = None,
    layers: Annotated[
        str | None, typer.Option(help="coarse, middle, fine, all, or numbers as 0-5,9; the direction's own by default.")
    ] = None,
    size: Annotated[int | None, typer.Option(min=16, max=4096, help="Side of the picture in pixels.")] = None,
    paste_into: Annotated[Path | None, typer.Option(help="The photo that was encoded: put the face back.")] = None,
    psi: Annotated[float, typer.Option(help="Truncation of an invented person.")] = 0.7,
    generator: GeneratorName = None,
    as_json: AsJson = False,
) -> None:
    """Change a person and draw them. An OUTPUT that ends in .likeness keeps the changed person instead of a picture.

    \b
    Examples:
      faceloom edit me.likeness --age +20 --smile 1 -o older.png
      faceloom edit me.likeness --age -10 --paste-into me.jpg -o me-younger.jpg
    """
    from faceloom import likeness
    from faceloom.images import open_photo, save_picture

    changes = {"age": age, "smile": smile, "gender": gender}
    changes = {name: strength for name, strength in changes.items() if strength} | _parse(direction or [])
    studio = open_studio(generator=generator)
    changed = studio.edit(open_person(studio, person, psi), changes, layers)
    if output.suffix == ".likeness":
        likeness.save(changed, output)
    elif paste_into:
        save_picture(studio.paste_back(changed, open_photo(paste_into)), output, ai_generated=True, composite=True)
    else:
        save_picture(studio.render(changed, size), output, ai_generated=True)
    if as_json:
        print_json({"output": str(output), "person": person, "changes": changes, "pasted": paste_into is not None})
    else:
        print(output)


def _parse(pairs: list[str]) -> dict[str, float]:
    changes = {}
    for pair in pairs:
        name, _, strength = pair.rpartition("=")
        try:
            changes[name] = float(strength)
        except ValueError:
            name = ""
        if not name:
            raise typer.BadParameter(f"'{pair}' is not NAME=STRENGTH", param_hint="--direction")
    return changes
