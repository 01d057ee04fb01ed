"""`faceloom edit`: make a person older, younger, smile."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from faceloom.analyze.attributes import TABLE
from faceloom.cli import options
from faceloom.cli.output import keep_person, note, open_person, open_studio, tell

if TYPE_CHECKING:
    from faceloom.workflows.studio import EditResult


@options.with_attribute_options
def edit(
    person: options.Person,
    output: options.Output,
    values: dict[str, float],
    keep_identity: options.KeepIdentity = None,
    undo: Annotated[bool, typer.Option("--undo", help="First take back every edit of the likeness.")] = False,
    direction: Annotated[
        list[str] | None,
        typer.Option("--direction", help="NAME=STRENGTH or FILE=STRENGTH, a plain step; may be given again."),
    ] = None,
    layers: Annotated[
        str | None, typer.Option(help="coarse, middle, fine, all, or numbers as 0-5,9; the direction's own by default.")
    ] = None,
    size: options.Size = None,
    paste_into: Annotated[Path | None, typer.Option(help="The photo that was encoded: put the face back.")] = None,
    psi: Annotated[float, typer.Option(help="Truncation of an invented person.")] = 0.7,
    engine: options.Engine = "torch",
    precision: options.Precision = None,
    device: options.Device = "cpu",
    generator: options.Generator = None,
    as_json: options.Json = False,
) -> None:
    """Change a person and draw them. An OUTPUT that ends in .likeness keeps the changed person instead of a picture.

    Years are years: faceloom looks at the result and corrects until it is there, and what was not asked for stays.

    \b
    Examples:
      faceloom edit me.likeness --age +20 --smile 0.9 -o older.png
      faceloom edit me.likeness --age +30 --keep-identity 0.7 -o older.likeness
      faceloom edit me.likeness --age -10 --paste-into me.jpg -o me-younger.jpg
    """
    from faceloom.images import open_photo, save_picture

    steps = _parse(direction or [])
    studio = open_studio(precision, generator, engine=engine, device=device)
    given = open_person(studio, person, psi)
    changed = given.found if undo else given
    if steps:
        changed = studio.step(changed, steps, layers)
    facts: dict[str, Any] = {}
    if values:
        done = studio.edit(changed, values, keep_identity=keep_identity)
        changed, facts = done.person, facts_of(done, values)
    if paste_into and output.suffix != ".likeness":
        save_picture(studio.paste_back(changed, open_photo(paste_into)), output, ai_generated=True, composite=True)
    else:
        keep_person(studio, changed, output, size)
    for text in () if as_json else notes_on(facts):
        note(text)
    asked_for = {"changes": values | steps, "undone": undo}
    tell({"output": str(output), "person": person, "pasted": paste_into is not None} | asked_for | facts, as_json)


def facts_of(done: EditResult, values: Mapping[str, float]) -> dict[str, Any]:
    """What became of the values, in the units that they were made in."""
    before, after = done.before, done.after
    reached = {name: round(after[name] - before[name] if TABLE[name].is_change else after[name], 3) for name in values}
    return {"reached": reached, "identity": round(done.steered.identity, 3), "kept": done.steered.kept}


def notes_on(facts: Mapping[str, Any]) -> Iterator[str]:
    """What a person should know: where a wish was not met, and how alike the result is."""
    if facts:
        reached = ", ".join(f"{name} {value:+.3g}" for name, value in facts["reached"].items())
        yield f"reached: {reached}; similarity to the person before {facts['identity']:.2f}"
        if not facts["kept"]:
            yield "stopped early: further on the person would no longer be alike"


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
