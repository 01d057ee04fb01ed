"""`faceloom dataset`: pictures from anywhere into one zip to train on, and what is in such a zip."""

from __future__ import annotations

import re
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from faceloom.cli import options
from faceloom.cli.output import note, print_json, progress

if TYPE_CHECKING:
    from faceloom.datasets import Condition, Dataset, Made, MakeConfig

File = Annotated[Path, typer.Argument(help="A dataset: a zip, or a folder of pictures of one size.")]
Sheet = Annotated[Path | None, typer.Option(help="Also a contact sheet of pictures from all over it.")]
TOLD = 20  # pictures that are named to a person; --json names all

app = typer.Typer(help="Pictures to train on: make a dataset, look into it, check it.", no_args_is_help=True)


@app.command()
def make(
    source: Annotated[
        Path,
        typer.Argument(help="A folder, zip, .tar shard or folder of shards, Hugging Face image folder, or film."),
    ],
    output: Annotated[Path, typer.Option("-o", "--output", help="The zip to write.")],
    resolution: Annotated[str, typer.Option(help="Side in pixels, or WxH for pictures that are not square.")],
    crop: Annotated[
        str, typer.Option(help="centre; face: aligned as FFHQ is; none: whole pictures of that shape.")
    ] = "centre",
    labels: Annotated[
        str, typer.Option(help="auto: what the source's table says; folders: the outermost folder's name; none.")
    ] = "auto",
    table: Annotated[Path | None, typer.Option(help="A CSV, JSON Lines or dataset.json with facts by file.")] = None,
    label_column: Annotated[str | None, typer.Option(help="The table's column of labels; 'label' by default.")] = None,
    where: Annotated[
        list[str] | None,
        typer.Option(help="Only pictures whose row says so: COLUMN=VALUE or COLUMN!=VALUE. May be repeated."),
    ] = None,
    every: Annotated[int, typer.Option(min=1, help="Take one of so many pictures or frames.")] = 1,
    limit: Annotated[int | None, typer.Option(min=1, help="Take so many pictures at most.")] = None,
    drop_duplicates: Annotated[bool, typer.Option("--drop-duplicates", help="Leave out what is there twice.")] = False,
    near: Annotated[
        float,
        typer.Option(
            min=0,
            max=20,
            help="What counts as there twice: 0 the same pixels, 3 saved or scaled anew, 7 cropped anew, too (and the "
            "same person in the same pose).",
        ),
    ] = 3.0,
    sheet: Sheet = None,
    as_json: options.Json = False,
) -> None:
    """Make a dataset that faceloom and NVIDIA's trainers read: PNGs of one size in a zip, with labels in dataset.json.

    Broken files are told and left out, twins are told. Licences and origins that a table states are kept.

    \b
    Examples:
      faceloom dataset make photos --resolution 256 --crop face --drop-duplicates -o faces.zip
      faceloom dataset make pets --resolution 128 --labels folders -o pets.zip --sheet pets.png
      faceloom dataset make film.mp4 --resolution 256x144 --every 25 -o frames.zip --json
    """
    from faceloom.datasets import Dataset, MakeConfig, Reading, SourceConfig, open_source
    from faceloom.datasets import make as make_dataset
    from faceloom.datasets.crops import CROP_MODES

    if labels not in ("auto", "folders", "none"):
        raise typer.BadParameter(f"'{labels}' is none of auto, folders, none", param_hint="--labels")
    mode = next((mode for mode in CROP_MODES if mode == crop), None)
    if mode is None:
        raise typer.BadParameter(f"'{crop}' is none of {', '.join(CROP_MODES)}", param_hint="--crop")
    reading = Reading(label_column, tuple(map(_condition, where or ())))
    reads = SourceConfig(labels=labels, table=table, reading=reading, every=every)
    config = MakeConfig(_size(resolution), mode, reads, limit, drop_duplicates, near)
    count = open_source(source, reads).count
    with progress(min(count, limit or count) or 1, "making") as draw:
        made = make_dataset(source, output, config, lambda done, name: draw(done, shown(name)))
    if sheet:
        _save_sheet(Dataset.open(output), sheet)
    if as_json:
        print_json({"output": str(output), "sheet": str(sheet) if sheet else None, **_made_facts(made, config)})
    else:
        _tell_made(made, config, output)


@app.command()
def inspect(file: File, sheet: Sheet = None, as_json: options.Json = False) -> None:
    """Say what a dataset holds: size, classes, licences, where it comes from.

    \b
    Examples:
      faceloom dataset inspect faces.zip
      faceloom dataset inspect faces.zip --sheet faces.png --json
    """
    from faceloom.datasets import Dataset
    from faceloom.datasets import inspect as inspect_dataset

    dataset = Dataset.open(file)
    found = inspect_dataset(dataset)
    if sheet:
        _save_sheet(dataset, sheet)
    if as_json:
        print_json({"file": str(file), "sheet": str(sheet) if sheet else None, **asdict(found)})
        return
    width, height = found.resolution
    print(
        f"{file}: {found.pictures} pictures, {width} x {height} px"
        + (f", crop {shown(found.crop)}" if found.crop else "")
    )
    what = _counts(found.labels) if found.labels else f"vectors of {found.c_dim}" if found.c_dim else "none"
    print(f"labels: {what}")
    print(f"licences: {_counts(found.licences) or 'not stated'}; {found.origins} origins")
    for sentence in found.notes:
        print(sentence)


@app.command()
def check(file: File, as_json: options.Json = False) -> None:
    """Open every picture of a dataset; exit with 1 when one is damaged or of another size, or labels are missing.

    \b
    Examples:
      faceloom dataset check faces.zip
      faceloom dataset check faces.zip --json
    """
    from faceloom.datasets import Dataset
    from faceloom.datasets import check as check_dataset

    dataset = Dataset.open(file)
    with progress(len(dataset), "checking") as draw:
        found = check_dataset(dataset, lambda done, name: draw(done, shown(name)))
    if as_json:
        print_json({"file": str(file), "is_whole": found.is_whole, **asdict(found)})
    else:
        for name, why in found.faults:
            note(shown(f"{name}: {why}"))
        state = "whole" if found.is_whole else f"{len(found.faults)} damaged"
        print(f"{file}: {found.pictures} pictures, {state}, {'with' if found.labelled else 'without'} labels")
    raise typer.Exit(0 if found.is_whole else 1)


def shown(text: str) -> str:
    """A stranger's text as a terminal may have it: without control characters, and without rich's markup."""
    return "".join(letter if letter.isprintable() else "?" for letter in text).replace("[", "(").replace("]", ")")


def _size(text: str) -> tuple[int, int]:
    match = re.fullmatch(r"(\d{1,4})(?:[xX](\d{1,4}))?", text)
    size = (int(match[1]), int(match[2] or match[1])) if match else (0, 0)
    if not 4 <= min(size) <= max(size) <= 4096:
        raise typer.BadParameter(f"'{text}' is no size from 4 to 4096, as in 128 or 192x256", param_hint="--resolution")
    return size


def _condition(text: str) -> Condition:
    from faceloom.datasets import Condition

    match = re.fullmatch(r"(.+?)(!?)=(.*)", text, re.DOTALL)
    if match is None:
        raise typer.BadParameter(f"'{text}' is no condition, as in split=train", param_hint="--where")
    return Condition(match[1], match[3], is_wanted=not match[2])


def _save_sheet(dataset: Dataset, path: Path) -> None:
    from faceloom.datasets import sheet
    from faceloom.images import save_picture

    save_picture(sheet(dataset), path, ai_generated=False)


def _made_facts(made: Made, config: MakeConfig) -> dict[str, Any]:
    values = made.labels.values
    return {
        "kind": made.kind,
        "resolution": list(config.size),
        "crop": config.crop,
        "pictures": made.written,
        "labelled": values is not None,
        "classes": list(made.labels.classes),
        "enlarged": made.enlarged,
        "left_out": made.left_out,
        "skipped": [{"name": name, "why": why} for name, why in made.skipped],
        "duplicates": [asdict(duplicate) for duplicate in made.duplicates],
        "dropped": len(made.duplicates) if config.drop_duplicates else 0,
    }


def _tell_made(made: Made, config: MakeConfig, output: Path) -> None:
    for name, why in made.skipped[:TOLD]:
        note(shown(f"{name}: left out: {why}"))
    for twin in made.duplicates[:TOLD]:
        kind = "the same pixels as" if not twin.levels else f"nearly the same as ({twin.levels:.1f} levels)"
        note(shown(f"{twin.name}: {kind} {twin.of}{', left out' if config.drop_duplicates else ''}"))
    if max(len(made.skipped), len(made.duplicates)) > TOLD:
        note("and so on: --json names all")
    print(
        f"{output}: {made.written} pictures of {config.size[0]} x {config.size[1]} px from a {made.kind}, "
        f"{len(made.skipped)} left out as unusable, {len(made.duplicates)} there twice"
        + (", dropped" if config.drop_duplicates and made.duplicates else "")
        + (f", {made.enlarged} enlarged" if made.enlarged else "")
    )


def _counts(counts: Any) -> str:
    named = [f"{shown(name)} ({count})" for name, count in list(counts.items())[:TOLD]]
    return ", ".join(named) + (f" and {len(counts) - TOLD} more" if len(counts) > TOLD else "")
