"""`faceloom mix`: draw a person with some layers of another person."""

from __future__ import annotations

from typing import Annotated

import typer

from faceloom.cli import options
from faceloom.cli.output import open_person, open_studio, print_result, save_person


def mix(
    a: options.Person,
    b: Annotated[str, typer.Argument(help="The person whose layers are taken: a likeness file or seed:N.")],
    output: options.Output,
    layers: Annotated[
        str,
        typer.Option(help="Layers of B: coarse (pose, shape), middle (features), fine (colors), or numbers."),
    ] = "coarse",
    pull: Annotated[
        float, typer.Option(min=0, max=1, help="How far both latent codes are moved toward W before mixing.")
    ] = 0.5,
    size: options.Size = None,
    engine: options.Engine = "torch",
    precision: options.Precision = None,
    device: options.Device = "cpu",
    generator: options.Generator = None,
    as_json: options.Json = False,
) -> None:
    """Draw person A with some layers of person B.

    \b
    Examples:
      faceloom mix me.likeness friend.likeness --layers coarse -o mixed.png
      faceloom mix me.likeness seed:12 --layers 8-22 -o my-colors.png
    """
    studio = open_studio(precision, generator, engine=engine, device=device)
    mixed = studio.mix(open_person(studio, a), open_person(studio, b), layers, pull=pull)
    save_person(studio, mixed, output, size)
    print_result({"output": str(output), "a": a, "b": b, "layers": layers}, as_json)
