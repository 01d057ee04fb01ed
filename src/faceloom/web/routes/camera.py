"""Routes of the booth's own camera: its live view and its photos, for the booth's own screen and the operator."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Request, Response

from faceloom.store import Visit
from faceloom.web.booth.booth import Booth
from faceloom.web.booth.visit_flow import require_consent
from faceloom.web.routes.common import ERRORS, JPEG, JpegResponse, TheBooth, TheVisit, is_own_screen
from faceloom.web.routes.operator import OperatedBooth
from faceloom.web.security import RequestRefused

router = APIRouter(tags=["visit"], responses=ERRORS)

MAX_FRAMES = 40  # frames that a visit may read in a second
MAX_PHOTOS = 30  # photos that a visit may take in a minute


def get_photographed_visit(request: Request, booth: TheBooth, visit: TheVisit) -> Visit:
    """Return a visit that may use the camera: at the booth's own screen, after the consent. Raises RequestRefused."""
    if not is_own_screen(request):
        raise RequestRefused(
            403, "not_here", "the booth's camera is for the booth's own screen", "use the camera of this device"
        )
    require_consent(booth, visit)
    return visit


PhotographedVisit = Annotated[Visit, Depends(get_photographed_visit)]


@router.get("/visit/camera/frame", response_class=JpegResponse, responses=JPEG)
async def read_frame(booth: TheBooth, visit: PhotographedVisit) -> Response:
    """Return the next frame of the booth's own camera. It is not stored.

    Only the booth's own screen gets it, after the visitor's consent, and only when the operator chose a camera.
    """
    booth.rate_limiter.check("frame", visit.id, MAX_FRAMES, 1)
    return JpegResponse(await booth.camera.read_frame(_camera_of(booth)))


@router.post("/visit/camera/photo", response_class=JpegResponse, responses=JPEG)
async def take_photo(booth: TheBooth, visit: PhotographedVisit) -> Response:
    """Take a photo with the booth's own camera, and return it. It is not stored until the visitor sends it."""
    booth.rate_limiter.check("shutter", visit.id, MAX_PHOTOS, 60)
    return JpegResponse(await booth.camera.take_photo(_camera_of(booth)))


@router.get("/operator/camera/frame", response_class=JpegResponse, responses=JPEG, tags=["operator"])
async def read_test_frame(booth: OperatedBooth) -> Response:
    """Return the next frame of the booth's own camera, for the operator's test shot. It is not stored."""
    return JpegResponse(await booth.camera.read_frame(_camera_of(booth)))


def _camera_of(booth: Booth) -> str:
    """Return the camera that the operator chose. Raises RequestRefused (409) when it is the browser's."""
    if booth.settings.camera == "browser":
        raise RequestRefused(409, "no_camera", "the booth has no camera of its own", "use the browser's")
    return booth.settings.camera
