"""`faceloom video`: edit a face in a film."""

from __future__ import annotations

from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, Annotated, Any

import typer

from faceloom.cli import options
from faceloom.cli.align import FaceNumber
from faceloom.cli.edit import facts_of, notes_on
from faceloom.cli.output import note, open_studio, print_result, progress

if TYPE_CHECKING:
    from faceloom.workflows.video import VideoEncoding


@options.with_attribute_options
def video(
    clip: Annotated[Path, typer.Argument(help="A short film with a face: MP4, MOV, WebM, Matroska, AVI, GIF.")],
    output: options.Output,
    values: dict[str, float],
    keep_identity: options.KeepIdentity = None,
    force: options.Force = False,
    person: Annotated[
        Path | None,
        typer.Option(help="Likeness of the same person, encoded from a photo or a frame: better and faster."),
    ] = None,
    seconds: Annotated[
        float | None,
        typer.Option(min=1, help="Seconds of encoding for the whole film; by default 30, and 4 for each frame."),
    ] = None,
    face: FaceNumber = None,
    max_frames: Annotated[int, typer.Option(min=1, max=3000, help="Maximum number of frames.")] = 300,
    precision: options.Precision = None,
    as_json: options.Json = False,
) -> None:
    """Edit one face in a short film, the same way in every frame, and paste it back. Needs the extra 'video'.

    The sound and every pixel that the edit does not change are kept. The edit stops at the same bounds as that of
    `faceloom edit`. Ctrl-C leaves no file.

    \b
    Examples:
      faceloom video me.mp4 --age +20 -o older.mp4
      faceloom video two.mov --face 1 --smile 0.9 --seconds 600 --max-frames 100 -o smiling.mp4
    """
    from faceloom.edit.film import save_film
    from faceloom.images.clip import open_clip
    from faceloom.workflows.video import encode_clip, render_clip

    if not values:
        raise typer.BadParameter("give at least one attribute, such as --age +20", param_hint="--age, --smile, ...")
    opened = open_clip(clip)
    studio = open_studio(precision, measure_threads=True)
    likeness = studio.load(person) if person else None
    with progress(1.0, "film") as draw:
        found = encode_clip(
            studio, opened, person=likeness, face=face, seconds=seconds, max_frames=max_frames, callback=draw
        )
        done = studio.edit(found.person, values, keep_identity=keep_identity, force=force)
        frames, origin = render_clip(studio, opened, found, done.person, draw), done.person.made_by
        save_film(frames, output, opened.fps, composite=True, sound=clip, origin=origin)
    facts = facts_of(done)
    for text in (*opened.notes, *_notes(found, opened.fps, opened.seconds), *notes_on(facts, values)):
        note(text)
    print_result({"output": str(output), "changes": values} | _facts(found) | facts, as_json)


def _facts(found: VideoEncoding) -> dict[str, Any]:
    edited = {"frames": found.count, "edited": len(found.rows), "shots": found.shots}
    return edited | {"lpips": round(median(found.lpips), 3)}


def _notes(found: VideoEncoding, fps: float, seconds: float) -> list[str]:
    """Return notes for the user: frames beyond the limit, and frames without the face."""
    cut = (
        [f"only the first {found.count} frames were used: see --max-frames"]
        if found.count + 1.5 < fps * seconds
        else []
    )
    missing = found.count - len(found.rows)
    return cut + ([f"{missing} of {found.count} frames are unchanged: the face was not detected"] if missing else [])
