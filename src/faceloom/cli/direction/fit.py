"""`faceloom direction fit`: a direction of your own, from photos or likenesses."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from faceloom.cli import options
from faceloom.cli.direction.discover import parse_layers
from faceloom.cli.direction.show import direction_facts
from faceloom.cli.output import note, open_studio, print_json, progress

if TYPE_CHECKING:
    from faceloom.edit.directions import Direction
    from faceloom.edit.fit_few import FewShotFit
    from faceloom.workflows.batch import BatchResult
    from faceloom.workflows.studio import Studio


def fit(
    output: options.Output,
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
    generator: options.Generator = None,
    as_json: options.Json = False,
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
    from faceloom.edit.fit_few import FitFewConfig

    if (labels is None) == (positive is None) or (positive is None) != (negative is None):
        raise typer.BadParameter("give --positive and --negative, or --labels", param_hint="--positive")
    studio = open_studio(generator=generator)
    held = _held(studio, [one for one in hold.split(",") if one])
    config = FitFewConfig(held, per_layer, parse_layers(studio, layers), "fitted with faceloom direction fit")
    about: dict[str, Any] = {"people": studio.latent_statistics, "generator": studio.generator, "config": config}
    name, keep = name or output.stem, output.with_name(f"{output.stem}-likenesses")
    if labels is not None:
        own, gathered = _fit_values(studio, name, labels, keep, seconds, about | {"unit": unit})
    else:
        assert positive is not None
        assert negative is not None
        own, gathered = _fit_groups(studio, name, positive, negative, keep, seconds, about)
    directions.save(own.direction, output)
    _report_fit(own, gathered, output, as_json)


def _held(studio: Studio, names: Sequence[str]) -> list[Direction]:
    """What to hold. Traits are fitted afresh: shipped directions have other traits held, and would be misread."""
    from faceloom.checkpoints.shipped import load_analyzer
    from faceloom.edit.discover import plain_directions
    from faceloom.networks.analyzer import ATTRIBUTES

    traits = [name for name in names if name in ATTRIBUTES]
    held = [_in_w(studio, name) for name in names if name not in ATTRIBUTES]
    if traits:
        G = studio.fast_generator.G
        held += plain_directions(
            G, traits, load_analyzer(), people=studio.latent_statistics, generator=studio.generator
        )
    return held


def _in_w(studio: Studio, name: str) -> Direction:
    from faceloom.edit.directions import Direction

    found = studio.direction(name)
    if not isinstance(found, Direction):
        raise typer.BadParameter(f"'{name}' is one of StyleSpace's: hold one of W", param_hint="--hold")
    return found


def _fit_groups(
    studio: Studio, name: str, positive: Path, negative: Path, keep: Path, seconds: float, about: dict[str, Any]
) -> tuple[FewShotFit, BatchResult]:
    from faceloom.edit.fit_few import from_groups
    from faceloom.workflows.batch import files_in

    sides = files_in(positive), files_in(negative)
    gathered = _gather(studio, [*sides[0], *sides[1]], keep, seconds)
    groups = [_stacked(gathered, side) for side in sides]
    return from_groups(name, groups[0], groups[1], **about), gathered


def _fit_values(
    studio: Studio, name: str, labels: Path, keep: Path, seconds: float, about: dict[str, Any]
) -> tuple[FewShotFit, BatchResult]:
    import torch

    from faceloom.edit.fit_few import from_values
    from faceloom.workflows.batch import read_labels

    table = read_labels(labels)
    gathered = _gather(studio, list(table), keep, seconds)
    values = torch.tensor([table[file] for file in gathered.people])
    return from_values(name, _stacked(gathered, list(table)), values, **about), gathered


def _gather(studio: Studio, files: Sequence[Path], keep: Path, seconds: float) -> BatchResult:
    from faceloom.invert.budget import EncodeConfig
    from faceloom.workflows.batch import batch_encode

    with progress(1.0, "searching") as draw:
        gathered = batch_encode(studio, files, keep, config=EncodeConfig(seconds, tune=False), callback=draw)
    for file, why in gathered.failed.items():
        note(f"left out {file}: {why}")
    return gathered


def _stacked(gathered: BatchResult, files: Sequence[Path]) -> Any:
    import torch

    found = [gathered.people[file].w_plus for file in files if file in gathered.people]
    return torch.cat(found) if found else torch.empty(0, 1, 1)


def _report_fit(own: FewShotFit, gathered: BatchResult, output: Path, as_json: bool) -> None:
    failed = {str(file): why for file, why in gathered.failed.items()}
    if as_json:
        facts = {"people": len(gathered.people), "agreement": round(own.agreement, 3), "left_out": failed}
        print_json({"output": str(output), **facts, **direction_facts(own.direction)})
        return
    of_groups = own.direction.unit == "sigma"
    value = f"{100 * own.agreement:.0f} % on the right side (chance: 50 %)" if of_groups else f"r = {own.agreement:.2f}"
    print(f"{output}: {len(gathered.people)} people; left out of the fit one at a time, {value}")
