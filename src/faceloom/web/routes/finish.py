"""The end of a visit: what is taken home, the gallery, invented people."""

from __future__ import annotations

from typing import Annotated, Literal

from fastapi import APIRouter, Query, Request, Response
from fastapi.responses import FileResponse, HTMLResponse
from pydantic import BaseModel, ConfigDict, Field

from faceloom.web.booth import downloads, friends
from faceloom.web.booth.views import API, Json, moment
from faceloom.web.routes.common import TheBooth, TheVisit, jpeg
from faceloom.web.routes.people import Name, Side
from faceloom.web.security import Refusal, our_page
from faceloom.web.worker.messages import QUICK

router = APIRouter(tags=["finish"])
addressed = APIRouter(tags=["takes"])
pages = APIRouter(include_in_schema=False)
Chosen = Literal["single", "strip", "4x6", "paste_back", "film"]
SAMPLES = (3, 7, 11, 19, 23, 42, 58, 64)
"""Seeds of invented people, for the first screen and to mix with."""


class Wanted(BaseModel):
    """What is to be taken home."""

    model_config = ConfigDict(extra="forbid")

    person: str = Field(max_length=64)
    form: Chosen = "single"


class Shown(BaseModel):
    """Whether a picture is to be in the gallery."""

    model_config = ConfigDict(extra="forbid")

    shown: bool


@router.post("/visit/finish")
async def finish(booth: TheBooth, visit: TheVisit, wanted: Wanted) -> Json:
    """Make something to take home; a film is a job, whose url is there when it is done."""
    if wanted.form == "film":
        return friends.job_json(friends.film(booth, visit, wanted.person, None))
    async with booth.lock(visit):
        return await downloads.finish(booth, visit, wanted.person, wanted.form)


@router.get("/visit/takes")
async def taken(booth: TheBooth, visit: TheVisit) -> Json:
    """What this visit has made to take home."""
    return {"takes": [downloads.take_json(booth, take) for take in booth.keep.takes() if take.visit == visit.id]}


@router.post("/takes/{name}/gallery")
async def gallery(booth: TheBooth, visit: TheVisit, name: Name, wanted: Shown) -> Json:
    """Leave a picture in the gallery, or take it out again."""
    take = downloads.find_take(booth, name)
    if take.visit != visit.id:
        raise Refusal(404, "no_picture", "there is no picture here (any more)")
    if wanted.shown and not booth.settings.gallery:
        raise Refusal(409, "no_gallery", "this booth has no gallery")
    booth.keep.show_take(name, wanted.shown)
    return downloads.take_json(booth, downloads.find_take(booth, name))


@router.post("/takes/{name}/print")
async def print_it(booth: TheBooth, visit: TheVisit, name: Name) -> Json:
    """Print a picture on the booth's own printer."""
    booth.rates.allow("print", visit.id, 6, 600)
    take = downloads.find_take(booth, name)
    if take.visit != visit.id:
        raise Refusal(404, "no_picture", "there is no picture here (any more)")
    await downloads.print_take(booth, take)
    return {"printed": True}


@addressed.get("/takes/{name}", response_class=FileResponse)
async def take(booth: TheBooth, name: Name, download: bool = False) -> FileResponse:
    """The file itself: whoever has the address has the picture."""
    found = downloads.find_take(booth, name)
    path = booth.keep.path_of(found)
    kind = downloads.TYPES[path.suffix]
    file = f"faceloom-{found.body['form']}{path.suffix}" if download else None
    return FileResponse(path, media_type=kind, filename=file, headers={"Cache-Control": "no-store"})


@addressed.get("/takes/{name}/qr.svg", response_class=Response)
async def qr(booth: TheBooth, name: Name) -> Response:
    """The address of the phone's page as a QR code."""
    found = downloads.find_take(booth, name)
    return Response(downloads.qr_svg(downloads.take_json(booth, found)["page"]), media_type="image/svg+xml")


@addressed.get("/takes/{name}/recipe.json")
async def recipe(booth: TheBooth, name: Name) -> Json:
    """How the picture was made."""
    return dict(downloads.find_take(booth, name).body)


@router.get("/visit/phone/qr.svg", response_class=Response)
async def phone_qr(booth: TheBooth, visit: TheVisit) -> Response:
    """The address at which a phone may send the photo, as a QR code."""
    if not booth.lan or not visit.body.get("phone") or not booth.settings.phone:
        raise Refusal(404, "no_phone", "this booth is not reachable from a phone", "start it with --lan")
    return Response(downloads.qr_svg(f"{booth.lan}/phone/{visit.body['phone']}"), media_type="image/svg+xml")


@router.get("/gallery")
async def shown(booth: TheBooth) -> Json:
    """What visitors left in the gallery."""
    left = [take for take in booth.keep.takes() if take.gallery] if booth.settings.gallery else []
    return {
        "pictures": [{"id": take.id, "image": f"{API}/takes/{take.id}", "until": moment(take.expires)} for take in left]
    }


@router.get("/random", response_class=Response, tags=["invented"])
async def random_person(
    request: Request,
    booth: TheBooth,
    seed: Annotated[int, Query(ge=0, le=2**31)] = 0,
    psi: Annotated[float, Query(ge=0, le=1, allow_inf_nan=False)] = 0.7,
    size: Side = 512,
) -> Response:
    """A person who does not exist."""
    our_page(request)
    booth.rates.allow("random", request.client.host if request.client else "", 240, 60)
    key = ("random", str(seed), f"{psi:.3f}", str(size))
    if key in booth.pictures:
        return jpeg(booth.pictures[key])
    drawn = await booth.workshop.ask("invented", {"seed": seed, "psi": psi, "size": size}, rank=QUICK)
    return jpeg(booth.remember(key, drawn))


@router.get("/samples", tags=["invented"])
async def samples(booth: TheBooth) -> Json:
    """Invented people, for the first screen and to mix with."""
    return {
        "samples": [
            {"id": f"sample:{seed}", "seed": seed, "image": f"{API}/random?seed={seed}&size=512"} for seed in SAMPLES
        ]
    }


@pages.get("/take/{name}")
async def take_page(booth: TheBooth, name: Name) -> HTMLResponse:
    """The page that a phone opens."""
    return HTMLResponse(downloads.take_page(booth, downloads.find_take(booth, name)))


@pages.get("/take.css")
async def take_css() -> Response:
    """How it looks."""
    return Response(downloads.TAKE_CSS, media_type="text/css")
