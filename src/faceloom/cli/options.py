"""The arguments and options that several commands share."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from faceloom.analyze.attributes import TABLE

PERSON = (
    "A likeness file, or seed:N for a generated face; seed:N:LABEL for a conditional generator, as seed:7:2 or "
    "seed:7:0.3,1,0."
)

Person = Annotated[str, typer.Argument(help=PERSON)]
Photo = Annotated[Path, typer.Argument(help="A photo with a face.")]
Photos = Annotated[list[Path], typer.Argument(help="Photos: JPEG, PNG, WebP, GIF, AVIF or HEIC.")]
NamedDirection = Annotated[str, typer.Argument(help="A direction's name or file.")]
Output = Annotated[Path, typer.Option("-o", "--output", help="The file to write; its suffix chooses the format.")]
Size = Annotated[int | None, typer.Option(min=16, max=4096, help="Side of the picture in pixels.")]
Sizes = Annotated[int | None, typer.Option(min=16, max=4096, help="Side of the pictures in pixels.")]
Precision = Annotated[
    str | None,
    typer.Option(
        help="fp32, bf16 or fp16; by default fp32 for pictures, and the fastest for encoding and films.",
        metavar="PRECISION",
    ),
]
Engine = Annotated[
    str,
    typer.Option(
        "--engine",
        help="torch (starts at once), compile (fastest per image, starts in a minute), onnx or openvino; auto chooses "
        "the fastest for this job, measured once for long jobs.",
        metavar="ENGINE",
    ),
]
Device = Annotated[str, typer.Option(help="cpu, cuda or mps; auto uses a GPU if torch finds one.", metavar="DEVICE")]
Generator = Annotated[
    str | None,
    typer.Option("--generator", help="Name of a shipped or imported generator, or a checkpoint file."),
]
Json = Annotated[bool, typer.Option("--json", help="Print one JSON object to standard output.")]
Style = Annotated[
    str | None,
    typer.Option("--style", help="Draw in a style: one that comes with faceloom, or a style file.", metavar="STYLE"),
]
Strength = Annotated[
    float | None,
    typer.Option("--strength", min=0, max=1.5, help="Strength of the style: 0 draws a photo, 1 the style as fitted."),
]
Force = Annotated[
    bool, typer.Option("--force", help="Lift the bounds of all other attributes, the skin tone and the identity.")
]
KeepIdentity = Annotated[
    float | None,
    typer.Option(min=0, max=1, help="Stop at this identity similarity to the person before the edit; 0.7 is strict."),
]


if TYPE_CHECKING:
    Context = typer.Context
else:
    Context = typer.Context.__mro__[1]  # typer passes an instance of the base class


def explicit_options(context: Context) -> dict[str, str]:
    """Return the options that the user gave, on the command line or in the environment: flag by parameter name."""
    explicit: dict[str, str] = {}
    for parameter in context.command.params:
        source = context.get_parameter_source(parameter.name or "")
        if parameter.name and source is not None and source.name in ("COMMANDLINE", "ENVIRONMENT"):
            explicit[parameter.name] = max(parameter.opts, key=len)
    return explicit


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
