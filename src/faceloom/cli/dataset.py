"""`faceloom dataset`: make, inspect and check datasets to train on."""

from __future__ import annotations

import re
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from faceloom.cli import options
from faceloom.cli.output import note, print_json, print_line, progress

if TYPE_CHECKING:
    from faceloom.datasets import Condition, Dataset, MakeConfig, MakeResult
    from faceloom.datasets.labels import LabelType

File = Annotated[Path, typer.Argument(help="A dataset: a zip, or a folder of pictures of one size.")]
Sheet = Annotated[Path | None, typer.Option(help="Also save a contact sheet of pictures spread over the dataset.")]
LISTED = 20  # pictures listed on the terminal; --json lists all
SOURCE_NAMES = {"huggingface": "folder with metadata", "webdataset": "WebDataset"}

app = typer.Typer(help="Datasets to train on: make, inspect and check them.", no_args_is_help=True)


@app.command()
def make(
    source: Annotated[
        Path,
        typer.Argument(help="A folder, zip, .tar shard or folder of shards, Hugging Face image folder, or film."),
    ],
    output: Annotated[Path, typer.Option("-o", "--output", help="The zip to write.")],
    resolution: Annotated[str, typer.Option(help="Side in pixels, or WIDTHxHEIGHT for pictures that are not square.")],
    crop: Annotated[
        str, typer.Option(help="center; face: aligned as FFHQ is; none: whole pictures of that aspect ratio.")
    ] = "center",
    labels: Annotated[
        str,
        typer.Option(
            help="auto: the source's table; folders: the outermost folder's name, except train, val and test; none."
        ),
    ] = "auto",
    label_type: Annotated[
        str,
        typer.Option(
            help="auto: real numbers are a vector, whole numbers and names are classes; class or vector for all labels."
        ),
    ] = "auto",
    table: Annotated[
        Path | None, typer.Option(help="A CSV, JSON Lines or dataset.json file with one row for each picture.")
    ] = None,
    label_column: Annotated[
        list[str] | None,
        typer.Option(
            help="Column of the table that holds labels; 'label' by default. May be repeated: a label is then a vector "
            "of several classes and numbers. NAME:number and NAME:class state the type of one column."
        ),
    ] = None,
    where: Annotated[
        list[str] | None,
        typer.Option(
            help="Take only pictures whose row meets COLUMN=VALUE or COLUMN!=VALUE. May be repeated. Folders named "
            "train, val and test are the column split."
        ),
    ] = None,
    colors: Annotated[
        str,
        typer.Option(
            help="auto: as most pictures are; gray, gray16, rgb, or rgba for pictures with transparency convert all."
        ),
    ] = "auto",
    audio: Annotated[
        bool,
        typer.Option(
            "--audio",
            help="Read sounds (WAV, FLAC, MP3) as spectrograms of --resolution FRAMESxFREQUENCIES.",
        ),
    ] = False,
    rate: Annotated[
        int | None, typer.Option(help="With --audio: samples per second, to which all sounds are converted; 16000.")
    ] = None,
    seconds: Annotated[
        float | None,
        typer.Option(
            help="With --audio: length of every sound, padded or cropped; by default such that a frame starts after a "
            "quarter of a window."
        ),
    ] = None,
    also: Annotated[
        str | None, typer.Option(help="Kinds of files that are read besides the usual ones: tiff, bmp or tiff,bmp.")
    ] = None,
    enlarge: Annotated[
        bool, typer.Option("--enlarge", help="Also take small pictures that are enlarged 2 to 16 times.")
    ] = False,
    every: Annotated[int, typer.Option(min=1, help="Take every n-th picture or frame.")] = 1,
    limit: Annotated[int | None, typer.Option(min=1, help="Maximum number of pictures.")] = None,
    drop_duplicates: Annotated[bool, typer.Option("--drop-duplicates", help="Leave out duplicates.")] = False,
    near: Annotated[
        float | None,
        typer.Option(
            min=0,
            max=20,
            help="Distance below which two pictures are duplicates: 0 the same pixels, 3 saved or scaled again, 7 also "
            "cropped again (and the same person in the same pose). Other colors are other pictures. By default 3, for "
            "sounds 0.",
        ),
    ] = None,
    sheet: Sheet = None,
    as_json: options.Json = False,
) -> None:
    """Make a dataset that faceloom and NVIDIA's trainers read: PNGs of one size in a zip, with labels in dataset.json.

    Files that cannot be read are reported and left out; duplicates are reported. Licenses and origins that a table
    states are kept, and so are marks of AI (IPTC, C2PA) in the pictures' files.

    \b
    Examples:
      faceloom dataset make photos --resolution 256 --crop face --drop-duplicates -o faces.zip
      faceloom dataset make pets --resolution 128 --labels folders -o pets.zip --sheet pets.png
      faceloom dataset make flowers --resolution 64 --labels folders --where split=train -o flowers.zip
      faceloom dataset make scans --resolution 256 --also tiff --table ages.csv --label-column age -o scans.zip
      faceloom dataset make icons --resolution 64 --table icons.csv --label-column kind --label-column hue -o icons.zip
      faceloom dataset make digits --audio --rate 8000 --resolution 64x128 --labels folders -o digits.zip
      faceloom dataset make film.mp4 --resolution 256x144 --every 25 -o frames.zip --json
    """
    from faceloom.datasets import Dataset, MakeConfig, SourceConfig, TableConfig, open_source
    from faceloom.datasets import make as make_dataset
    from faceloom.datasets.crops import CROP_MODES
    from faceloom.datasets.duplicates import NEAR
    from faceloom.datasets.labels import LABEL_TYPES
    from faceloom.images.channels import COLORS, GRAY
    from faceloom.sounds.spectrogram import DEFAULT_RATE, Spectrogram

    if labels not in ("auto", "folders", "none"):
        raise typer.BadParameter(f"'{labels}' is not one of auto, folders, none", param_hint="--labels")
    mode = next((mode for mode in CROP_MODES if mode == crop), None)
    if mode is None:
        raise typer.BadParameter(f"'{crop}' is not one of {', '.join(CROP_MODES)}", param_hint="--crop")
    kind_of_labels = next((kind for kind in LABEL_TYPES if kind == label_type), None)
    if kind_of_labels is None:
        raise typer.BadParameter(f"'{label_type}' is not one of {', '.join(LABEL_TYPES)}", param_hint="--label-type")
    if colors not in ("auto", *COLORS):
        raise typer.BadParameter(f"'{colors}' is not one of auto, {', '.join(COLORS)}", param_hint="--colors")
    if near is None:
        near = 0.0 if audio else NEAR
    columns = dict(map(_label_column, label_column or ()))
    reading = TableConfig(tuple(columns), tuple(map(_condition, where or ())))
    size, sound = _size(resolution), None
    if audio:
        if crop != "center" or colors != "auto" or also:
            raise typer.BadParameter("--crop, --colors and --also are for pictures", param_hint="--audio")
        sound = Spectrogram.of(size, DEFAULT_RATE if rate is None else rate, seconds)
        mode, colors = "none", GRAY.name
    elif rate is not None or seconds is not None:
        raise typer.BadParameter("it is for sounds: add --audio", param_hint="--rate" if rate else "--seconds")
    reads = SourceConfig(labels=labels, table=table, reading=reading, every=every, also=_kinds(also), sound=sound)
    config = MakeConfig(size, mode, reads, limit, drop_duplicates, near, kind_of_labels, enlarge, colors, columns)
    count = open_source(source, reads).count
    with progress(min(count, limit or count) or 1, "making") as draw:
        made = make_dataset(source, output, config, draw)
    if sheet:
        _save_sheet(Dataset.open(output), sheet)
    if as_json:
        print_json({"output": str(output), "sheet": str(sheet) if sheet else None, **_facts_of(made, config)})
    else:
        _print_summary(made, config, output)


@app.command()
def inspect(file: File, sheet: Sheet = None, as_json: options.Json = False) -> None:
    """Print what a dataset holds: number and size of pictures, classes, splits, licenses, origins and marks of AI.

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
    print_line(
        f"{file}: {found.pictures} pictures, {width} x {height} px{_name_colors(found.colors)}"
        + (f", crop {found.crop}" if found.crop else "")
    )
    labels = _counts(found.labels) if found.labels else f"vectors of {found.c_dim}" if found.c_dim else "none"
    if found.label_columns:
        parts = (f"{name} ({n} classes)" if n else f"{name} (number)" for name, n in found.label_columns.items())
        labels = ", ".join(parts)
    print_line(f"labels: {labels}")
    if found.splits:
        print_line(f"splits: {_counts(found.splits)}")
    print_line(f"licenses: {_counts(found.licences) or 'not stated'}; {found.origins} origins")
    if found.ai_marked is None:
        print_line("marked as made by AI: not recorded; faceloom dataset make reads the marks and records them")
    else:
        print_line(f"marked as made by AI: {found.ai_marked}; with content credentials: {found.credentials}")
    for sentence in found.notes:
        print_line(sentence)


@app.command()
def check(file: File, as_json: options.Json = False) -> None:
    """Open every picture of a dataset. Exits with 1 when one is damaged, of another size, or not labeled.

    \b
    Examples:
      faceloom dataset check faces.zip
      faceloom dataset check faces.zip --json
    """
    from faceloom.datasets import Dataset
    from faceloom.datasets import check as check_dataset

    dataset = Dataset.open(file)
    with progress(len(dataset), "checking") as draw:
        found = check_dataset(dataset, draw)
    if as_json:
        print_json({"file": str(file), "is_whole": found.is_whole, **asdict(found)})
    else:
        for name, reason in found.faults:
            note(f"{name}: {reason}")
        state = "whole" if found.is_whole else f"{len(found.faults)} damaged"
        print_line(f"{file}: {found.pictures} pictures, {state}, {'with' if found.labelled else 'without'} labels")
    raise typer.Exit(0 if found.is_whole else 1)


def _size(text: str) -> tuple[int, int]:
    match = re.fullmatch(r"(\d{1,4})(?:[xX](\d{1,4}))?", text)
    size = (int(match[1]), int(match[2] or match[1])) if match else (0, 0)
    if not 4 <= min(size) <= max(size) <= 4096:
        raise typer.BadParameter(
            f"'{text}' is not a size from 4 to 4096 such as 128 or 192x256", param_hint="--resolution"
        )
    return size


def _kinds(text: str | None) -> tuple[str, ...]:
    from faceloom.images.kinds import EXTRA_KINDS

    names = {"TIF": "TIFF"} | {kind: kind for kind in EXTRA_KINDS}
    words = [kind.strip().upper() for kind in (text or "").split(",") if kind.strip()]
    kinds = tuple(names.get(kind, "") for kind in words)
    if not set(kinds) <= set(EXTRA_KINDS):
        raise typer.BadParameter(f"'{text}' is not tiff, bmp or tiff,bmp", param_hint="--also")
    return kinds


def _label_column(text: str) -> tuple[str, LabelType]:
    """Return the name and the type of a column of labels: 'age:number' -> ('age', 'vector')."""
    name, _, kind = text.rpartition(":")
    if kind in ("number", "class") and name:
        return name, "vector" if kind == "number" else "class"
    return text, "auto"


def _condition(text: str) -> Condition:
    from faceloom.datasets import Condition

    match = re.fullmatch(r"(.+?)(!?)=(.*)", text, re.DOTALL)
    if match is None:
        raise typer.BadParameter(f"'{text}' is not a condition such as split=train", param_hint="--where")
    return Condition(match[1], match[3], is_equal=not match[2])


def _save_sheet(dataset: Dataset, path: Path) -> None:
    from faceloom.datasets import sheet
    from faceloom.images import save_picture

    save_picture(sheet(dataset), path, ai_generated=False)


def _facts_of(made: MakeResult, config: MakeConfig) -> dict[str, Any]:
    values = made.labels.values
    return {
        "kind": made.kind,
        "resolution": list(config.size),
        "colors": made.colors.name,
        "crop": config.crop,
        "pictures": made.written,
        "labelled": values is not None,
        "classes": list(made.labels.classes),
        "label_columns": [column.name for column in made.labels.columns],
        "enlarged": made.enlarged,
        "left_out": made.left_out,
        "ai_marked": made.ai_marked,
        "notes": list(made.notes),
        "skipped": [{"name": name, "why": why} for name, why in made.skipped],
        "duplicates": [asdict(duplicate) for duplicate in made.duplicates],
        "dropped": len(made.duplicates) if config.drop_duplicates else 0,
    }


def _print_summary(made: MakeResult, config: MakeConfig, output: Path) -> None:
    for name, reason in made.skipped[:LISTED]:
        note(f"{name}: left out: {reason}")
    for duplicate in made.duplicates[:LISTED]:
        kind = "the same pixels as" if not duplicate.levels else f"nearly the same as ({duplicate.levels:.1f} levels)"
        note(f"{duplicate.name}: {kind} {duplicate.of}{', left out' if config.drop_duplicates else ''}")
    if max(len(made.skipped), len(made.duplicates)) > LISTED:
        note("the list is shortened; --json prints all of it")
    for sentence in made.notes:
        note(sentence)
    print_line(
        f"{output}: {made.written} pictures of {config.size[0]} x {config.size[1]} px{_name_colors(made.colors.name)} "
        f"from a {SOURCE_NAMES.get(made.kind, made.kind)}, "
        f"{len(made.skipped)} unusable and left out, {len(made.duplicates)} duplicates"
        + (", dropped" if config.drop_duplicates and made.duplicates else "")
        + (f", {made.enlarged} enlarged" if made.enlarged else "")
    )


def _name_colors(colors: str) -> str:
    return "" if colors == "rgb" else f" ({colors})"


def _counts(counts: Any) -> str:
    named = [f"{name} ({count})" for name, count in list(counts.items())[:LISTED]]
    return ", ".join(named) + (f" and {len(counts) - LISTED} more" if len(counts) > LISTED else "")
