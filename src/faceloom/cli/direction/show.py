"""`faceloom direction list`, `show` and `apply`: what directions there are, and what they do."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from faceloom.cli import options
from faceloom.cli.direction.discover import direction_sheet
from faceloom.cli.output import keep_person, open_person, open_studio, print_json, tell

if TYPE_CHECKING:
    from faceloom.edit.directions import Direction
    from faceloom.edit.stylespace import StyleDirection


def list_directions(as_json: options.Json = False) -> None:
    """List the directions that come with faceloom and those that were imported; NAME.s are StyleSpace's.

    \b
    Examples:
      faceloom direction list
      faceloom direction list --json
    """
    from faceloom.edit import directions, stylespace

    names = sorted((*directions.shipped(), *stylespace.shipped()))
    found = {name: ("shipped", stylespace.load_named(name)) for name in names}
    found |= {name: ("imported", stylespace.load_named(str(path))) for name, path in directions.kept().items()}
    if as_json:
        print_json({"directions": [{"where": where, **direction_facts(one)} for where, one in found.values()]})
        return
    for name, (where, one) in found.items():
        print(f"{name:<24} {where:<9} {one.unit:<8} {one.generator_name}  {one.notes.partition('.')[0][:60]}")


def show(
    direction: options.NamedDirection,
    sheet: Annotated[Path | None, typer.Option(help="Also draw four invented people along it.")] = None,
    generator: options.Generator = None,
    as_json: options.Json = False,
) -> None:
    """Show what a direction is.

    \b
    Examples:
      faceloom direction show smile
      faceloom direction show beard.safetensors --sheet beard.png --json
    """
    from faceloom.edit import stylespace
    from faceloom.images import save_picture

    found = stylespace.load_named(direction)
    if sheet:
        studio = open_studio(generator=generator)
        found = studio.direction(direction)
        people = [studio.generate(seed, 0.8).w_plus for seed in (3, 5, 11, 24)]
        save_picture(direction_sheet(studio, found, people), sheet, ai_generated=True)
    facts = direction_facts(found) | ({"sheet": str(sheet)} if sheet else {})
    if as_json:
        print_json(facts)
    else:
        for key, value in facts.items():
            print(f"{key:<12} {value}")


def apply(
    person: options.Person,
    direction: Annotated[str, typer.Option("--direction", help="A direction's name or file.")],
    strength: Annotated[float, typer.Option(help="In the direction's units; negative for the opposite.")],
    output: options.Output,
    layers: Annotated[str | None, typer.Option(help="The direction's own by default.")] = None,
    size: options.Size = None,
    generator: options.Generator = None,
    as_json: options.Json = False,
) -> None:
    """Move a person along a direction and draw them, or keep them in an OUTPUT that ends in .likeness.

    \b
    Examples:
      faceloom direction apply me.likeness --direction beard.safetensors --strength 1.5 -o bearded.png
      faceloom direction apply seed:3 --direction smile --strength -1 -o serious.likeness
      faceloom direction apply me.likeness --direction smile.s --strength 2 -o smiling.png
    """
    studio = open_studio(generator=generator)
    changed = studio.step(open_person(studio, person), {direction: strength}, layers)
    keep_person(studio, changed, output, size)
    tell({"output": str(output), "person": person, "direction": direction, "strength": strength}, as_json)


def direction_facts(direction: Direction | StyleDirection) -> dict[str, Any]:
    """Everything that a program may want to know of a direction; the keys are stable.

    Of one in StyleSpace `per_unit` is the length of a unit's step in s, and `shape` how many channels it has.
    """
    from faceloom.edit.directions import Direction

    if isinstance(direction, Direction):
        space, numbers, per_unit = "w", direction.vector, direction.per_unit
    else:
        space, numbers, per_unit = "s", direction.step, float(direction.step.norm())
    return {
        "name": direction.name,
        "space": space,
        "unit": direction.unit,
        "per_unit": per_unit,
        "sigma": direction.sigma,
        "shape": list(numbers.shape),
        "layers": None if direction.layers is None else list(direction.layers),
        "generator": direction.generator_name,
        "notes": direction.notes,
    }
