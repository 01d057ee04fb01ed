"""`faceloom morph`: make a film that morphs from person to person."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
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
    music: Annotated[
        Path | None,
        typer.Option(
            help="A WAV, FLAC or MP3 file: the film moves with its loudness, jumps at its onsets, and keeps its sound. "
            "--seconds is then a mean."
        ),
    ] = None,
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
      faceloom morph seed:1 seed:2 seed:3 --music song.wav -o dance.mp4
    """
    from faceloom.edit.film import save_film

    if len(people) < 2:
        raise typer.BadParameter("a morph needs at least two people", param_hint="PEOPLE")
    if music and output.suffix.lower() != ".mp4":
        raise typer.BadParameter("only an MP4 keeps the sound: give -o FILE.mp4", param_hint="--music")
    positions = _follow(music, fps, seconds, len(people), loop) if music else None
    frames = max(1, round(seconds * fps))
    total = frames * len(people) if loop else frames * (len(people) - 1) + 1
    total = total if positions is None else len(positions)
    studio = open_studio(precision, generator, engine=engine, device=device, images=total)
    opened = [open_person(studio, name) for name in people]
    if positions is None:
        drawn = studio.morph(opened, frames, size=size, loop=loop, pull=pull)
    else:
        drawn = studio.morph_at(opened, positions, size=size, pull=pull)

    def draw_frames() -> Iterator[np.ndarray]:
        with progress(total, "drawing") as draw:
            for i, frame in enumerate(drawn, start=1):
                draw(i, f"frame {i} of {total}")
                yield frame

    styles = dict.fromkeys(person.style.name for person in opened if person.style)
    save_film(draw_frames(), output, fps, origin=replace(studio.made_by, style=", ".join(styles)), sound=music)
    facts = {"output": str(output), "people": people, "frames": total, "fps": fps, "size": size}
    print_result(facts | ({"music": str(music)} if music else {}), as_json)


def _follow(music: Path, fps: float, seconds: float, people: int, loop: bool) -> list[float]:
    """Return the position of each frame between the people, at the pace of the music."""
    from faceloom.sounds.read import open_sound_file
    from faceloom.sounds.rhythm import RATE, positions_of
    from faceloom.sounds.spectrogram import Sound

    sound = Sound(open_sound_file(music, RATE), RATE)
    legs = max(people if loop else people - 1, round(len(sound.samples) / RATE / seconds))
    legs += -legs % people if loop else 0
    positions: list[float] = positions_of(sound, fps, legs).tolist()
    return positions
