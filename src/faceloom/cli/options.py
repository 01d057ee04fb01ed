"""The arguments and options that commands share: one meaning and one help text each."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

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
Age = Annotated[float | None, typer.Option(help="Years older, or younger when negative.")]
Smile = Annotated[float | None, typer.Option(help="How sure a smile is to be seen: 0.9 is clear, 0 is none.")]
Gender = Annotated[float | None, typer.Option(help="Gender presentation: 0 feminine, 1 masculine.")]
Glasses = Annotated[float | None, typer.Option(help="How sure glasses are to be seen: 0 or 1.")]
Mouth = Annotated[float | None, typer.Option(help="How sure the lips are to be apart: 0 or 1.")]
Yaw = Annotated[float | None, typer.Option(help="Degrees to turn; positive to the viewer's right.")]
Pitch = Annotated[float | None, typer.Option(help="Degrees to nod; positive downwards.")]
KeepIdentity = Annotated[
    float | None, typer.Option(min=0, max=1, help="Stop where the person is less alike than this; 0.7 is strict.")
]
