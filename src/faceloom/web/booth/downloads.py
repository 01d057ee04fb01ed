"""Downloads: files under addresses that cannot be guessed, for a limited time, and their page for phones."""

from __future__ import annotations

import contextlib
import html
import io
from collections.abc import Callable, Sequence

from faceloom._version import __version__
from faceloom.store import Download, ErasePending, Person, Visit
from faceloom.store.models import Recipe
from faceloom.web.booth.background import shown_ref
from faceloom.web.booth.booth import Booth
from faceloom.web.booth.build_views import download_address, download_view, iso_time
from faceloom.web.booth.printing import print_design, print_steps, visible_label
from faceloom.web.booth.sharing import share
from faceloom.web.booth.views import DownloadView
from faceloom.web.booth.visit_flow import find_playable
from faceloom.web.security import RequestRefused
from faceloom.web.worker.messages import MakeFamily, MakePrint, PrintForm, PrintSize, Task

MEDIA_TYPES = {".jpg": "image/jpeg", ".mp4": "video/mp4", ".webp": "image/webp"}
MAX_DOWNLOADS = 40  # downloads of one visit


async def make_download(booth: Booth, visit: Visit, person_id: str, form: PrintForm) -> Download:
    """Make a picture of a person in a form. Raises RequestRefused (409, 429)."""
    owner, person = find_playable(booth, visit, person_id)
    if form == "paste_back" and not person.photo:
        raise RequestRefused(409, "no_photo", "this person is not in a photo", "choose another form")

    def make_task(path: str) -> MakePrint:
        return MakePrint(
            person=shown_ref(booth, owner, person),
            steps=print_steps(booth, owner, person),
            form=form,
            path=path,
            photo=person.photo,
            anchor=person.slider_values,
            design=print_design(booth),
            label=visible_label(booth),
        )

    return await _make_picture(booth, visit, make_task, _make_recipe(person, form))


async def make_family(booth: Booth, visit: Visit, parents: tuple[str, str], children: Sequence[str]) -> Download:
    """Make a portrait of two parents and some of their children. Raises RequestRefused (404, 409, 429)."""
    a, b = (shown_ref(booth, *find_playable(booth, visit, name, friends=True)) for name in parents)
    young = tuple(shown_ref(booth, *find_playable(booth, visit, name)) for name in children)

    def make_task(path: str) -> MakeFamily:
        return MakeFamily((a, b), young, path, print_design(booth))

    return await _make_picture(booth, visit, make_task, Recipe(form="family", faceloom=__version__, ai_generated=True))


async def _make_picture(
    booth: Booth, visit: Visit, make_task: Callable[[str], Task[PrintSize]], recipe: Recipe
) -> Download:
    """Run a task that writes a picture to the path that it is made with. Raises RequestRefused (404, 429)."""
    if sum(download.visit == visit.id for download in booth.store.downloads()) >= MAX_DOWNLOADS:
        raise RequestRefused(429, "enough_taken", f"a visit has at most {MAX_DOWNLOADS} pictures", "use those")
    name, path = booth.store.reserve_download(".jpg")
    try:
        await booth.worker.run(make_task(str(path)), visit=visit.id)
        if visit.id not in booth.visits:
            raise RequestRefused(404, "no_visit", "the visit is over")
        booth.statistics.add("pictures")
        made = booth.store.add_download(name, visit.id, path, booth.policy.download_retention, recipe)
        share(booth, made)
        return made
    except BaseException:
        with contextlib.suppress(ErasePending):  # the store tries again
            booth.store.erase_reserved_downloads([name])
        raise


def _make_recipe(person: Person, form: PrintForm) -> Recipe:
    """Return the description of a picture's making."""
    return Recipe(
        faceloom=__version__,
        form=form,
        controls=person.step.controls,
        coefficients=person.step.coefficients,
        quality=person.quality,
        mixed=bool(person.step.base),
        ai_generated=True,
    )


def view_of(booth: Booth, download: Download) -> DownloadView:
    """Return the view of a download."""
    return download_view(download, address=booth.address, lan=booth.lan, api=booth.api)


def find_download(booth: Booth, download_id: str) -> Download:
    """Return a download that has not expired. Raises RequestRefused (404)."""
    for download in booth.store.downloads():
        if download.id == download_id:
            return download
    raise RequestRefused(404, "no_picture", "there is no picture here, or it has expired")


def find_own_download(booth: Booth, visit: Visit, download_id: str) -> Download:
    """Return a download of this visit. Raises RequestRefused (404)."""
    download = find_download(booth, download_id)
    if download.visit != visit.id:
        raise RequestRefused(404, "no_picture", "there is no picture here, or it has expired")
    return download


def qr_svg(text: str) -> bytes:
    """Return a QR code as SVG: dark on white, with the quiet zone that scanners need."""
    import segno

    buffer = io.BytesIO()
    segno.make(text, error="m").save(buffer, kind="svg", scale=8, border=4, dark="#141312", light="#ffffff")
    return buffer.getvalue()


def phone_page(booth: Booth, download: Download) -> str:
    """Return the page that a phone opens, as HTML: the picture, a link to download it, and when it expires."""
    source = download_address(download, booth.api)
    if download.file.endswith(".mp4"):
        picture = f'<video src="{source}" autoplay loop muted playsinline controls></video>'
    else:
        picture = f'<img src="{source}" alt="">'
    return _PAGE.format(
        event=html.escape(booth.settings.event),
        picture=picture,
        source=source,
        expires=html.escape(iso_time(download.expires)),
    )


_PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>{event}</title><link rel="stylesheet" href="../download.css"></head>
<body><main><h1>{event}</h1>{picture}
<p><a class="button" href="{source}?download=1" download>Download</a></p>
<p>AI-generated with faceloom. This address expires at <time>{expires}</time>.</p></main></body></html>
"""

PAGE_CSS = """body { background: #141312; color: #f3efe9; font: 18px/1.5 system-ui, sans-serif; margin: 0;
  padding: 1rem }
main { margin: auto; max-width: 40rem; text-align: center } h1 { font-size: 1.4rem; font-weight: 600 }
img, video { border-radius: 12px; max-width: 100% } p { color: #b8b0a6 }
.button { background: #ff6f4d; border-radius: 999px; color: #141312; display: inline-block; font-weight: 600;
  min-height: 56px; line-height: 56px; padding: 0 2rem; text-decoration: none }
"""
