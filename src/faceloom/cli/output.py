"""What the commands share: JSON for programs, notes and progress for people, and how a person is named."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from faceloom.likeness import Likeness
    from faceloom.studio import Studio

AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON object to standard output.")]
Output = Annotated[Path, typer.Option("-o", "--output", help="Where the result goes; the ending chooses the format.")]
Precision = Annotated[
    str | None,
    typer.Option(
        help="fp32, bf16 or fp16; by default fp32 for pictures, for searches and films the faster one.",
        metavar="PRECISION",
    ),
]
EngineName = Annotated[
    str,
    typer.Option(
        "--engine",
        help="torch (starts at once), compile (fastest an image, starts in a minute), onnx, openvino; auto: what ends "
        "this job first, measured once for long jobs and remembered.",
        metavar="ENGINE",
    ),
]
Device = Annotated[
    str,
    typer.Option(help="cpu, cuda, mps; auto: a GPU where torch finds one.", metavar="DEVICE"),
]
GeneratorName = Annotated[
    str | None,
    typer.Option("--generator", help="An imported generator's name, or a checkpoint's file."),
]
PERSON = "A likeness file, or seed:N for an invented person; seed:N:LABEL where the generator takes labels."


def print_json(facts: Mapping[str, Any]) -> None:
    """Print one JSON object."""
    print(json.dumps(facts, indent=2, ensure_ascii=False))


def note(text: str) -> None:
    """Say something to the person at the terminal, on standard error."""
    print(text, file=sys.stderr)


def open_studio(
    precision: str | None = None,
    generator: str | None = None,
    *,
    engine: str = "torch",
    device: str = "cpu",
    images: int = 1,
) -> Studio:
    """Make a studio, with the default generator unless another is named; `images`: how many will be drawn."""
    _one_of(precision, ("fp32", "bf16", "fp16"), "--precision")
    _one_of(engine, ("auto", "torch", "compile", "onnx", "openvino"), "--engine")
    _one_of(device, ("auto", "cpu", "cuda", "mps"), "--device")
    from faceloom.checkpoints.load import DEFAULT_GENERATOR
    from faceloom.studio import Studio

    return Studio(
        generator or DEFAULT_GENERATOR,
        precision=precision,
        engine=engine,
        device=_found_device() if device == "auto" else device,
        images=images,
        note=note,
    )


def _one_of(word: str | None, known: tuple[str, ...], option: str) -> None:
    if word is not None and word not in known:
        raise typer.BadParameter(f"'{word}' is none of {', '.join(known)}", param_hint=option)


def _found_device() -> str:
    import torch

    if torch.cuda.is_available():
        return "cuda"
    return "mps" if torch.backends.mps.is_available() else "cpu"


def open_person(studio: Studio, name: str, psi: float = 0.7) -> Likeness:
    """Open a likeness file, or invent the person of 'seed:N' or 'seed:N:LABEL'."""
    if match := re.fullmatch(r"seed:(\d+)(?::(\d+))?", name):
        return studio.generate(int(match[1]), psi, label=int(match[2]) if match[2] else None)
    return studio.load(name)


@contextmanager
def progress(total: float, what: str) -> Iterator[Callable[[float, str], None]]:
    """Draw one bar on standard error; the function given moves it to a value and says something beside it."""
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("{task.percentage:>3.0f} %"),
        TimeRemainingColumn(),
        TextColumn("{task.fields[detail]}"),
    )
    with Progress(*columns, console=Console(stderr=True)) as bars:
        task = bars.add_task(what, total=total, detail="")

        def draw(done: float, detail: str) -> None:
            bars.update(task, completed=done, detail=detail)

        yield draw
        bars.update(task, completed=total)
