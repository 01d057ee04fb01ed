"""Output and input that the commands share: JSON, notes, progress bars, and opening a person by name."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

if TYPE_CHECKING:
    from faceloom.edit.paraphrase import Reworded
    from faceloom.likeness import Likeness
    from faceloom.workflows.studio import Studio


def printable(text: str) -> str:
    """Return text with '?' in place of every character that is not printable, except line ends and tabs.

    Names and texts from files may hold escape sequences, which would move the cursor, hide or recolor what is printed,
    or change the terminal's settings. Everything that a command prints passes here.
    """
    return "".join(letter if letter.isprintable() or letter in "\n\t" else "?" for letter in text)


def print_line(text: object = "") -> None:
    """Print a line of a result to standard output, without characters that act on the terminal."""
    print(printable(str(text)))


def print_json(facts: Mapping[str, Any]) -> None:
    """Print one JSON object. Characters that are not printable are escaped, so that a program reads them unchanged."""
    text = json.dumps(facts, indent=2, ensure_ascii=False)
    print("".join(letter if letter.isprintable() or letter == "\n" else json.dumps(letter)[1:-1] for letter in text))


def print_result(facts: Mapping[str, Any], as_json: bool) -> None:
    """Print a result: all facts as JSON, or only the path `facts["output"]`."""
    if as_json:
        print_json(facts)
    else:
        print_line(facts["output"])


def note(text: str) -> None:
    """Print a line for the user to standard error, without characters that act on the terminal."""
    print(printable(text), file=sys.stderr)


def note_rewordings(reworded: Reworded | None) -> None:
    """Print a note for each clause that was taken for a known phrase."""
    for rewording in reworded.rewordings if reworded else ():
        note(str(rewording))


def rewording_facts(reworded: Reworded | None) -> dict[str, Any]:
    """Return the clauses that were taken for known phrases as a fact for JSON; none when there are none."""
    return {"reworded": [asdict(each) for each in reworded.rewordings]} if reworded and reworded.rewordings else {}


def open_studio(
    precision: str | None = None,
    generator: str | None = None,
    *,
    engine: str = "torch",
    device: str = "cpu",
    images: int = 1,
    measure_threads: bool = False,
) -> Studio:
    """Make a studio with the default generator, or the named one; `images` is the number that will be drawn.

    `measure_threads` measures which number of threads is fastest now, for work of several seconds on a CPU.
    """
    _check_choice(precision, ("fp32", "bf16", "fp16"), "--precision")
    _check_choice(engine, ("auto", "torch", "compile", "onnx", "openvino"), "--engine")
    _check_choice(device, ("auto", "cpu", "cuda", "mps"), "--device")
    from faceloom.checkpoints.load import DEFAULT_GENERATOR
    from faceloom.threads import choose_threads
    from faceloom.workflows.studio import Studio

    device = _detect_device() if device == "auto" else device
    if measure_threads and device == "cpu":
        choose_threads()
    return Studio(
        generator or DEFAULT_GENERATOR,
        precision=precision,
        engine=engine,
        device=device,
        images=images,
        note=note,
    )


def _check_choice(word: str | None, choices: tuple[str, ...], option: str) -> None:
    if word is not None and word not in choices:
        raise typer.BadParameter(f"'{word}' is none of {', '.join(choices)}", param_hint=option)


def _detect_device() -> str:
    import torch

    if torch.cuda.is_available():
        return "cuda"
    return "mps" if torch.backends.mps.is_available() else "cpu"


def open_person(studio: Studio, name: str, psi: float = 0.7) -> Likeness:
    """Open a likeness file, or generate the face of 'seed:N' or 'seed:N:LABEL'.

    LABEL is a class, the numbers of a label, as 0.3,1,0, or the values of its columns, as kind=star,size=0.3.
    """
    if match := re.fullmatch(r"seed:([0-9]{1,18})(?::(.+))?", name):
        from faceloom.edit.generate import parse_label

        return studio.generate(int(match[1]), psi, label=parse_label(match[2]) if match[2] else None)
    return studio.load(name)


def draw_in_style(studio: Studio, person: Likeness, style: str | None, strength: float | None) -> Likeness:
    """Return a person in a style given by name or file; 'none' removes it. Raises BadParameter for a strength alone."""
    if style is not None:
        return studio.draw_in_style(person, None if style == "none" else style, strength)
    if strength is None:
        return person
    if person.style is None:
        raise typer.BadParameter("--strength is that of a style: give --style", param_hint="--strength")
    return studio.draw_in_style(person, person.style, strength)


def save_person(studio: Studio, person: Likeness, output: Path, size: int | None) -> None:
    """Save a picture of a person, or their likeness when `output` ends in .likeness."""
    from faceloom.images import save_picture

    if output.suffix == ".likeness":
        person.save(output)
    else:
        save_picture(studio.render(person, size), output, ai_generated=True, origin=person.made_by)


def save_picture_and_likeness(studio: Studio, person: Likeness, stem: Path, size: int | None) -> dict[str, str]:
    """Save `stem`.png and `stem`.likeness; return their paths by the keys `picture` and `likeness`."""
    files = {"picture": stem.with_name(f"{stem.name}.png"), "likeness": stem.with_name(f"{stem.name}.likeness")}
    for file in files.values():
        save_person(studio, person, file, size)
    return {key: str(file) for key, file in files.items()}


@contextmanager
def progress(total: float, label: str) -> Iterator[Callable[[float, str], None]]:
    """Draw a progress bar on standard error; the yielded function takes the value reached and a detail to show.

    The label and the detail may come from files: markup in them is shown, not followed.
    """
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        TextColumn("{task.percentage:>3.0f} %"),
        TimeRemainingColumn(),
        TextColumn("{task.fields[detail]}", markup=False),
    )
    with Progress(*columns, console=Console(stderr=True)) as bars:
        task = bars.add_task(printable(label), total=total, detail="")

        def draw(done: float, detail: str) -> None:
            bars.update(task, completed=done, detail=printable(detail))

        yield draw
        bars.update(task, completed=total)
