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
    str | None, typer.Option(help="fp32 or bf16; by default what this processor is faster at.", metavar="PRECISION")
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


def open_studio(precision: str | None = None, generator: str | None = None) -> Studio:
    """Make a studio, with the default generator unless another is named."""
    if precision not in (None, "fp32", "bf16"):
        raise typer.BadParameter(f"'{precision}' is neither fp32 nor bf16", param_hint="--precision")
    from faceloom.studio import Studio

    return Studio(generator, precision=precision) if generator else Studio(precision=precision)


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
