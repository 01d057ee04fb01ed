"""The server: a FastAPI application over the booth. `create_app` makes it; the command line serves it."""

from __future__ import annotations

import logging
import secrets
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from fastapi import APIRouter, FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import FileResponse, HTMLResponse, JSONResponse
from filelock import FileLock, Timeout
from starlette.exceptions import HTTPException

from faceloom._version import __version__
from faceloom.errors import FaceloomError, StoreError
from faceloom.settings import Settings
from faceloom.store import VisitStore
from faceloom.web import extra_schemas
from faceloom.web.api_html import CSS, openapi_html
from faceloom.web.booth import background
from faceloom.web.booth.booth import Booth
from faceloom.web.booth.lab import Drags
from faceloom.web.booth.views import API
from faceloom.web.routes import api, downloads, lab, operator, people, visit
from faceloom.web.security import RequestRefused, SecurityMiddleware, error_body
from faceloom.web.worker.client import ProcessClient, WorkerClient

if TYPE_CHECKING:  # at run time this would load torch in the server
    from faceloom.web.worker.studio import BoothStudio

MakeStudio = Callable[[], "BoothStudio"]

PAGE_FOLDER = Path(__file__).parent / "dist"
LOCAL_HOSTS = ("127.0.0.1", "localhost", "::1", "testserver")
ERROR_STATUSES = {
    "stale": 409,
    "stopped": 409,
    "worker_lost": 503,
    "no_memory": 503,
    "internal": 500,
    "store_error": 507,
}
"""HTTP statuses by the code of a FaceloomError; every other code has 422."""

log = logging.getLogger("faceloom.booth")


def make_default_studio(generator: str | None = None) -> BoothStudio:
    """Make a studio with a generator, the default one unless named. Called in the worker, which loads torch."""
    from faceloom.web.worker.studio import BoothStudio

    return BoothStudio(generator) if generator else BoothStudio()


def create_app(
    *,
    home: Path | None = None,
    make_studio: MakeStudio = make_default_studio,
    make_client: Callable[[MakeStudio], WorkerClient] = ProcessClient,
    pin: str | None = None,
    token: str | None = None,
    address: str = "http://127.0.0.1:8000",
    lan: str = "",
    hosts: Iterable[str] = (),
    visitors: bool = True,
    pages: bool = True,
) -> FastAPI:
    """Make the server.

    `home` is the folder of the booth, by default in FACELOOM_HOME. `make_studio` makes the worker's studio; a new
    process must be able to import it. `make_client` makes the client of the worker, by default one process. `pin` is
    the operator's and `token` the API's, both random unless given. `lan` is the address for phones; `hosts` are
    further names of the server. Without `visitors` there is only the API for programs; without `pages` no page.
    """

    def lifespan(app: FastAPI) -> AbstractAsyncContextManager[None]:
        folder = home or Settings().home / "booth"
        return _run_booth(app, folder, lambda store: Booth(store, make_client(make_studio), address=address, lan=lan))

    app = FastAPI(
        title="faceloom",
        version=__version__,
        lifespan=lifespan,
        openapi_url=f"{API}/openapi.json",
        docs_url=None,
        redoc_url=None,
        summary="The booth and the REST API of the StyleGAN face studio.",
        generate_unique_id_function=lambda route: "_".join([*map(str, route.tags[:1]), route.name]),
    )
    app.state.pin = pin or f"{secrets.randbelow(10**6):06}"
    app.state.token = token or secrets.token_urlsafe(24)
    app.state.operator_sessions = {}
    app.state.drags = Drags()
    _add_routes(app, visitors=visitors, pages=pages)
    _add_error_handlers(app)
    app.add_middleware(SecurityMiddleware, hosts=[*LOCAL_HOSTS, *hosts])
    extra_schemas.install(app)
    return app


@asynccontextmanager
async def _run_booth(app: FastAPI, folder: Path, make_booth: Callable[[VisitStore], Booth]) -> AsyncIterator[None]:
    """Open the booth of a folder, continue its background work, and close it at the end of the block."""
    with SingleServerLock(folder):
        app.state.booth = booth = make_booth(VisitStore(folder))
        with booth.logging():
            await booth.open()
            background.resume(booth)
            try:
                yield
            finally:
                await booth.close()


def _add_routes(app: FastAPI, *, visitors: bool, pages: bool) -> None:
    for module in (visit, people, downloads, lab, operator) if visitors else ():
        app.include_router(module.router, prefix=API)
    for router in (visit.server, downloads.files, api.router, api.jobs):
        app.include_router(router, prefix=API)
    app.include_router(_reference_routes(app), prefix=API)
    if pages:
        app.include_router(downloads.pages)
        app.include_router(_page_routes())


class SingleServerLock:
    """A lock that allows one server for each folder. Raises StoreError when another server holds it."""

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


def _reference_routes(app: FastAPI) -> APIRouter:
    """Return the routes of the API's reference as a page."""
    router = APIRouter(include_in_schema=False)

    @router.get("/docs")
    async def read_reference() -> HTMLResponse:
        return HTMLResponse(openapi_html(app.openapi()))

    @router.get("/docs.css")
    async def read_css() -> Response:
        return Response(CSS, media_type="text/css")

    return router


def _page_routes() -> APIRouter:
    """Return the route of the page: its built files, and `index.html` for each address of the page."""
    router = APIRouter(include_in_schema=False)

    @router.get("/{path:path}")
    async def read_page(path: str) -> Response:
        file = (PAGE_FOLDER / path).resolve()
        if path.startswith("api/"):
            raise RequestRefused(404, "not_found", "there is nothing at this address")
        if path and file.is_relative_to(PAGE_FOLDER.resolve()) and file.is_file():
            forever = "public, max-age=31536000, immutable" if path.startswith("assets/") else "no-cache"
            return FileResponse(file, headers={"Cache-Control": forever})
        if "." in path.rpartition("/")[2]:
            raise RequestRefused(404, "not_found", "there is nothing at this address")
        if not (PAGE_FOLDER / "index.html").is_file():
            return HTMLResponse("<!doctype html><title>faceloom</title><p>The page was not built.", 503)
        return FileResponse(PAGE_FOLDER / "index.html", headers={"Cache-Control": "no-cache"})

    return router


# -- errors -----------------------------------------------------------------------------------------------------------


def _add_error_handlers(app: FastAPI) -> None:
    app.add_exception_handler(RequestRefused, _answer_refusal)
    app.add_exception_handler(FaceloomError, _answer_error)
    app.add_exception_handler(RequestValidationError, _answer_invalid)
    app.add_exception_handler(HTTPException, _answer_http_error)


async def _answer_refusal(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestRefused)
    return error.response()


async def _answer_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, FaceloomError)
    if isinstance(error, StoreError):
        log.error("%s", error.message)
    status = ERROR_STATUSES.get(error.code, 422)
    return JSONResponse(error_body(error.code, error.message, error.hint), status)


async def _answer_invalid(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)
    first = error.errors()[0]
    field = ".".join(str(part) for part in first["loc"][1:])[:80]
    return JSONResponse(error_body("invalid", f"{field}: {first['msg']}"[:300], "see the API's reference"), 422)


async def _answer_http_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    code = {404: "not_found", 405: "wrong_method", 413: "too_large"}.get(error.status_code, "refused")
    return JSONResponse(error_body(code, str(error.detail)), error.status_code, error.headers)
