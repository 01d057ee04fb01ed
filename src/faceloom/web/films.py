"""Films of people who become each other, and back: MP4 where it can be written, else WebP."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from faceloom.edit.film import save_film
from faceloom.errors import MissingExtra
from faceloom.images.tensors import Pixels
from faceloom.web.atelier import Atelier, Json, Pause, Shown, Tell

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

    for ending in (".mp4", ".webp"):
        path = Path(args["path"]).with_suffix(ending)
        try:
            return {"file": save_film(watched(), path, fps=FPS).name}
        except MissingExtra:
            continue
    raise MissingExtra("filming", "video")
