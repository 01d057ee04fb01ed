"""`faceloom direction attributes`: fit sliders in years, degrees and probabilities for any generator of faces."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from faceloom.cli import options
from faceloom.cli.direction.show import direction_facts
from faceloom.cli.output import note, open_studio, print_json, print_line, progress

if TYPE_CHECKING:
    from faceloom.edit.fit_attributes import AttributeFit


def attributes(
    output: Annotated[
        Path | None, typer.Option("-o", "--output", help="Folder for the directions; by default the generator's own.")
    ] = None,
    people: Annotated[int, typer.Option(min=200, help="Number of faces that are generated and analyzed.")] = 3000,
    force: Annotated[
        bool, typer.Option("--force", help="Fit also when hardly any generated picture shows a face.")
    ] = False,
    generator: options.Generator = None,
    as_json: options.Json = False,
) -> None:
    """Fit the directions of the analyzer's attributes in a generator, so that `edit --age` and the booth work with it.

    The generator must draw upright, aligned faces: without a detected face in half of its pictures the command refuses.
    An attribute that does not vary in its faces is left out and
    reported.

    \b
    Examples:
      faceloom direction attributes --generator mine
      faceloom direction attributes --generator run/network-snapshot-000400 -o mine-directions --json
    """
    from faceloom.checkpoints.shipped import load_analyzer
    from faceloom.edit import directions, fit_attributes
    from faceloom.workflows.editing import DIRECTIONS
    from faceloom.workflows.face_share import check_faces

    studio = open_studio(generator=generator)
    model, analyzer = studio.generator, load_analyzer()
    default = model.folder / DIRECTIONS if model.folder else None
    folder = output or default
    if folder is None:
        raise typer.BadParameter(f"{model.name} has no folder of its own: give one", param_hint="--output")
    if not force:
        check_faces(model.G, model.name)
    with progress(people, "reading") as draw:
        known = fit_attributes.read_generated(
            model.G, fit_attributes.sample_faces(model.G, people), analyzer, lambda count: draw(count, "")
        )
    unseen = fit_attributes.sample_faces(model.G, fit_attributes.CALIBRATION_FACES, seed=1)
    found = fit_attributes.fit(model.G, known, unseen, analyzer, generator=model)
    for direction in found.directions:
        directions.save(direction, folder / f"{direction.name}{directions.SUFFIX}")
    for name, why in found.missing.items():
        note(f"no {name}: {why}")
        if folder == default:  # remove the result of an earlier fit
            (folder / f"{name}{directions.SUFFIX}").unlink(missing_ok=True)
    _report(found, folder, as_json)


def _report(found: AttributeFit, folder: Path, as_json: bool) -> None:
    names = [direction.name for direction in found.directions]
    if as_json:
        rows = (dict(zip(names, row, strict=True)) for row in found.moved.tolist())
        moved = dict(zip(names, rows, strict=True))
        facts = [direction_facts(direction) for direction in found.directions]
        print_json({"output": str(folder), "directions": facts, "moved": moved, "missing": found.missing})
        return
    print_line("one sigma of     moves, in sigmas: " + " ".join(f"{name[:8]:>8}" for name in names))
    for direction, row in zip(found.directions, found.moved.tolist(), strict=True):
        sigma = f"{direction.sigma:.1f} {direction.unit}"
        print_line(f"{direction.name:<12}{sigma:>22} " + " ".join(f"{value:+8.2f}" for value in row))
    print_line(f"{folder}: {', '.join(names)}")
