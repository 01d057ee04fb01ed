"""`faceloom edit`: change the attributes of a person."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from faceloom.analyze.attributes import TABLE
from faceloom.cli import options
from faceloom.cli.output import note, open_person, open_studio, print_result, save_person

if TYPE_CHECKING:
    from faceloom.workflows.studio import EditResult


@options.with_attribute_options
def edit(
    person: options.Person,
    output: options.Output,
    values: dict[str, float],
    keep_identity: options.KeepIdentity = None,
    hold: options.Hold = False,
    undo: Annotated[bool, typer.Option("--undo", help="First undo every edit of the likeness.")] = False,
    direction: Annotated[
        list[str] | None,
        typer.Option(
            "--direction",
            help="NAME=STRENGTH or FILE=STRENGTH: a step along a direction, not checked. May be repeated.",
        ),
    ] = None,
    layers: Annotated[
        str | None, typer.Option(help="Layers of --direction: coarse, middle, fine, all, or numbers as 0-5,9.")
    ] = None,
    size: options.Size = None,
    paste_into: Annotated[
        Path | None, typer.Option(help="The photo that was encoded: paste the edited face back into it.")
    ] = None,
    psi: Annotated[float, typer.Option(help="Truncation of a generated face.")] = 0.7,
    engine: options.Engine = "torch",
    precision: options.Precision = None,
    device: options.Device = "cpu",
    generator: options.Generator = None,
    as_json: options.Json = False,
) -> None:
    """Edit the attributes of a person and save a picture, or a likeness when OUTPUT ends in .likeness.

    Values are in units: years, degrees, probabilities. The edit is measured and corrected until the requested values
    are reached, while other attributes are held.

    \b
    Examples:
      faceloom edit me.likeness --age +20 --smile 0.9 -o older.png
      faceloom edit me.likeness --age +30 --keep-identity 0.7 -o older.likeness
      faceloom edit me.likeness --age -10 --paste-into me.jpg -o me-younger.jpg
    """
    from faceloom.images import open_photo, save_picture

    steps = _parse(direction or [])
    studio = open_studio(precision, generator, engine=engine, device=device)
    original = open_person(studio, person, psi)
    changed = original.unedited if undo else original
    if steps:
        changed = studio.step(changed, steps, layers)
    facts: dict[str, Any] = {}
    if values:
        done = studio.edit(changed, values, keep_identity=keep_identity, hold=hold)
        changed, facts = done.person, facts_of(done, values)
    if paste_into and output.suffix != ".likeness":
        save_picture(studio.paste_back(changed, open_photo(paste_into)), output, ai_generated=True, composite=True)
    else:
        save_person(studio, changed, output, size)
    for text in () if as_json else notes_on(facts):
        note(text)
    request = {"person": person, "pasted": paste_into is not None, "changes": values | steps, "undone": undo}
    print_result({"output": str(output)} | request | facts, as_json)


def facts_of(done: EditResult, values: Mapping[str, float]) -> dict[str, Any]:
    """Return the values that an edit reached, in the units of the request, and the identity similarity."""
    before, after = done.before, done.after
    reached = {name: round(after[name] - before[name] if TABLE[name].is_change else after[name], 3) for name in values}
    return {
        "reached": reached,
        "identity": round(done.identity, 3),
        "kept": done.steering.kept,
        "limited_by": list(done.limited_by),
    }


def notes_on(facts: Mapping[str, Any]) -> Iterator[str]:
    """Yield notes for the user: the values reached, the identity similarity, and why an edit stopped early."""
    if facts:
        reached = ", ".join(f"{name} {value:+.3g}" for name, value in facts["reached"].items())
        yield f"reached: {reached}; identity similarity to before {facts['identity']:.2f}"
        if facts["limited_by"]:
            yield f"the edit stopped early to hold: {', '.join(facts['limited_by']).replace('_', ' ')}"


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
