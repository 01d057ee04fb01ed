"""Who may ask the server for what: hosts, origins, tokens, sizes, rates, and what a page may load.

The Host check is against DNS rebinding: a page of another site that names our address as its own is refused.
"""

from __future__ import annotations

import asyncio
import hmac
import time
from collections import defaultdict, deque
from collections.abc import Callable, Iterable
from typing import Any
from urllib.parse import urlsplit

from fastapi import Request
from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

MAX_PHOTO = 20 << 20  # bytes of a photo
MAX_BODY = 128 << 10  # of anything else
UPLOAD_SECONDS = 60.0  # that a body may take to arrive
SAFE = ("GET", "HEAD", "OPTIONS")

CSP = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob: data:; media-src 'self' blob:; "
    "font-src 'self'; connect-src 'self'; manifest-src 'self'; worker-src 'self'; form-action 'self'; "
    "base-uri 'none'; frame-ancestors 'none'"
)
HEADERS = {
    "Content-Security-Policy": CSP,
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Permissions-Policy": "camera=(self), microphone=(), geolocation=(), screen-wake-lock=(self)",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}


class Refusal(Exception):
    """A request that is not granted; becomes `{"error": {...}}` with this status."""

    def __init__(self, status: int, code: str, message: str, hint: str = "", after: float | None = None) -> None:
        super().__init__(message)
        self.status, self.code, self.message, self.hint, self.after = status, code, message, hint, after

    def response(self) -> JSONResponse:
        """As the page gets it."""
        headers = {} if self.after is None else {"Retry-After": str(max(1, round(self.after)))}
        return JSONResponse(
            {"error": {"code": self.code, "message": self.message, "hint": self.hint}}, self.status, headers
        )


class Gate:
    """The outermost layer: hosts, origins, sizes and headers. `hosts` are names without a port."""

    def __init__(self, app: ASGIApp, hosts: Iterable[str]) -> None:
        self.app, self.hosts = app, {host.lower() for host in hosts}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        try:
            self.check(scope)
        except Refusal as refusal:
            await refusal.response()(scope, receive, _adding(send, scope))
            return
        body = _Body(receive, _limit(scope))
        try:
            await self.app(scope, body.receive, _adding(send, scope))
        except Refusal as refusal:
            await refusal.response()(scope, receive, _adding(send, scope))

    def check(self, scope: Scope) -> None:
        """Raise Refusal for a foreign host, another site's page, or a body that says it is too large."""
        headers = Headers(scope=scope)
        if _name(headers.get("host", "")) not in self.hosts:
            raise Refusal(403, "wrong_host", "this server does not go by that name", "open the address it printed")
        origin = headers.get("origin")
        if scope["method"] not in SAFE and origin is not None and urlsplit(origin).netloc != headers.get("host"):
            raise Refusal(403, "wrong_origin", "another site's page may not ask for this")
        length = headers.get("content-length", "0")
        if not length.isdecimal() or int(length) > _limit(scope):
            raise Refusal(413, "too_large", f"more than {_limit(scope) >> 10} kB", "send a smaller picture")


class _Body:
    """Counts what arrives, and for how long. A body that drips in is cut off."""

    def __init__(self, receive: Receive, limit: int) -> None:
        self.inner, self.limit, self.left = receive, limit, limit
        self.until: float | None = time.monotonic() + UPLOAD_SECONDS

    async def receive(self) -> Message:
        """As ASGI's. Raises Refusal for a body that is too large or too slow."""
        if self.until is None:
            return await self.inner()
        try:
            message = await asyncio.wait_for(self.inner(), max(self.until - time.monotonic(), 0.01))
        except TimeoutError as error:
            raise Refusal(408, "too_slow", "the request took too long to arrive") from error
        self.left -= len(message.get("body", b""))
        if self.left < 0:
            raise Refusal(413, "too_large", f"more than {self.limit >> 10} kB", "send a smaller picture")
        if not message.get("more_body"):
            self.until = None
        return message


def _limit(scope: Scope) -> int:
    multipart = Headers(scope=scope).get("content-type", "").startswith("multipart/form-data")
    return MAX_PHOTO + MAX_BODY if multipart else MAX_BODY


def _adding(send: Send, scope: Scope) -> Send:
    async def adding(message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = MutableHeaders(scope=message)
            for name, value in HEADERS.items():
                headers.setdefault(name, value)
            headers.setdefault("Cache-Control", "no-store")
        await send(message)

    return adding


def _name(host: str) -> str:
    """A Host header's name without its port."""
    if host.startswith("["):
        return host.partition("]")[0].lstrip("[").lower()
    return host.partition(":")[0].lower()


def our_page(request: Request) -> None:
    """Refuse a state-changing call that does not carry our header: no form of another site can send it."""
    if request.method not in SAFE and request.headers.get("x-faceloom") != "1":
        raise Refusal(403, "header_missing", "the header X-Faceloom: 1 is missing")


class Rates:
    """How often somebody may ask: at most so many in so many seconds, by key."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self.clock = clock
        self.seen: defaultdict[tuple[str, str], deque[float]] = defaultdict(deque)

    def allow(self, what: str, who: str, most: int, seconds: float) -> None:
        """Count one. Raises Refusal with the time to wait when there were too many."""
        now, seen = self.clock(), self.seen[what, who]
        while seen and seen[0] <= now - seconds:
            seen.popleft()
        if len(seen) >= most:
            raise Refusal(429, "too_often", "too many requests", "wait a moment", after=seen[0] + seconds - now)
        seen.append(now)
        if len(self.seen) > 4096:  # strangers' keys do not pile up
            self.seen = defaultdict(deque, {key: times for key, times in self.seen.items() if times})


def same(given: str, wanted: str) -> bool:
    """Compare secrets in a time that does not tell where they differ."""
    return hmac.compare_digest(given.encode(), wanted.encode())


def error_json(code: str, message: str, hint: str = "") -> dict[str, Any]:
    """The form of every error."""
    return {"error": {"code": code, "message": message, "hint": hint}}
