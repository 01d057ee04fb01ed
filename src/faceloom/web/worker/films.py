"""Films of people who become each other, and back: MP4 where it can be written, else WebP."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from faceloom.edit.film import save_film
from faceloom.errors import MissingExtra
from faceloom.images.tensors import Pixels
from faceloom.web.worker.previews import Atelier, Json, Pause, Shown, Tell

FPS = 24


def make(atelier: Atelier, args: Mapping[str, Any], tell: Tell, pause: Pause) -> Json:
    """Film the people and say which file it is: `args["path"]` with the ending that it got."""
    seen = [atelier.seen(Shown.of(one)) for one in args["people"]]
    total = args["frames"] * len(seen)

    def watched() -> Iterator[Pixels]:
        for number, frame in enumerate(atelier.studio.morph(seen, args["frames"], size=args["size"], loop=True)):
            tell({"progress": number / total})
            pause()
            yield frame

    path = Path(args["path"])
    with tempfile.TemporaryDirectory(dir=path.parent, prefix=".film-") as folder:
        film = _saved(watched, Path(folder))
        with atelier.writing(args["people"][0]["folder"]):  # not for a visit that is over by now
            film.replace(path.with_suffix(film.suffix))
    return {"file": path.with_suffix(film.suffix).name}


def _saved(frames: Callable[[], Iterator[Pixels]], folder: Path) -> Path:
    try:
        return save_film(frames(), folder / "film.mp4", fps=FPS)
    except MissingExtra:
        return save_film(frames(), folder / "film.webp", fps=FPS)
