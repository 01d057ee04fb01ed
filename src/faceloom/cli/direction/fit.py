"""`faceloom direction fit`: fit a direction to photos or likenesses."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from faceloom.cli import options
from faceloom.cli.direction.discover import parse_layers
from faceloom.cli.direction.show import direction_facts
from faceloom.cli.output import note, open_studio, print_json, print_line, progress

if TYPE_CHECKING:
    from faceloom.edit.directions import Direction
    from faceloom.edit.fit_few import FewShotFit
    from faceloom.workflows.batch import BatchResult
    from faceloom.workflows.studio import Studio


def fit(
    output: options.Output,
    positive: Annotated[Path | None, typer.Option(help="Folder of photos or likenesses with the attribute.")] = None,
    negative: Annotated[Path | None, typer.Option(help="Folder of photos or likenesses without it.")] = None,
    labels: Annotated[
        Path | None, typer.Option(help="Instead of folders: a CSV of file,value with a number for each file.")
    ] = None,
    name: Annotated[str | None, typer.Option(help="Name of the direction; by default OUTPUT's.")] = None,
    unit: Annotated[str, typer.Option(help="Unit of the CSV's numbers.")] = "units",
    seconds: Annotated[float, typer.Option(min=0.1, help="Deadline for encoding each photo.")] = 30.0,
    hold: Annotated[
        str,
        typer.Option(
            help="What the direction must not change: attributes (age,smile,gender,glasses,yaw ...) or direction files."
        ),
    ] = "",
    per_layer: Annotated[
        bool, typer.Option("--per-layer", help="Fit one vector per layer; needs hundreds of people.")
    ] = False,
    layers: Annotated[
        str | None, typer.Option(help="Layers that it applies to: coarse, middle, fine, all, or numbers.")
    ] = None,
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
    held = _held(studio, [held for held in hold.split(",") if held])
    config = FitFewConfig(held, per_layer, parse_layers(studio, layers), "fitted with faceloom direction fit")
    about: dict[str, Any] = {"statistics": studio.latent_statistics, "generator": studio.generator, "config": config}
    name, keep = name or output.stem, output.with_name(f"{output.stem}-likenesses")
    if labels is not None:
        fitted, encoded = _fit_values(studio, name, labels, keep, seconds, about | {"unit": unit})
    else:
        assert positive is not None
        assert negative is not None
        fitted, encoded = _fit_groups(studio, name, positive, negative, keep, seconds, about)
    directions.save(fitted.direction, output)
    _report_fit(fitted, encoded, output, as_json)


def _held(studio: Studio, names: Sequence[str]) -> list[Direction]:
    """Return the directions to hold. Attributes are fitted again, since shipped directions hold other attributes."""
    from faceloom.checkpoints.shipped import load_analyzer
    from faceloom.edit.discover import fit_plain_directions
    from faceloom.networks.analyzer import ATTRIBUTES

    attributes = [name for name in names if name in ATTRIBUTES]
    held = [_in_w(studio, name) for name in names if name not in ATTRIBUTES]
    if attributes:
        G = studio.fast_generator.G
        held += fit_plain_directions(
            G, attributes, load_analyzer(), statistics=studio.latent_statistics, generator=studio.generator
        )
    return held


def _in_w(studio: Studio, name: str) -> Direction:
    from faceloom.edit.directions import Direction

    found = studio.direction(name)
    if not isinstance(found, Direction):
        raise typer.BadParameter(f"'{name}' is a StyleSpace direction: hold a direction of W", param_hint="--hold")
    return found


def _fit_groups(
    studio: Studio, name: str, positive: Path, negative: Path, keep: Path, seconds: float, about: dict[str, Any]
) -> tuple[FewShotFit, BatchResult]:
    from faceloom.edit.fit_few import from_groups
    from faceloom.workflows.batch import list_files

    sides = list_files(positive), list_files(negative)
    encoded = _encode(studio, [*sides[0], *sides[1]], keep, seconds)
    groups = [_stacked(encoded, side) for side in sides]
    return from_groups(name, groups[0], groups[1], **about), encoded


def _fit_values(
    studio: Studio, name: str, labels: Path, keep: Path, seconds: float, about: dict[str, Any]
) -> tuple[FewShotFit, BatchResult]:
    import torch

    from faceloom.edit.fit_few import from_values
    from faceloom.workflows.batch import read_labels

    table = read_labels(labels)
    encoded = _encode(studio, list(table), keep, seconds)
    values = torch.tensor([table[file] for file in encoded.people])
    return from_values(name, _stacked(encoded, list(table)), values, **about), encoded


def _encode(studio: Studio, files: Sequence[Path], keep: Path, seconds: float) -> BatchResult:
    from faceloom.invert.budget import EncodeConfig
    from faceloom.workflows.batch import batch_encode

    with progress(1.0, "encoding") as draw:
        encoded = batch_encode(studio, files, keep, config=EncodeConfig(seconds, tune=False), callback=draw)
    for file, why in encoded.failed.items():
        note(f"{file} was left out: {why}")
    return encoded


def _stacked(encoded: BatchResult, files: Sequence[Path]) -> Any:
    import torch

    found = [encoded.people[file].w_plus for file in files if file in encoded.people]
    return torch.cat(found) if found else torch.empty(0, 1, 1)


def _report_fit(fitted: FewShotFit, encoded: BatchResult, output: Path, as_json: bool) -> None:
    failed = {str(file): why for file, why in encoded.failed.items()}
    if as_json:
        facts = {"people": len(encoded.people), "agreement": round(fitted.agreement, 3), "left_out": failed}
        print_json({"output": str(output), **facts, **direction_facts(fitted.direction)})
        return
    of_groups = fitted.direction.unit == "sigma"
    value = (
        f"{100 * fitted.agreement:.0f} % on the right side (chance: 50 %)"
        if of_groups
        else f"r = {fitted.agreement:.2f}"
    )
    print_line(f"{output}: {len(encoded.people)} people; leave-one-out check: {value}")
