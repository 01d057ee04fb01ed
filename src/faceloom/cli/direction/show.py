"""`faceloom direction list`, `show` and `apply`: list directions, show one, and apply one to a person."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from faceloom.cli import options
from faceloom.cli.direction.discover import direction_sheet
from faceloom.cli.output import open_person, open_studio, print_json, print_line, print_result, save_person

if TYPE_CHECKING:
    from faceloom.edit.directions import Direction
    from faceloom.edit.stylespace import StyleDirection


def list_directions(as_json: options.Json = False) -> None:
    """List the shipped and the imported directions; a name that ends in .s is a StyleSpace direction.

    \b
    Examples:
      faceloom direction list
      faceloom direction list --json
    """
    from faceloom.edit import directions, stylespace

    names = sorted((*directions.list_shipped(), *stylespace.list_shipped()))
    found = {name: ("shipped", stylespace.load_named(name)) for name in names}
    found |= {name: ("imported", stylespace.load_named(str(path))) for name, path in directions.list_imported().items()}
    if as_json:
        print_json(
            {"directions": [{"where": where, **direction_facts(direction)} for where, direction in found.values()]}
        )
        return
    for name, (where, direction) in found.items():
        summary = direction.notes.partition(".")[0][:60]
        print_line(f"{name:<24} {where:<9} {direction.unit:<8} {direction.generator_name}  {summary}")


def show(
    direction: options.NamedDirection,
    sheet: Annotated[Path | None, typer.Option(help="Also draw four generated faces along the direction.")] = None,
    generator: options.Generator = None,
    as_json: options.Json = False,
) -> None:
    """Show the facts of a direction.

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
        save_picture(direction_sheet(studio, found, people), sheet, ai_generated=True, origin=studio.made_by)
    facts = direction_facts(found) | ({"sheet": str(sheet)} if sheet else {})
    if as_json:
        print_json(facts)
    else:
        for key, value in facts.items():
            print_line(f"{key:<12} {value}")


def apply(
    person: options.Person,
    direction: Annotated[str, typer.Option("--direction", help="A direction's name or file.")],
    strength: Annotated[float, typer.Option(help="Strength in the direction's unit; negative for the opposite.")],
    output: options.Output,
    layers: Annotated[
        str | None, typer.Option(help="Layers: coarse, middle, fine, all, or numbers; by default the direction's own.")
    ] = None,
    size: options.Size = None,
    generator: options.Generator = None,
    as_json: options.Json = False,
) -> None:
    """Move a person along a direction and save a picture, or a likeness when OUTPUT ends in .likeness.

    \b
    Examples:
      faceloom direction apply me.likeness --direction beard.safetensors --strength 1.5 -o bearded.png
      faceloom direction apply seed:3 --direction smile --strength -1 -o serious.likeness
      faceloom direction apply me.likeness --direction smile.s --strength 2 -o smiling.png
    """
    studio = open_studio(generator=generator)
    changed = studio.step(open_person(studio, person), {direction: strength}, layers)
    save_person(studio, changed, output, size)
    print_result({"output": str(output), "person": person, "direction": direction, "strength": strength}, as_json)


def direction_facts(direction: Direction | StyleDirection) -> dict[str, Any]:
    """Return the facts of a direction for JSON; the keys are stable.

    For a StyleSpace direction, `per_unit` is the length of one unit's step in s, and `shape` is its number of channels.
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
