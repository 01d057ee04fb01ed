"""`faceloom direction`: make a direction of your own, discover some, look at them, take them along."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from faceloom.cli.discover import direction_sheet, discover, parse_layers
from faceloom.cli.output import (
    PERSON,
    AsJson,
    GeneratorName,
    Output,
    note,
    open_person,
    open_studio,
    print_json,
    progress,
)

if TYPE_CHECKING:
    from faceloom.edit.directions import Direction
    from faceloom.edit.own import Own
    from faceloom.gather import Gathered
    from faceloom.studio import Studio

app = typer.Typer(help="Directions in latent space: your own, discovered ones, those of others.", no_args_is_help=True)


app.command()(discover)


@app.command()
def fit(
    output: Output,
    positive: Annotated[Path | None, typer.Option(help="A folder of photos or likenesses that show it.")] = None,
    negative: Annotated[Path | None, typer.Option(help="A folder of those that do not.")] = None,
    labels: Annotated[Path | None, typer.Option(help="A CSV of file,value instead: the value is a number.")] = None,
    name: Annotated[str | None, typer.Option(help="The direction's name; OUTPUT's by default.")] = None,
    unit: Annotated[str, typer.Option(help="What the CSV's numbers count.")] = "units",
    seconds: Annotated[float, typer.Option(min=0.1, help="The deadline of each photo's search.")] = 30.0,
    hold: Annotated[
        str,
        typer.Option(help="What should stay as it is: traits (age,smile,gender,glasses,yaw ...) or direction files."),
    ] = "",
    per_layer: Annotated[bool, typer.Option("--per-layer", help="A vector a layer: wants hundreds of people.")] = False,
    layers: Annotated[str | None, typer.Option(help="Where it applies: coarse, middle, fine, all, or numbers.")] = None,
    generator: GeneratorName = None,
    as_json: AsJson = False,
) -> None:
    """Fit a direction from two folders of people, or from a table of numbers.

    Likenesses of photos are kept in a folder beside OUTPUT, so that a second run goes on where the first one ended.
    Agreement is measured on people left out of the fit.

    \b
    Examples:
      faceloom direction fit --positive beards --negative shaved --hold age,gender -o beard.safetensors
      faceloom direction fit --labels ages.csv --unit years --name age2 -o age2.safetensors --json
    """
    from faceloom.edit import directions

    if (labels is None) == (positive is None) or (positive is None) != (negative is None):
        raise typer.BadParameter("give --positive and --negative, or --labels", param_hint="--positive")
    studio = open_studio(generator=generator)
    choices = {
        "people": studio.spread,
        "generator": studio.generator,
        "hold": _held(studio, [one for one in hold.split(",") if one]),
        "per_layer": per_layer,
        "layers": parse_layers(studio, layers),
        "notes": "fitted with faceloom direction fit",
    }
    name, keep = name or output.stem, output.with_name(f"{output.stem}-likenesses")
    if labels is not None:
        own, gathered = _fit_values(studio, name, labels, keep, seconds, choices | {"unit": unit})
    else:
        assert positive is not None
        assert negative is not None
        own, gathered = _fit_groups(studio, name, positive, negative, keep, seconds, choices)
    directions.save(own.direction, output)
    _report_fit(own, gathered, output, as_json)


def _held(studio: Studio, names: Sequence[str]) -> list[Direction]:
    """What to hold. Traits are fitted afresh: shipped directions have other traits held, and would be misread."""
    from faceloom.checkpoints.shipped import load_analyzer
    from faceloom.edit.discover import plain_directions
    from faceloom.networks.analyzer import TRAITS

    traits = [name for name in names if name in TRAITS]
    held = [studio.direction(name) for name in names if name not in TRAITS]
    if traits:
        G = studio.fast_generator.G
        held += plain_directions(G, traits, load_analyzer(), people=studio.spread, generator=studio.generator)
    return held


def _fit_groups(
    studio: Studio, name: str, positive: Path, negative: Path, keep: Path, seconds: float, choices: dict[str, Any]
) -> tuple[Own, Gathered]:
    from faceloom.edit.own import from_groups
    from faceloom.gather import files_in

    sides = files_in(positive), files_in(negative)
    gathered = _gather(studio, [*sides[0], *sides[1]], keep, seconds)
    groups = [_stacked(gathered, side) for side in sides]
    return from_groups(name, groups[0], groups[1], **choices), gathered


def _fit_values(
    studio: Studio, name: str, labels: Path, keep: Path, seconds: float, choices: dict[str, Any]
) -> tuple[Own, Gathered]:
    import torch

    from faceloom.edit.own import from_values
    from faceloom.gather import read_labels

    table = read_labels(labels)
    gathered = _gather(studio, list(table), keep, seconds)
    values = torch.tensor([table[file] for file in gathered.people])
    return from_values(name, _stacked(gathered, list(table)), values, **choices), gathered


def _gather(studio: Studio, files: Sequence[Path], keep: Path, seconds: float) -> Gathered:
    from faceloom.gather import gather
    from faceloom.invert.optimize import OptimizeConfig

    with progress(1.0, "searching") as draw:
        gathered = gather(studio, files, keep, config=OptimizeConfig(seconds=seconds), callback=draw)
    for file, why in gathered.failed.items():
        note(f"left out {file}: {why}")
    return gathered


def _stacked(gathered: Gathered, files: Sequence[Path]) -> Any:
    import torch

    found = [gathered.people[file].w_plus for file in files if file in gathered.people]
    return torch.cat(found) if found else torch.empty(0, 1, 1)


def _report_fit(own: Own, gathered: Gathered, output: Path, as_json: bool) -> None:
    failed = {str(file): why for file, why in gathered.failed.items()}
    if as_json:
        facts = {"people": len(gathered.people), "agreement": round(own.agreement, 3), "left_out": failed}
        print_json({"output": str(output), **facts, **_facts(own.direction)})
        return
    of_groups = own.direction.unit == "sigma"
    value = f"{100 * own.agreement:.0f} % on the right side (chance: 50 %)" if of_groups else f"r = {own.agreement:.2f}"
    print(f"{output}: {len(gathered.people)} people; left out of the fit one at a time, {value}")


@app.command("list")
def list_directions(as_json: AsJson = False) -> None:
    """List the directions that come with faceloom and those that were imported.

    \b
    Examples:
      faceloom direction list
      faceloom direction list --json
    """
    from faceloom.edit import directions

    found = {name: ("shipped", directions.load_shipped(name)) for name in directions.shipped()}
    found |= {name: ("imported", directions.load(path)) for name, path in directions.kept().items()}
    if as_json:
        print_json({"directions": [{"where": where, **_facts(one)} for where, one in found.values()]})
        return
    for name, (where, one) in found.items():
        print(f"{name:<24} {where:<9} {one.unit:<8} {one.generator_name}  {one.notes.partition('.')[0][:60]}")


@app.command()
def show(
    direction: Annotated[str, typer.Argument(help="A direction's name or file.")],
    sheet: Annotated[Path | None, typer.Option(help="Also draw four invented people along it.")] = None,
    generator: GeneratorName = None,
    as_json: AsJson = False,
) -> None:
    """Show what a direction is.

    \b
    Examples:
      faceloom direction show smile
      faceloom direction show beard.safetensors --sheet beard.png --json
    """
    from faceloom.edit import directions
    from faceloom.images import save_picture

    found = directions.load_named(direction)
    if sheet:
        studio = open_studio(generator=generator)
        found = studio.direction(direction)
        people = [studio.generate(seed, 0.8).w_plus for seed in (3, 5, 11, 24)]
        save_picture(direction_sheet(studio, found, people), sheet, ai_generated=True)
    facts = _facts(found) | ({"sheet": str(sheet)} if sheet else {})
    if as_json:
        print_json(facts)
    else:
        for key, value in facts.items():
            print(f"{key:<12} {value}")


@app.command()
def apply(
    person: Annotated[str, typer.Argument(help=PERSON)],
    direction: Annotated[str, typer.Option("--direction", help="A direction's name or file.")],
    strength: Annotated[float, typer.Option(help="In the direction's units; negative for the opposite.")],
    output: Output,
    layers: Annotated[str | None, typer.Option(help="The direction's own by default.")] = None,
    size: Annotated[int | None, typer.Option(min=16, max=4096, help="Side of the picture in pixels.")] = None,
    generator: GeneratorName = None,
    as_json: AsJson = False,
) -> None:
    """Move a person along a direction and draw them, or keep them in an OUTPUT that ends in .likeness.

    \b
    Examples:
      faceloom direction apply me.likeness --direction beard.safetensors --strength 1.5 -o bearded.png
      faceloom direction apply seed:3 --direction smile --strength -1 -o serious.likeness
    """
    from faceloom import likeness
    from faceloom.images import save_picture

    studio = open_studio(generator=generator)
    changed = studio.edit(open_person(studio, person), {direction: strength}, layers)
    if output.suffix == ".likeness":
        likeness.save(changed, output)
    else:
        save_picture(studio.render(changed, size), output, ai_generated=True)
    if as_json:
        print_json({"output": str(output), "person": person, "direction": direction, "strength": strength})
    else:
        print(output)


@app.command()
def export(
    direction: Annotated[str, typer.Argument(help="A direction's name or file.")],
    output: Output,
    as_json: AsJson = False,
) -> None:
    """Write a direction as other programs read them: .npy (one unit's step) or .npz (with its facts).

    \b
    Examples:
      faceloom direction export smile -o smile.npy
      faceloom direction export beard.safetensors -o beard.npz --json
    """
    import numpy as np

    from faceloom.edit import directions
    from faceloom.files import replacing

    if output.suffix not in (".npy", ".npz"):
        raise typer.BadParameter(f"'{output.suffix}' is neither .npy nor .npz", param_hint="--output")
    found = directions.load_named(direction)
    step = (found.vector * found.per_unit).numpy()
    with replacing(output) as draft:
        if output.suffix == ".npy":
            np.save(draft, step)
        else:
            facts = {key: np.array(str(value)) for key, value in _facts(found).items()}
            np.savez(draft, step=step, **facts)  # type: ignore[arg-type]
    if as_json:
        print_json({"output": str(output), **_facts(found)})
    else:
        print(output)


def _facts(direction: Direction) -> dict[str, Any]:
    return {
        "name": direction.name,
        "unit": direction.unit,
        "per_unit": direction.per_unit,
        "sigma": direction.sigma,
        "shape": list(direction.vector.shape),
        "layers": None if direction.layers is None else list(direction.layers),
        "generator": direction.generator_name,
        "notes": direction.notes,
    }


@app.command("import")
def import_directions(
    file: Annotated[
        Path, typer.Argument(help="A .npy, .npz, .pt or .pkl of InterFaceGAN, GANSpace, Puzer or another.")
    ],
    name: Annotated[str | None, typer.Option(help="The direction's name; the file's by default.")] = None,
    generator: GeneratorName = None,
    as_json: AsJson = False,
) -> None:
    """Take over directions that others found, for the very generator that they were found in.

    A strength of 1 is the vector as it is stored. The file cannot run anything.

    \b
    Examples:
      faceloom direction import stylegan_ffhq_age_w_boundary.npy --generator ffhq --name their-age
      faceloom direction import smile.npy --json
    """
    from faceloom.checkpoints.latent_files import read_directions
    from faceloom.edit import directions
    from faceloom.settings import Settings

    studio = open_studio(generator=generator)
    found = read_directions(file)
    made = []
    for key, step in found.items():
        stem = name or file.stem
        label = re.sub(r"[^\w.+-]", "_", stem if len(found) == 1 else f"{stem}-{key}")
        direction = directions.from_step(label, step, studio.generator, studio.spread, studio.generator.G.num_ws)
        path = Settings().directions / f"{label}{directions.SUFFIX}"
        directions.save(direction, path)
        made.append({"output": str(path), **_facts(direction)})
    note(f"a direction works only in the generator that it was made in; these are now {studio.generator.name}'s")
    if as_json:
        print_json({"directions": made})
    else:
        for one in made:
            print(one["name"])
