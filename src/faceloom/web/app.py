"""The server: FastAPI over the booth. `create_app` makes it, `cli.booth` runs it."""

from __future__ import annotations

import logging
import secrets
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from fastapi import APIRouter, FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import FileResponse, HTMLResponse, JSONResponse
from filelock import FileLock, Timeout
from starlette.exceptions import HTTPException

from faceloom._version import __version__
from faceloom.errors import FaceloomError, StoreError
from faceloom.settings import Settings
from faceloom.store import VisitStore
from faceloom.web.api_page import CSS, described
from faceloom.web.booth.booth import Booth
from faceloom.web.booth.views import API
from faceloom.web.routes import api, finish, lab, operator, people, visit
from faceloom.web.security import Gate, Refusal, error_json
from faceloom.web.worker.client import WorkerClient

DIST = Path(__file__).parent / "dist"
LOCAL = ("127.0.0.1", "localhost", "::1", "testserver")
STATUS = {"stale": 409, "stopped": 409, "worker_lost": 503, "no_memory": 503, "internal": 500, "store_error": 507}
"""Statuses of what the worker and the store refuse; everything else that a FaceloomError says is 422."""

log = logging.getLogger("faceloom.booth")


def usual_atelier(generator: str | None = None) -> Any:
    """A generator, the default one unless named. Called in the worker: only there torch is loaded."""
    from faceloom.web.worker.previews import Atelier
    from faceloom.workflows.studio import Studio

    return Atelier(Studio(generator) if generator else None)


def create_app(
    *,
    home: Path | None = None,
    atelier: Callable[[], Any] = usual_atelier,
    pin: str | None = None,
    token: str | None = None,
    address: str = "http://127.0.0.1:8000",
    lan: str = "",
    hosts: Iterable[str] = (),
    workshop: Callable[[Callable[[], Any]], WorkerClient] = WorkerClient,
    visitors: bool = True,
    pages: bool = True,
) -> FastAPI:
    """Make the server.

    `home` is the folder of the booth, by default in FACELOOM_HOME; `atelier` makes what the worker works with and must
    be importable by a new process; `pin` the operator's and `token` the API's, both random when not given; `lan` the
    address for phones; `hosts` further names it answers to; `workshop` makes what works, one worker by default;
    without `visitors` there is only the API of programs, without `pages` no page.
    """

    @asynccontextmanager
    async def life(app: FastAPI) -> AsyncIterator[None]:
        folder = home or Settings().home / "booth"
        with SingleServerLock(folder):
            app.state.booth = booth = Booth(VisitStore(folder), workshop(atelier), address=address, lan=lan)
            with booth.logging():
                await booth.open()
                try:
                    yield
                finally:
                    await booth.close()

    app = FastAPI(
        title="faceloom",
        version=__version__,
        lifespan=life,
        openapi_url=f"{API}/openapi.json",
        docs_url=None,
        redoc_url=None,
        summary="The booth and the REST API of the StyleGAN face studio.",
    )
    app.state.pin = pin or f"{secrets.randbelow(10**6):06}"
    app.state.token = token or secrets.token_urlsafe(24)
    app.state.operators = {}
    for module in (visit, people, finish, lab, operator) if visitors else ():
        app.include_router(module.router, prefix=API)
    for router in (visit.known, finish.addressed, api.router, api.jobs):
        app.include_router(router, prefix=API)
    app.include_router(_description(app), prefix=API)
    if pages:
        app.include_router(finish.pages)
        app.include_router(_page())
    app.add_exception_handler(Refusal, _refused)
    app.add_exception_handler(FaceloomError, _failed)
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_exception_handler(HTTPException, _http)
    app.add_middleware(Gate, hosts=[*LOCAL, *hosts])
    return app


class SingleServerLock:
    """One server a folder. Raises StoreError when there is another."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.lock = FileLock(folder / "lock")

    def __enter__(self) -> None:
        try:
            self.lock.acquire(timeout=0)
        except Timeout as error:
            raise StoreError("another booth uses this folder", "end it, or give another --home") from error

    def __exit__(self, *_: object) -> None:
        self.lock.release()


def _description(app: FastAPI) -> APIRouter:
    """The API, described for people."""
    router = APIRouter(include_in_schema=False)

    @router.get("/docs")
    async def docs() -> HTMLResponse:
        return HTMLResponse(described(app.openapi()))

    @router.get("/docs.css")
    async def css() -> Response:
        return Response(CSS, media_type="text/css")

    return router


def _page() -> APIRouter:
    """The page: its files as they were built, and the same page for each of its addresses."""
    router = APIRouter(include_in_schema=False)

    @router.get("/{path:path}")
    async def page(path: str) -> Response:
        if path.startswith("api/"):
            raise Refusal(404, "not_found", "there is nothing here")
        file = (DIST / path).resolve()
        if path and file.is_relative_to(DIST.resolve()) and file.is_file():
            forever = "public, max-age=31536000, immutable" if path.startswith("assets/") else "no-cache"
            return FileResponse(file, headers={"Cache-Control": forever})
        if "." in path.rpartition("/")[2]:
            raise Refusal(404, "not_found", "there is nothing here")
        if not (DIST / "index.html").is_file():
            return HTMLResponse("<!doctype html><title>faceloom</title><p>The page was not built.", 503)
        return FileResponse(DIST / "index.html", headers={"Cache-Control": "no-cache"})

    return router


async def _refused(request: Request, error: Exception) -> Response:
    assert isinstance(error, Refusal)
    return error.response()


async def _failed(request: Request, error: Exception) -> Response:
    assert isinstance(error, FaceloomError)
    if isinstance(error, StoreError):
        log.error("%s", error.message)
    return JSONResponse(error_json(error.code, error.message, error.hint), STATUS.get(error.code, 422))


async def _invalid(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)
    first = error.errors()[0]
    where = ".".join(str(part) for part in first["loc"][1:])[:80]
    return JSONResponse(error_json("invalid", f"{where}: {first['msg']}"[:300], "see the API's description"), 422)


async def _http(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    code = {404: "not_found", 405: "wrong_method", 413: "too_large"}.get(error.status_code, "refused")
    return JSONResponse(error_json(code, str(error.detail)), error.status_code, error.headers)
