"""`faceloom live`: a likeness follows a camera or a film."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from faceloom.cli import options
from faceloom.cli.output import note, open_person, open_studio, print_result, progress

if TYPE_CHECKING:
    from faceloom.cameras import Frame
    from faceloom.workflows.live import LiveSession

CAMERA_FPS = 12.0  # frames per second of a film that is made of a camera


def live(
    source: Annotated[str, typer.Argument(help="The driver: the number of a webcam, such as 0, dslr, pi, or a film.")],
    person: Annotated[str, typer.Option("--person", help=f"Who is moved. {options.PERSON}")],
    output: options.Output,
    years: Annotated[float, typer.Option(min=-60, max=60, help="Show the person older (+) or younger (-).")] = 0.0,
    friend: Annotated[str | None, typer.Option(help="A second person to mix in: a likeness file, or seed:N.")] = None,
    mix: Annotated[
        float, typer.Option(min=0, max=1, help="With --friend: 0 is the person, 1 the friend, 0.5 both.")
    ] = 1.0,
    seconds: Annotated[float, typer.Option(min=0.5, max=600, help="Stop after this time.")] = 30.0,
    size: Annotated[int, typer.Option(min=64, max=1024, help="Side of the film in pixels.")] = 512,
    mirror: Annotated[bool, typer.Option("--mirror", help="Turn like a mirror image; always on for a camera.")] = False,
    real_time: Annotated[
        bool, typer.Option("--real-time", help="Play the film like a camera: frames that come too fast are skipped.")
    ] = False,
    precision: options.Precision = None,
    as_json: options.Json = False,
) -> None:
    """Move a likeness by the pose, smile, lips, eyes and brows of a camera's or a film's face. Needs the extra 'video'.

    Nothing of the camera is stored: the film shows the likeness alone. Ctrl-C ends a camera's film and keeps it.
    'dslr' is a camera at the USB port (extra 'dslr'), 'pi' the camera module of a Raspberry Pi (extra 'pi').

    \b
    Examples:
      faceloom live 0 --person me.likeness --years 40 -o me-at-70.mp4
      faceloom live dslr --person me.likeness --seconds 10 -o me.mp4
      faceloom live talk.mp4 --person me.likeness --friend friend.likeness --mix 0.5 -o us.mp4
    """
    from faceloom.cameras import is_camera
    from faceloom.edit.film import save_film
    from faceloom.workflows.live import LiveSession, at_constant_rate, make_look, make_studio_puppet

    with _open_source(source, seconds, real_time) as (frames, fps):
        studio = open_studio(precision, measure_threads=True)
        opened = open_person(studio, person)
        other = open_person(studio, friend) if friend else None
        with progress(seconds, "live") as draw:
            look = make_look(studio, opened, years=years, friend=other, mix=mix)
            session = LiveSession(make_studio_puppet(studio, look), size)
            counts, turned = {"frames": 0, "with_face": 0}, mirror or is_camera(source)
            drawn = _draw(session, frames, turned, counts, lambda moment: draw(moment, f"{moment:.1f} s"))
            save_film(at_constant_rate(drawn, fps), output, fps, origin=look.made_by)
    if counts["with_face"] < counts["frames"]:
        note(f"no face was seen in {counts['frames'] - counts['with_face']} of {counts['frames']} frames")
    print_result({"output": str(output), "person": person, "years": years, "fps": fps, **counts}, as_json)


@contextmanager
def _open_source(source: str, seconds: float, real_time: bool) -> Iterator[tuple[Iterator[Frame], float]]:
    """Open the driver; yield its frames with their times, and the rate of the film to make."""
    from itertools import takewhile

    from faceloom.cameras import NewestFrame, is_camera, open_camera
    from faceloom.images.clip import open_clip
    from faceloom.workflows.live import in_real_time

    if is_camera(source):
        with closing(open_camera(source)) as camera:
            yield takewhile(lambda frame: frame[0] < seconds, NewestFrame(camera.frames())), CAMERA_FPS
        return
    clip = open_clip(Path(source))
    count = max(1, round(seconds * clip.fps))
    if real_time:
        yield iter(NewestFrame(in_real_time(clip.frames(count), clip.fps))), clip.fps
    else:
        yield ((number / clip.fps, frame) for number, frame in enumerate(clip.frames(count))), clip.fps


def _draw(
    session: LiveSession, frames: Iterator[Frame], mirror: bool, counts: dict[str, int], report: Any
) -> Iterator[Frame]:
    """Yield the time and the picture of each frame until the driver ends, or Ctrl-C ends it."""
    from faceloom.workflows.live import draw_stream

    try:
        turned = ((moment, frame[:, ::-1].copy() if mirror else frame) for moment, frame in frames)
        for moment, drawn in draw_stream(session, turned):
            counts["frames"] += 1
            counts["with_face"] += drawn.readings is not None
            report(moment)
            yield moment, drawn.pixels
    except KeyboardInterrupt:
        note("stopped: the film so far is kept")
