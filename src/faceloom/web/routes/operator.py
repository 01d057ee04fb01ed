"""The operator's page, behind a PIN that is shown in the terminal at the start."""

from __future__ import annotations

import os
import secrets
import shutil
import time
from typing import Annotated

from fastapi import APIRouter, Depends, Request, Response
from pydantic import BaseModel, ConfigDict, Field

from faceloom._version import __version__
from faceloom.web.booth.booth import Booth
from faceloom.web.booth.views import Json
from faceloom.web.routes.common import TheBooth
from faceloom.web.security import Refusal, our_page, same
from faceloom.web.settings import BoothSettings

router = APIRouter(prefix="/operator", tags=["operator"])
COOKIE = "operator"
SESSION = 8 * 3600  # seconds
LOW = 1 << 30  # bytes of disk below which the operator is warned


class Login(BaseModel):
    """The PIN."""

    model_config = ConfigDict(extra="forbid")

    pin: str = Field(max_length=32)


def operator(request: Request, booth: TheBooth) -> Booth:
    """The booth, for its operator only. Raises Refusal (401)."""
    our_page(request)
    sessions: dict[str, float] = request.app.state.operators
    if sessions.get(request.cookies.get(COOKIE, ""), 0.0) < time.monotonic():
        raise Refusal(401, "not_operator", "this is for the operator", "enter the PIN")
    return booth


Operated = Annotated[Booth, Depends(operator)]


@router.post("/login", status_code=204)
async def login(request: Request, response: Response, booth: TheBooth, given: Login) -> None:
    """Enter the PIN; five tries in five minutes."""
    our_page(request)
    booth.rates.allow("pin", "", 5, 300)
    if not same(given.pin, request.app.state.pin):
        raise Refusal(401, "wrong_pin", "this is not the PIN", "it is in the terminal in which the booth was started")
    booth.rates.seen.pop(("pin", ""), None)
    session = secrets.token_urlsafe(24)
    request.app.state.operators[session] = time.monotonic() + SESSION
    response.set_cookie(COOKIE, session, httponly=True, samesite="strict", path="/api/v1/operator")


@router.post("/logout", status_code=204)
async def logout(request: Request, response: Response, booth: Operated) -> None:
    """Leave."""
    request.app.state.operators.pop(request.cookies.get(COOKIE, ""), None)
    response.delete_cookie(COOKIE, path="/api/v1/operator")


@router.get("/settings")
async def settings(booth: Operated) -> Json:
    """What is set."""
    return booth.settings.model_dump()


@router.put("/settings")
async def change(booth: Operated, wanted: BoothSettings) -> Json:
    """Set it."""
    booth.keep.set(wanted.model_dump())
    booth.settings = wanted
    return wanted.model_dump()


@router.get("/state")
async def state(booth: Operated) -> Json:
    """Disk, queue, model, memory, and for how long it has been running."""
    import psutil

    disk = shutil.disk_usage(booth.keep.folder)
    worker = booth.workshop.pid
    memory = {"server": psutil.Process(os.getpid()).memory_info().rss}
    if worker and psutil.pid_exists(worker):
        memory["worker"] = psutil.Process(worker).memory_info().rss
    return {
        "version": __version__,
        "uptime": round(time.time() - booth.begun),
        "model": booth.workshop.facts | {"ready": booth.workshop.alive, "restarts": booth.workshop.restarts},
        "error": booth.workshop.error,
        "disk": {"free": disk.free, "total": disk.total, "low": disk.free < max(LOW, disk.total // 20)},
        "memory": memory,
        "queue": booth.workshop.place(),
        "visits": len(booth.visits),
        "takes": len(booth.keep.takes()),
        "gallery": sum(take.gallery for take in booth.keep.takes()),
        "address": booth.address,
        "lan": booth.lan or None,
    }


@router.get("/logs")
async def logs(booth: Operated) -> Json:
    """The last lines of the log."""
    return {"lines": list(booth.logs)}


@router.delete("/visits", status_code=204)
async def wipe(booth: Operated) -> None:
    """Erase every visit and what they would take home; the gallery stays."""
    for visit in list(booth.visits.values()):
        await booth.wipe(visit)
    booth.keep.drop_takes("NOT gallery")


@router.delete("/gallery", status_code=204)
async def empty(booth: Operated) -> None:
    """Erase the gallery."""
    booth.keep.drop_takes("gallery")
