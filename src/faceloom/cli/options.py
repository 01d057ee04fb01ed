"""The arguments and options that commands share: one meaning and one help text each."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

import typer

from faceloom.analyze.attributes import TABLE

PERSON = "A likeness file, or seed:N for an invented person; seed:N:LABEL where the generator takes labels."

Person = Annotated[str, typer.Argument(help=PERSON)]
Photo = Annotated[Path, typer.Argument(help="A picture with a face.")]
Photos = Annotated[list[Path], typer.Argument(help="Pictures: JPEG, PNG, WebP, GIF, AVIF, HEIC.")]
NamedDirection = Annotated[str, typer.Argument(help="A direction's name or file.")]
Output = Annotated[Path, typer.Option("-o", "--output", help="Where the result goes; the ending chooses the format.")]
Size = Annotated[int | None, typer.Option(min=16, max=4096, help="Side of the picture in pixels.")]
Sizes = Annotated[int | None, typer.Option(min=16, max=4096, help="Side of the pictures in pixels.")]
Precision = Annotated[
    str | None,
    typer.Option(
        help="fp32, bf16 or fp16; by default fp32 for pictures, for searches and films the faster one.",
        metavar="PRECISION",
    ),
]
Engine = Annotated[
    str,
    typer.Option(
        "--engine",
        help="torch (starts at once), compile (fastest an image, starts in a minute), onnx, openvino; auto: what ends "
        "this job first, measured once for long jobs and remembered.",
        metavar="ENGINE",
    ),
]
Device = Annotated[str, typer.Option(help="cpu, cuda, mps; auto: a GPU where torch finds one.", metavar="DEVICE")]
Generator = Annotated[
    str | None,
    typer.Option("--generator", help="An imported generator's name, or a checkpoint's file."),
]
Json = Annotated[bool, typer.Option("--json", help="Print one JSON object to standard output.")]
KeepIdentity = Annotated[
    float | None, typer.Option(min=0, max=1, help="Stop where the person is less alike than this; 0.7 is strict.")
]


def with_attribute_options(command: Callable[..., None]) -> Callable[..., None]:
    """Replace the parameter `values` of a command by one option for each attribute that has an option in the table.

    The command receives the requested values by attribute; attributes whose options were not given are left out.
    """
    rows = [row for row in TABLE.values() if row.option]
    added = [
        inspect.Parameter(
            row.name,
            inspect.Parameter.POSITIONAL_OR_KEYWORD,
            default=None,
            annotation=Annotated[float | None, typer.Option(f"--{row.option}", help=row.help)],
        )
        for row in rows
    ]

    @functools.wraps(command)
    def run(**arguments: Any) -> None:
        given = {row.name: arguments.pop(row.name) for row in rows}
        command(values={name: value for name, value in given.items() if value is not None}, **arguments)

    parameters: list[inspect.Parameter] = []
    for parameter in inspect.signature(command, eval_str=True).parameters.values():
        parameters += added if parameter.name == "values" else [parameter]
    run.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
    run.__annotations__ = {parameter.name: parameter.annotation for parameter in parameters}
    return run
