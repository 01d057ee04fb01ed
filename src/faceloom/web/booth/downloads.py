"""What a visitor takes home: a file under an address that nobody can guess, for as long as was said."""

from __future__ import annotations

import asyncio
import html
import io
from typing import TYPE_CHECKING, Literal

from faceloom._version import __version__
from faceloom.errors import StoreError
from faceloom.store import Person, Take, Visit
from faceloom.web.booth.edits import shown
from faceloom.web.booth.views import API, Json, moment, now
from faceloom.web.booth.visit_flow import playable
from faceloom.web.security import Refusal

if TYPE_CHECKING:
    from faceloom.web.booth.booth import Booth

Form = Literal["single", "strip", "4x6", "paste_back"]
TYPES = {".jpg": "image/jpeg", ".mp4": "video/mp4", ".webp": "image/webp"}
MOST_TAKES = 40  # of one visit


async def finish(booth: Booth, visit: Visit, name: str, form: Form) -> Json:
    """Make what was chosen and give its addresses."""
    owner, person = playable(booth, visit, name)
    if len([take for take in booth.keep.takes() if take.visit == visit.id]) >= MOST_TAKES:
        raise Refusal(429, "enough_taken", f"{MOST_TAKES} pictures are the most", "take those")
    if form == "paste_back" and not person.body["photo"]:
        raise Refusal(409, "no_photo", "this person is in no photo", "choose another form")
    ident, path = booth.keep.place_for_take(".jpg")
    args = {
        "shown": shown(booth, owner, person),
        "strip": [shown(booth, owner, person, step) for step in _told(person)],
        "form": form,
        "path": str(path),
        "photo": person.body["photo"],
        "event": booth.settings.event,
    }
    await booth.workshop.ask("print", args, visit=visit.id)
    if visit.id not in booth.visits:
        path.unlink(missing_ok=True)
        raise Refusal(404, "no_visit", "the visit is over")
    take = booth.keep.add_take(ident, visit.id, path, booth.settings.take_minutes * 60, _recipe(person, form))
    return take_json(booth, take)


def _told(person: Person) -> list[Json]:
    """The steps that paper tells of, beside the one that is shown: as found, and what was kept."""
    steps = [{key: value for key, value in step.items() if key != "id"} for step in person.body["kept"]]
    steps = [person.body["history"][0], *steps]
    return [step for i, step in enumerate(steps) if step not in (*steps[:i], now(person))]


def _recipe(person: Person, form: str) -> Json:
    """How the picture was made, for whoever wants to make it again."""
    step = now(person)
    made = {"faceloom": __version__, "form": form, "controls": step["controls"], "coefficients": step["coefficients"]}
    return made | {"quality": person.body["quality"], "mixed": bool(step["base"]), "ai_generated": True}


def take_json(booth: Booth, take: Take) -> Json:
    """Where a take is: for this screen, for a phone, as a QR code."""
    url = f"{booth.lan or booth.address}/take/{take.id}"
    return {
        "id": take.id,
        "form": take.body["form"],
        "download": f"{API}/takes/{take.id}",
        "page": url,
        "qr": f"{API}/takes/{take.id}/qr.svg",
        "reachable": bool(booth.lan),
        "recipe": f"{API}/takes/{take.id}/recipe.json",
        "expires": moment(take.expires),
        "gallery": take.gallery,
    }


def find_take(booth: Booth, name: str) -> Take:
    """A take that can still be had. Raises Refusal (404): what has expired is as if it had never been."""
    for take in booth.keep.takes():
        if take.id == name:
            return take
    raise Refusal(404, "no_picture", "there is no picture here (any more)", "it may have expired")


def qr_svg(text: str) -> bytes:
    """A QR code: black on white, with its quiet zone."""
    import segno

    buffer = io.BytesIO()
    segno.make(text, error="m").save(buffer, kind="svg", scale=8, border=4, dark="#141312", light="#ffffff")
    return buffer.getvalue()


def take_page(booth: Booth, take: Take) -> str:
    """The page that a phone opens: the picture, a link to keep it, and until when."""
    source = f"{API}/takes/{take.id}"
    film = take.file.endswith(".mp4")
    shown = (
        f'<video src="{source}" autoplay loop muted playsinline controls></video>'
        if film
        else f'<img src="{source}" alt="">'
    )
    return _PAGE.format(
        event=html.escape(booth.settings.event),
        shown=shown,
        source=source,
        until=html.escape(moment(take.expires)),
    )


_PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>{event}</title><link rel="stylesheet" href="/take.css"></head>
<body><main><h1>{event}</h1>{shown}
<p><a class="button" href="{source}?download=1" download>Download</a></p>
<p>AI-generated with faceloom. This address is wiped at <time>{until}</time>.</p></main></body></html>
"""

TAKE_CSS = """body { background: #141312; color: #f3efe9; font: 18px/1.5 system-ui, sans-serif; margin: 0;
  padding: 1rem }
main { margin: auto; max-width: 40rem; text-align: center } h1 { font-size: 1.4rem; font-weight: 600 }
img, video { border-radius: 12px; max-width: 100% } p { color: #b8b0a6 }
.button { background: #ff6f4d; border-radius: 999px; color: #141312; display: inline-block; font-weight: 600;
  min-height: 56px; line-height: 56px; padding: 0 2rem; text-decoration: none }
"""


async def print_take(booth: Booth, take: Take) -> None:
    """Give a take to the operator's printer. Raises Refusal without one, StoreError when it refuses."""
    printer = booth.settings.printer
    if not printer or not take.file.endswith(".jpg"):
        raise Refusal(409, "no_printer", "this booth prints nothing by itself", "use the browser's print")
    path = str(booth.keep.path_of(take))
    copies = str(booth.settings.copies)
    try:
        process = await asyncio.create_subprocess_exec(
            "lp", "-d", printer, "-n", copies, "-o", "fit-to-page", "--", path, stdout=-3, stderr=-3
        )
        status = await asyncio.wait_for(process.wait(), 20)
    except (OSError, TimeoutError) as error:
        raise StoreError("the printer does not answer", "is it switched on, and CUPS installed?") from error
    if status:
        raise StoreError("the printer refused", "look at its state in the operator's page")
