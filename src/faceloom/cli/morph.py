"""`faceloom morph`: make a film that morphs from person to person."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING, Annotated

import typer

from faceloom.cli import options
from faceloom.cli.output import open_person, open_studio, print_result, progress

if TYPE_CHECKING:
    import numpy as np


def morph(
    people: Annotated[list[str], typer.Argument(help=f"Two or more. {options.PERSON}")],
    output: options.Output,
    seconds: Annotated[float, typer.Option(min=0.1, max=60, help="Seconds from one person to the next.")] = 2.0,
    fps: Annotated[float, typer.Option(min=1, max=60, help="Frames per second.")] = 24.0,
    pull: Annotated[
        float, typer.Option(min=0, max=1, help="How far the middle of each morph is moved toward W.")
    ] = 0.5,
    size: Annotated[int, typer.Option(min=64, max=1024, help="Side of the film in pixels.")] = 512,
    loop: Annotated[bool, typer.Option("--loop", help="Return to the first person.")] = False,
    engine: options.Engine = "torch",
    precision: options.Precision = None,
    device: options.Device = "cpu",
    generator: options.Generator = None,
    as_json: options.Json = False,
) -> None:
    """Make a film that morphs from each person to the next: MP4 (extra 'video'), animated WebP or GIF.

    \b
    Examples:
      faceloom morph me.likeness friend.likeness -o us.webp
      faceloom morph a.likeness b.likeness seed:7 --loop --seconds 3 --size 1024 -o all.mp4
    """
    from faceloom.edit.film import save_film

    if len(people) < 2:
        raise typer.BadParameter("a morph needs at least two people", param_hint="PEOPLE")
    frames = max(1, round(seconds * fps))
    studio = open_studio(precision, generator, engine=engine, device=device, images=len(people) * frames)
    opened = [open_person(studio, name) for name in people]
    total = frames * len(people) if loop else frames * (len(people) - 1) + 1

    def draw_frames() -> Iterator[np.ndarray]:
        with progress(total, "drawing") as draw:
            for i, frame in enumerate(studio.morph(opened, frames, size=size, loop=loop, pull=pull), start=1):
                draw(i, f"frame {i} of {total}")
                yield frame

    styles = dict.fromkeys(person.style.name for person in opened if person.style)
    save_film(draw_frames(), output, fps, origin=replace(studio.made_by, style=", ".join(styles)))
    print_result({"output": str(output), "people": people, "frames": total, "fps": fps, "size": size}, as_json)
