"""Routes of downloads, the gallery and generated faces."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query, Request, Response
from fastapi.responses import FileResponse, HTMLResponse

from faceloom.store.models import Recipe
from faceloom.web.booth import downloads, friends, printing
from faceloom.web.booth.build_views import download_address, iso_time
from faceloom.web.booth.job_views import JobView
from faceloom.web.booth.views import (
    DownloadsView,
    DownloadView,
    GalleryPictureView,
    GalleryView,
    PrintedView,
    SamplesView,
    SampleView,
)
from faceloom.web.routes.common import (
    ERRORS,
    JPEG,
    SVG,
    JpegResponse,
    SvgResponse,
    TheBooth,
    TheVisit,
    client_host,
    media,
)
from faceloom.web.routes.models import MAX_SEED, FinishRequest, GalleryChoice, Id, ImageSize
from faceloom.web.security import RequestRefused, require_page_header
from faceloom.web.worker.messages import Priority, RenderSeed

router = APIRouter(tags=["finish"], responses=ERRORS)
files = APIRouter(tags=["downloads"], responses=ERRORS)
pages = APIRouter(include_in_schema=False)

SAMPLE_SEEDS = (3, 7, 11, 19, 23, 42, 58, 64)
"""Seeds of the generated faces on the first screen, which people can also be mixed with."""


@router.post("/visit/finish")
async def finish(booth: TheBooth, visit: TheVisit, request: FinishRequest) -> DownloadView | JobView:
    """Make a download. A film is a job; its result is the download."""
    if request.form == "film":
        return friends.start_film(booth, visit, request.person, None).view()
    async with booth.lock(visit):
        download = await downloads.make_download(booth, visit, request.person, request.form)
    return downloads.view_of(booth, download)


@router.get("/visit/downloads")
async def list_downloads(booth: TheBooth, visit: TheVisit) -> DownloadsView:
    """Return the downloads of this visit."""
    own = [download for download in booth.store.downloads() if download.visit == visit.id]
    return DownloadsView(takes=[downloads.view_of(booth, download) for download in own])


@router.post("/downloads/{id}/gallery")
async def set_gallery(booth: TheBooth, visit: TheVisit, id: Id, choice: GalleryChoice) -> DownloadView:
    """Show a picture in the gallery, or remove it from there."""
    downloads.find_own_download(booth, visit, id)
    if choice.shown and not booth.settings.gallery:
        raise RequestRefused(409, "no_gallery", "this booth has no gallery")
    booth.store.set_gallery(id, choice.shown)
    return downloads.view_of(booth, downloads.find_download(booth, id))


@router.post("/downloads/{id}/print")
async def print_download(
    booth: TheBooth, visit: TheVisit, id: Id, copies: Annotated[int, Query(ge=1, le=9)] = 1
) -> PrintedView:
    """Print a picture on the booth's own printer. Answers 429 `print_quota` when the visit has printed enough."""
    booth.rate_limiter.check("print", visit.id, 6, 600)
    await printing.print_download(booth, visit, downloads.find_own_download(booth, visit, id), copies)
    quota = booth.settings.print_quota
    return PrintedView(left=quota - visit.prints if quota else None)


@files.get("/downloads/{id}", response_class=FileResponse, responses=media(*downloads.MEDIA_TYPES.values()))
async def read_download(booth: TheBooth, id: Id, download: bool = False) -> FileResponse:
    """Return the file. Everyone who has the address can read it. `download` makes browsers save it."""
    found = downloads.find_download(booth, id)
    path = booth.store.path_of(found)
    return FileResponse(
        path,
        media_type=downloads.MEDIA_TYPES[path.suffix],
        filename=f"faceloom-{found.recipe.form}{path.suffix}" if download else None,
        headers={"Cache-Control": "no-store"},
    )


@files.get("/downloads/{id}/qr.svg", response_class=SvgResponse, responses=SVG)
async def read_qr(booth: TheBooth, id: Id) -> Response:
    """Return the address of the phone's page as a QR code."""
    return SvgResponse(downloads.qr_svg(downloads.view_of(booth, downloads.find_download(booth, id)).page))


@files.get("/downloads/{id}/recipe.json", response_model_exclude_unset=True)
async def read_recipe(booth: TheBooth, id: Id) -> Recipe:
    """Return how the picture was made."""
    return downloads.find_download(booth, id).recipe


@router.get("/visit/phone/qr.svg", response_class=SvgResponse, responses=SVG)
async def read_phone_qr(booth: TheBooth, visit: TheVisit) -> Response:
    """Return the address at which a phone can send the photo, as a QR code."""
    if not booth.lan or not visit.phone or not booth.settings.phone:
        raise RequestRefused(404, "no_phone", "this booth is not reachable from a phone", "start it with --lan")
    return SvgResponse(downloads.qr_svg(f"{booth.lan}/phone/{visit.phone}"))


@router.get("/gallery")
async def read_gallery(booth: TheBooth) -> GalleryView:
    """Return the pictures of the gallery."""
    shown = [download for download in booth.store.downloads() if download.gallery] if booth.settings.gallery else []
    return GalleryView(
        pictures=[
            GalleryPictureView(
                id=download.id, image=download_address(download, booth.api), until=iso_time(download.expires)
            )
            for download in shown
        ]
    )


@router.get("/random", response_class=JpegResponse, responses=JPEG, tags=["generated"])
async def render_seed(
    request: Request,
    booth: TheBooth,
    seed: Annotated[int, Query(ge=0, le=MAX_SEED)] = 0,
    psi: Annotated[float, Query(ge=0, le=1, allow_inf_nan=False, description="Truncation")] = 0.7,
    size: ImageSize = 512,
) -> Response:
    """Draw the generated face of a seed."""
    require_page_header(request)
    booth.rate_limiter.check("random", client_host(request), 240, 60)
    key = ("random", str(seed), f"{psi:.3f}", str(size))
    if key in booth.pictures:
        return JpegResponse(booth.pictures[key])
    picture = await booth.worker.run(
        RenderSeed(seed, psi, size), priority=Priority.PREVIEW, client=client_host(request)
    )
    return JpegResponse(booth.cache_picture(key, picture))


@router.get("/samples", tags=["generated"])
async def list_samples(booth: TheBooth) -> SamplesView:
    """Return generated faces for the first screen, and to mix with."""
    return SamplesView(
        samples=[
            SampleView(id=f"sample:{seed}", seed=seed, image=f"{booth.api}/random?seed={seed}&size=512")
            for seed in SAMPLE_SEEDS
        ]
    )


@pages.get("/download/{id}")
async def read_phone_page(booth: TheBooth, id: Id) -> HTMLResponse:
    """Return the page that a phone opens."""
    return HTMLResponse(downloads.phone_page(booth, downloads.find_download(booth, id)))


@pages.get("/download.css")
async def read_phone_css() -> Response:
    """Return the style sheet of that page."""
    return Response(downloads.PAGE_CSS, media_type="text/css")
