"""What the commands share: JSON for programs, notes and progress for people, and how a person is named."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

if TYPE_CHECKING:
    from faceloom.likeness import Likeness
    from faceloom.workflows.studio import Studio


def print_json(facts: Mapping[str, Any]) -> None:
    """Print one JSON object."""
    print(json.dumps(facts, indent=2, ensure_ascii=False))


def tell(facts: Mapping[str, Any], as_json: bool) -> None:
    """Say what was made: all facts to a program, to a person the place, `facts["output"]`."""
    if as_json:
        print_json(facts)
    else:
        print(facts["output"])


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
    from faceloom.workflows.studio import Studio

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


def keep_person(studio: Studio, person: Likeness, output: Path, size: int | None) -> None:
    """Draw a person, or where `output` ends in .likeness write them down."""
    from faceloom import likeness
    from faceloom.images import save_picture

    if output.suffix == ".likeness":
        likeness.save(person, output)
    else:
        save_picture(studio.render(person, size), output, ai_generated=True)


def keep_both(studio: Studio, person: Likeness, stem: Path, size: int | None) -> dict[str, str]:
    """Write `stem`.likeness and `stem`.png; where they are, by these words."""
    files = {"picture": stem.with_name(f"{stem.name}.png"), "likeness": stem.with_name(f"{stem.name}.likeness")}
    for file in files.values():
        keep_person(studio, person, file, size)
    return {word: str(file) for word, file in files.items()}


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
