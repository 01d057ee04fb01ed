"""Routes of the operator's page, behind a PIN that the server prints when it starts."""

from __future__ import annotations

import asyncio
import logging
import os
import re
import secrets
import shlex
import shutil
import signal
import time
from typing import Annotated

from fastapi import APIRouter, Depends, Request, Response

from faceloom._version import __version__
from faceloom.web.booth.booth import Booth
from faceloom.web.booth.operator_views import DiskView, LogsView, MemoryView, ModelView, OperatorView, ShutdownView
from faceloom.web.booth.printing import ARTWORK, artwork_path
from faceloom.web.booth.programs import run_program
from faceloom.web.booth.views import API
from faceloom.web.operator_pin import has_own_pin, is_pin, set_pin
from faceloom.web.routes.common import ERRORS, TheBooth, client_host, delete_cookie, set_cookie
from faceloom.web.routes.models import Login
from faceloom.web.security import RequestRefused, require_page_header
from faceloom.web.settings import BoothSettings

router = APIRouter(prefix="/operator", tags=["operator"], responses=ERRORS)

OPERATOR_COOKIE = "operator"
COOKIE_PATH = f"{API}/operator"
SESSION_SECONDS = 8 * 3600
SHUTDOWN_SECONDS = 10.0  # seconds within which the command of --shutdown-command must end
PIN = re.compile(r"[0-9]{4,12}")
MIN_FREE_DISK = 1 << 30  # bytes: below this, or below 5 % of the disk, the operator is warned


log = logging.getLogger("faceloom.booth")


def get_operated_booth(request: Request, booth: TheBooth) -> Booth:
    """Return the booth for its operator. Raises RequestRefused (401) for other people."""
    require_page_header(request)
    sessions: dict[str, float] = request.app.state.operator_sessions
    if sessions.get(request.cookies.get(OPERATOR_COOKIE, ""), 0.0) < time.monotonic():
        raise RequestRefused(401, "not_operator", "this is for the operator", "enter the PIN")
    return booth


OperatedBooth = Annotated[Booth, Depends(get_operated_booth)]


@router.post("/login", status_code=204)
async def log_in(request: Request, response: Response, booth: TheBooth, login: Login) -> None:
    """Enter the PIN. Each address has five attempts in five minutes; many addresses slow one another down."""
    require_page_header(request)
    await booth.pin_guard.admit(client_host(request))
    if not is_pin(booth.store, login.pin, request.app.state.pin):
        raise RequestRefused(401, "wrong_pin", "the PIN is wrong", "the booth printed it in its terminal")
    booth.pin_guard.forgive(client_host(request))
    session = secrets.token_urlsafe(24)
    request.app.state.operator_sessions[session] = time.monotonic() + SESSION_SECONDS
    set_cookie(response, booth, OPERATOR_COOKIE, session, COOKIE_PATH)


@router.post("/logout", status_code=204)
async def log_out(request: Request, response: Response, booth: OperatedBooth) -> None:
    """End the operator's session."""
    request.app.state.operator_sessions.pop(request.cookies.get(OPERATOR_COOKIE, ""), None)
    delete_cookie(response, booth, OPERATOR_COOKIE, COOKIE_PATH)


@router.put("/pin", status_code=204)
async def change_pin(request: Request, booth: OperatedBooth, login: Login) -> None:
    """Set the PIN, 4 to 12 digits. It survives a restart. An empty PIN brings back a random one at each start."""
    if login.pin and not PIN.fullmatch(login.pin):
        raise RequestRefused(422, "weak_pin", "a PIN has 4 to 12 digits", "choose another one")
    set_pin(booth.store, login.pin)
    request.app.state.operator_sessions.clear()


@router.post("/shutdown", status_code=202)
async def shut_down(request: Request, booth: OperatedBooth) -> ShutdownView:
    """End the booth as Ctrl-C does, and run the command of --shutdown-command first, which may switch the machine off.

    The visits stay, as after every other end of the server.
    """
    log.warning("the operator shuts the booth down")
    command = shlex.split(request.app.state.shutdown_command)
    if command:
        await run_program(command, SHUTDOWN_SECONDS)
    asyncio.get_running_loop().call_later(1, signal.raise_signal, signal.SIGTERM)  # the answer leaves before
    return ShutdownView(machine=bool(command))


@router.get("/settings")
async def read_settings(booth: OperatedBooth) -> BoothSettings:
    """Return the settings."""
    return booth.settings


@router.put("/settings")
async def save_settings(booth: OperatedBooth, settings: BoothSettings) -> BoothSettings:
    """Replace the settings."""
    booth.store.save_settings(settings.model_dump())
    booth.settings = settings
    return settings


@router.get("/state")
async def read_state(booth: OperatedBooth) -> OperatorView:
    """Return the state of the booth: disk, queue, model, memory, time since the start."""
    disk = shutil.disk_usage(booth.store.folder)
    downloads = booth.store.downloads()
    return OperatorView(
        version=__version__,
        uptime=round(time.time() - booth.started),
        model=_model_view(booth),
        error=booth.worker.error,
        disk=DiskView(free=disk.free, total=disk.total, low=disk.free < max(MIN_FREE_DISK, disk.total // 20)),
        memory=_memory_view(booth),
        queue=booth.worker.encodings_waiting,
        visits=len(booth.visits),
        unerased=len(booth.store.erasures.unfinished.keys() | {("visit", id) for id in booth.ended}),
        takes=len(downloads),
        gallery=sum(download.gallery for download in downloads),
        address=booth.address,
        lan=booth.lan or None,
        counts=booth.statistics.total(),
        own_pin=has_own_pin(booth.store),
        artwork=[kind for kind in ARTWORK if artwork_path(booth, kind).is_file()],
    )


def _model_view(booth: Booth) -> ModelView:
    facts = booth.worker.facts
    return ModelView(
        generator=facts.generator if facts else None,
        sliders=facts.sliders if facts else None,
        workers=facts.workers if facts else None,
        ready=booth.worker.alive,
        restarts=booth.worker.restarts,
    )


def _memory_view(booth: Booth) -> MemoryView:
    import psutil

    worker = booth.worker.pid
    running = worker is not None and psutil.pid_exists(worker)
    return MemoryView(
        server=psutil.Process(os.getpid()).memory_info().rss,
        worker=psutil.Process(worker).memory_info().rss if running else None,
    )


@router.get("/logs")
async def read_logs(booth: OperatedBooth) -> LogsView:
    """Return the last lines of the log."""
    return LogsView(lines=list(booth.recent_log.lines))


@router.delete("/visits", status_code=204)
async def erase_visits(booth: OperatedBooth) -> None:
    """Erase every visit and all downloads outside the gallery, and try again what could not be erased before.

    Answers 507 `erase_pending` when the disk keeps something from being erased.
    """
    await booth.erase_all()


@router.delete("/gallery", status_code=204)
async def empty_gallery(booth: OperatedBooth) -> None:
    """Erase the gallery. Answers 507 `erase_pending` when the disk keeps something from being erased."""
    booth.store.erase_downloads("gallery")
