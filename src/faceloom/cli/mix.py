"""`faceloom mix`: one person with some layers of another."""

from __future__ import annotations

from typing import Annotated

import typer

from faceloom.cli.output import (
    PERSON,
    AsJson,
    Device,
    EngineName,
    GeneratorName,
    Output,
    Precision,
    open_person,
    open_studio,
    print_json,
)


def mix(
    a: Annotated[str, typer.Argument(help=PERSON)],
    b: Annotated[str, typer.Argument(help="Who gives the layers.")],
    output: Output,
    layers: Annotated[
        str,
        typer.Option(help="From B: coarse (pose, shape), middle (features), fine (colours), or numbers."),
    ] = "coarse",
    pull: Annotated[float, typer.Option(min=0, max=1, help="How far real people are moved to what mixes well.")] = 0.5,
    size: Annotated[int | None, typer.Option(min=16, max=4096, help="Side of the picture in pixels.")] = None,
    engine: EngineName = "torch",
    precision: Precision = None,
    device: Device = "cpu",
    generator: GeneratorName = None,
    as_json: AsJson = False,
) -> None:
    """Draw person A with some layers of person B.

    \b
    Examples:
      faceloom mix me.likeness friend.likeness --layers coarse -o mixed.png
      faceloom mix me.likeness seed:12 --layers 8-22 -o my-colours.png
    """
    from faceloom import likeness
    from faceloom.images import save_picture

    studio = open_studio(precision, generator, engine=engine, device=device)
    mixed = studio.mix(open_person(studio, a), open_person(studio, b), layers, pull=pull)
    if output.suffix == ".likeness":
        likeness.save(mixed, output)
    else:
        save_picture(studio.render(mixed, size), output, ai_generated=True)
    if as_json:
        print_json({"output": str(output), "a": a, "b": b, "layers": layers})
    else:
        print(output)
