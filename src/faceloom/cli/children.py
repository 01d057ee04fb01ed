"""`faceloom children`: people who could be two others' children."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from faceloom.cli import options
from faceloom.cli.output import keep_both, open_person, open_studio, progress, tell

TILE = 256


def children(
    a: options.Person,
    b: Annotated[str, typer.Argument(help="The other parent.")],
    output: Annotated[
        Path, typer.Option("-o", "--output", help="A folder for pictures and likenesses, or one picture of all.")
    ],
    count: Annotated[int, typer.Option(min=1, max=256, help="How many.")] = 9,
    seed: Annotated[int, typer.Option(min=0, help="Another seed, other children.")] = 0,
    variation: Annotated[float, typer.Option(min=0, max=1, help="How much of them is their own.")] = 0.3,
    pull: Annotated[float, typer.Option(min=0, max=1, help="How far real parents are moved to what mixes well.")] = 0.5,
    size: Annotated[int | None, typer.Option(min=16, max=4096, help="Side of the pictures in a folder.")] = None,
    generator: options.Generator = None,
    as_json: options.Json = False,
) -> None:
    """Have children of two people: each inherits shape, features and colours at random, and is a little of their own.

    Child number k of a seed is always the same, however many are asked for. A likeness in the folder can be a parent.

    \b
    Examples:
      faceloom children me.likeness you.likeness --count 9 -o ours.png
      faceloom children me.likeness seed:12 --seed 3 -o ours --json
    """
    from faceloom.images import contact_sheet, save_picture
    from faceloom.workflows.family import child

    studio = open_studio(generator=generator)
    one, other = open_person(studio, a), open_person(studio, b)
    born = [child(studio, one, other, k, seed=seed, variation=variation, pull=pull) for k in range(count)]
    facts = [{"number": one.provenance["number"], "inherited": one.provenance["inherited"]} for one in born]
    if output.suffix:
        with progress(count + 2, "drawing") as draw:
            tiles = []
            for i, person in enumerate([one, other, *born]):
                draw(i, "")
                tiles.append(studio.render(person, TILE))
        labels = ["parent", "parent", *(f"{seed}.{k}" for k in range(count))]
        save_picture(contact_sheet(tiles, round((count + 2) ** 0.5 + 0.5), TILE, labels), output, ai_generated=True)
    else:
        stems = [output / f"child{seed}-{k:02d}" for k in range(count)]
        facts = [f | keep_both(studio, one, stem, size) for f, one, stem in zip(facts, born, stems, strict=True)]
    tell({"output": str(output), "a": a, "b": b, "seed": seed, "children": facts}, as_json)
