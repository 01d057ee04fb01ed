"""`faceloom children`: generate children of two people."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from faceloom.cli import options
from faceloom.cli.output import open_person, open_studio, print_result, progress, save_picture_and_likeness

TILE = 256


def children(
    a: options.Person,
    b: Annotated[str, typer.Argument(help="The other parent.")],
    output: Annotated[
        Path,
        typer.Option(
            "-o", "--output", help="A folder for pictures and likenesses, or one picture file with all of them."
        ),
    ],
    count: Annotated[int, typer.Option(min=1, max=256, help="Number of children.")] = 9,
    seed: Annotated[int, typer.Option(min=0, help="Seed of the random choices.")] = 0,
    variation: Annotated[
        float, typer.Option(min=0, max=1, help="Random variation beyond the parents: 0 is none, 1 is a generated face.")
    ] = 0.3,
    pull: Annotated[
        float, typer.Option(min=0, max=1, help="How far the parents' latent codes are moved toward W before mixing.")
    ] = 0.5,
    age: Annotated[
        float,
        typer.Option(
            min=2, max=30, help="Age of the children in years; another generator than the default one ignores it."
        ),
    ] = 6,
    balance: Annotated[
        float,
        typer.Option(min=0, max=1, help="The parent that the children resemble: 0 is the first one, 1 the other."),
    ] = 0.5,
    size: Annotated[int | None, typer.Option(min=16, max=4096, help="Side of the pictures in a folder.")] = None,
    generator: options.Generator = None,
    as_json: options.Json = False,
) -> None:
    """Generate children of two people at an age: each inherits shape, features and colors from either parent at random.

    Child number k of a seed is always the same, whatever --count is. A child's likeness can be a parent in turn.

    \b
    Examples:
      faceloom children me.likeness you.likeness --count 9 -o ours.png
      faceloom children me.likeness seed:12 --age 15 --balance 0.2 --seed 3 -o ours --json
    """
    from faceloom.checkpoints.load import DEFAULT_GENERATOR
    from faceloom.images import make_contact_sheet, save_picture

    studio = open_studio(generator=generator)
    parents = open_person(studio, a), open_person(studio, b)
    years = age if studio.generator.name == DEFAULT_GENERATOR else None
    people = [
        studio.child(*parents, k, seed=seed, variation=variation, pull=pull, balance=balance, age=years)
        for k in range(count)
    ]
    facts = [{key: person.provenance[key] for key in ("number", "inherited")} for person in people]
    if output.suffix:
        with progress(count + 2, "drawing") as draw:
            tiles = []
            for i, person in enumerate([*parents, *people]):
                draw(i, "")
                tiles.append(studio.render(person, TILE))
        labels = ["parent", "parent", *(f"{seed}.{k}" for k in range(count))]
        save_picture(
            make_contact_sheet(tiles, round((count + 2) ** 0.5 + 0.5), TILE, labels),
            output,
            ai_generated=True,
            origin=studio.made_by,
        )
    else:
        stems = [output / f"child{seed}-{k:02d}" for k in range(count)]
        files = [save_picture_and_likeness(studio, *pair, size) for pair in zip(people, stems, strict=True)]
        facts = [fact | paths for fact, paths in zip(facts, files, strict=True)]
    print_result({"output": str(output), "a": a, "b": b, "seed": seed, "children": facts}, as_json)
