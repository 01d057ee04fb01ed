"""`faceloom reveal`: a short film of one person through all ages, or of a smile there and back."""

from __future__ import annotations

from typing import Annotated

import typer

from faceloom.cli import options
from faceloom.cli.output import open_person, open_studio, print_result, progress


def reveal(
    person: options.Person,
    output: options.Output,
    boomerang: Annotated[bool, typer.Option("--boomerang", help="A smile there and back instead, for a loop.")] = False,
    seconds: Annotated[float, typer.Option(min=2, max=60, help="Length of the reveal.")] = 10.0,
    size: Annotated[int, typer.Option(min=64, max=1024, help="Side of the film in pixels.")] = 512,
    precision: options.Precision = None,
    generator: options.Generator = None,
    as_json: options.Json = False,
) -> None:
    """Make a film of a person from about 5 to about 80 years: MP4 (extra 'video'), animated WebP or GIF.

    Each age is an exact edit within the bounds. The ages that were reached are printed with --json.

    \b
    Examples:
      faceloom reveal me.likeness -o reveal.mp4
      faceloom reveal me.likeness --boomerang -o smile.webp
    """
    from pathlib import Path

    from faceloom.edit.film import save_film
    from faceloom.workflows import reveal as show

    fps = show.ANIMATION_FPS if Path(output).suffix.lower() in (".webp", ".gif") else show.FILM_FPS
    studio = open_studio(precision, generator, measure_threads=True)
    opened = open_person(studio, person)
    total = (show.BOOMERANG_SECONDS if boomerang else seconds) * fps
    facts: dict[str, object] = {"output": str(output), "person": person, "fps": fps}
    with progress(total, "editing") as draw:
        if boomerang:
            serious, smiling = (
                studio.edit(opened, {"smile": smile}).person for smile in (1 - show.BROAD_SMILE, show.BROAD_SMILE)
            )
            frames = show.boomerang(studio, serious, smiling, fps=fps, size=size)
        else:
            stops = show.make_stops(studio, opened)
            facts["ages"] = sorted(round(age) for age, _ in stops)
            frames = show.reveal(studio, stops, fps=fps, size=size, seconds=seconds)
        counted = (draw(i, f"frame {i}") or frame for i, frame in enumerate(frames, start=1))
        save_film(counted, output, fps, origin=opened.made_by)
    print_result(facts, as_json)
