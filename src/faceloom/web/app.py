"""The server: a FastAPI application over the booth. `create_app` makes it; the command line serves it."""

from __future__ import annotations

import asyncio
import logging
import re
import secrets
from collections.abc import AsyncIterator, Callable, Iterable, Iterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager, contextmanager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING

from fastapi import APIRouter, FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import FileResponse, HTMLResponse, JSONResponse
from starlette.exceptions import HTTPException

from faceloom._version import __version__
from faceloom.cameras.button import ShutterButton
from faceloom.errors import FaceloomError, StoreError
from faceloom.settings import Settings
from faceloom.store import SingleServerLock, VisitStore
from faceloom.web import extra_schemas
from faceloom.web.api_html import CSS, openapi_html
from faceloom.web.booth import background
from faceloom.web.booth.booth import Booth
from faceloom.web.booth.casts import Casts
from faceloom.web.booth.lab import Drags
from faceloom.web.booth.views import API
from faceloom.web.public_url import PublicUrl
from faceloom.web.routes import (
    api,
    camera,
    casts,
    downloads,
    lab,
    live,
    operator,
    operator_prints,
    own_data,
    people,
    verify,
    visit,
)
from faceloom.web.security import RequestRefused, SecurityMiddleware, error_body
from faceloom.web.worker.client import ProcessClient, WorkerClient

if TYPE_CHECKING:  # at run time this would load torch in the server
    from faceloom.web.worker.studio import BoothStudio

MakeStudio = Callable[[], "BoothStudio"]

PAGE_FOLDER = Path(__file__).parent / "dist"
PAGE_PATH = re.compile(r"[A-Za-z0-9._/-]{0,200}")
"""Paths of the page: of its files, and of its screens with a token."""
LOCAL_HOSTS = ("127.0.0.1", "localhost", "::1")
ERROR_STATUSES = {
    "stale": 409,
    "stopped": 409,
    "worker_lost": 503,
    "no_memory": 503,
    "internal": 500,
    "store_error": 507,
    "erase_pending": 507,
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
    public_url: str = "",
    share_command: str = "",
    shutdown_command: str = "",
    shutter: ShutterButton | None = None,
    visitors: bool = True,
    pages: bool = True,
) -> FastAPI:
    """Make the server.

    `home` is the folder of the booth, by default in FACELOOM_HOME. `make_studio` makes the worker's studio; a new
    process must be able to import it. `make_client` makes the client of the worker, by default one process. `pin` is
    the operator's and `token` the API's, both random unless given. `lan` is the address for phones; `hosts` are
    further names of the server. `public_url` is the URL of the server behind a reverse proxy, which takes the place of
    both addresses. `share_command` gets every finished picture, and `shutdown_command` is run when the operator shuts
    the booth down. `shutter` is a button that takes the photo. Without `visitors` there is only the API for programs;
    without `pages` no page.
    Raises FaceloomError for a `public_url` that is not one.
    """
    public = PublicUrl.parse(public_url) if public_url else None

    def make_booth(store: VisitStore) -> Booth:
        booth = Booth(store, make_client(make_studio), address=address, lan=lan, public=public)
        booth.share_command = share_command
        return booth

    def lifespan(app: FastAPI) -> AbstractAsyncContextManager[None]:
        return _run_booth(app, make_booth, shutter)

    app = FastAPI(
        title="faceloom",
        version=__version__,
        lifespan=lifespan,
        openapi_url=f"{API}/openapi.json",
        docs_url=None,
        redoc_url=None,
        summary="The booth and the REST API of the StyleGAN face studio.",
        redirect_slashes=False,  # a redirection would lose the public URL
        servers=[{"url": public.path}] if public and public.path else None,
        generate_unique_id_function=lambda route: "_".join([*map(str, route.tags[:1]), route.name]),
    )
    app.state.folder = home or Settings().home / "booth"
    app.state.store = None
    app.state.pin = pin or f"{secrets.randbelow(10**6):06}"
    app.state.token = token or secrets.token_urlsafe(24)
    app.state.shutdown_command = shutdown_command
    app.state.operator_sessions = {}
    app.state.drags, app.state.casts, app.state.visitors = Drags(), Casts(), visitors
    _add_routes(app, public.path if public else "", visitors=visitors, pages=pages)
    _add_error_handlers(app)
    app.add_middleware(SecurityMiddleware, hosts=[*LOCAL_HOSTS, *hosts], public=public)
    extra_schemas.install(app)
    return app


@contextmanager
def open_folder(app: FastAPI) -> Iterator[None]:
    """Lock and open the folder of a server before it is started, so that an error is not raised inside of the server.

    Raises StoreError when another server uses the folder, or when it cannot be read or written.
    """
    try:
        with SingleServerLock(app.state.folder):
            app.state.store = VisitStore(app.state.folder)
            yield
    finally:
        app.state.store = None


@asynccontextmanager
async def _run_booth(
    app: FastAPI, make_booth: Callable[[VisitStore], Booth], shutter: ShutterButton | None
) -> AsyncIterator[None]:
    """Open the booth, continue its background work, and close it at the end of the block."""
    with nullcontext() if app.state.store else open_folder(app):
        app.state.booth = booth = make_booth(app.state.store)
        with booth.recent_log.collecting():
            await booth.open()
            background.resume(booth)
            app.state.casts.resume(booth)
            if shutter:
                shutter.when_pressed = _in_loop(booth.events.press_shutter)
            try:
                yield
            finally:
                if shutter:
                    shutter.close()
                await booth.close()


def _in_loop(call: Callable[[], None]) -> Callable[[], None]:
    """Return a function for other threads that makes a call in the event loop's thread."""
    loop = asyncio.get_running_loop()

    def call_in_loop() -> None:
        loop.call_soon_threadsafe(call)

    return call_in_loop


def _add_routes(app: FastAPI, base_path: str, *, visitors: bool, pages: bool) -> None:
    for_visitors = (visit, own_data, people, camera, live, downloads, lab, operator, operator_prints)
    for module in for_visitors if visitors else ():
        app.include_router(module.router, prefix=API)
    if visitors:
        app.include_router(own_data.phones, prefix=API)
    for router in (visit.server, downloads.files, verify.router, api.router, casts.router, api.jobs):
        app.include_router(router, prefix=API)
    app.include_router(_reference_routes(app), prefix=API)
    if pages:
        app.include_router(downloads.pages)
        app.include_router(verify.pages)
        app.include_router(_page_routes(base_path))


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


def _page_routes(base_path: str) -> APIRouter:
    """Return the route of the page: its built files, and `index.html` for each address of the page.

    `base_path` is the path before every path of the server, or ''.
    """
    router = APIRouter(include_in_schema=False)

    @router.get("/{path:path}")
    async def read_page(path: str) -> Response:
        if path.startswith("api/") or not PAGE_PATH.fullmatch(path):
            raise RequestRefused(404, "not_found", "there is nothing at this address")
        file = (PAGE_FOLDER / path).resolve()
        if path and path != "index.html" and file.is_relative_to(PAGE_FOLDER.resolve()) and file.is_file():
            forever = "public, max-age=31536000, immutable" if path.startswith("assets/") else "no-cache"
            return FileResponse(file, headers={"Cache-Control": forever})
        if "." in path.rpartition("/")[2] and path != "index.html":
            raise RequestRefused(404, "not_found", "there is nothing at this address")
        try:
            page = (PAGE_FOLDER / "index.html").read_text(encoding="utf-8")
        except OSError:
            return HTMLResponse("<!doctype html><title>faceloom</title><p>The page was not built.", 503)
        return HTMLResponse(_with_base_path(page, base_path), headers={"Cache-Control": "no-cache"})

    return router


def _with_base_path(page: str, base_path: str) -> str:
    """Return the built page with all of its addresses below a path: it is served at addresses of any depth."""
    base = '<meta name="base-path" content="'
    return page.replace('="./', f'="{base_path}/').replace(f'{base}"', f'{base}{base_path}"')


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
