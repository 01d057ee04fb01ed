"""Protection of the server: hosts, origins, secrets, sizes, request rates, and the headers of every response.

The check of the Host header prevents DNS rebinding: a page of another site may resolve its own name to our address,
but its requests still carry its name.
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

MAX_PHOTO = 20 << 20  # maximum size of a photo in bytes
MAX_BODY = 128 << 10  # maximum size of any other request body in bytes
UPLOAD_SECONDS = 60.0  # time within which a request body must arrive
MAX_RATE_KEYS = 4096  # number of keys after which the rate limiter drops those without a recent request
SAFE_METHODS = ("GET", "HEAD", "OPTIONS")

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
"""Headers that every response carries."""


class RequestRefused(Exception):
    """A request that the server refuses: answered with `status` and `{"error": {code, message, hint}}`.

    `retry_after` is the number of seconds after which the client may try again.
    """

    def __init__(self, status: int, code: str, message: str, hint: str = "", retry_after: float | None = None) -> None:
        super().__init__(message)
        self.status, self.code, self.message, self.hint, self.retry_after = status, code, message, hint, retry_after

    def response(self) -> JSONResponse:
        """Return the HTTP response."""
        headers = {} if self.retry_after is None else {"Retry-After": str(max(1, round(self.retry_after)))}
        return JSONResponse(error_body(self.code, self.message, self.hint), self.status, headers)


class SecurityMiddleware:
    """The outermost ASGI layer: checks hosts, origins and body sizes, and adds headers.

    `hosts` are the names, without a port, to which the server answers.
    """

    def __init__(self, app: ASGIApp, hosts: Iterable[str]) -> None:
        self.app, self.hosts = app, {host.lower() for host in hosts}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        send_with_headers = _add_headers(send)
        try:
            self.check(scope)
            body = _LimitedBody(receive, _max_body(scope))
            await self.app(scope, body.receive, send_with_headers)
        except RequestRefused as refusal:
            await refusal.response()(scope, receive, send_with_headers)

    def check(self, scope: Scope) -> None:
        """Raise RequestRefused for an unknown host, another site's page, or a body that is announced as too large."""
        headers = Headers(scope=scope)
        if _host_name(headers.get("host", "")) not in self.hosts:
            raise RequestRefused(403, "wrong_host", "the Host header is not a name of this server",
                                 "open the address that the server printed")  # fmt: skip
        origin = headers.get("origin")
        safe = scope["method"] in SAFE_METHODS
        if not safe and origin is not None and urlsplit(origin).netloc != headers.get("host"):
            raise RequestRefused(403, "wrong_origin", "a page of another site may not send this request")
        length, limit = headers.get("content-length", "0"), _max_body(scope)
        if not length.isdecimal() or int(length) > limit:
            raise RequestRefused(
                413, "too_large", f"the request has more than {limit >> 10} kB", "send a smaller picture"
            )


class _LimitedBody:
    """A request body that is limited in size and in the time within which it must arrive."""

    def __init__(self, receive: Receive, limit: int) -> None:
        self.inner, self.limit, self.left = receive, limit, limit
        self.deadline: float | None = time.monotonic() + UPLOAD_SECONDS  # None once the body is complete

    async def receive(self) -> Message:
        """Receive an ASGI message. Raises RequestRefused for a body that is too large or too slow."""
        if self.deadline is None:
            return await self.inner()
        try:
            message = await asyncio.wait_for(self.inner(), max(self.deadline - time.monotonic(), 0.01))
        except TimeoutError as error:
            raise RequestRefused(408, "too_slow", "the request took too long to arrive") from error
        self.left -= len(message.get("body", b""))
        if self.left < 0:
            raise RequestRefused(
                413, "too_large", f"the request has more than {self.limit >> 10} kB", "send a smaller picture"
            )
        if not message.get("more_body"):
            self.deadline = None
        return message


def _max_body(scope: Scope) -> int:
    multipart = Headers(scope=scope).get("content-type", "").startswith("multipart/form-data")
    return MAX_PHOTO + MAX_BODY if multipart else MAX_BODY


def _add_headers(send: Send) -> Send:
    async def send_with_headers(message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = MutableHeaders(scope=message)
            for name, value in HEADERS.items():
                headers.setdefault(name, value)
            headers.setdefault("Cache-Control", "no-store")
        await send(message)

    return send_with_headers


def _host_name(host: str) -> str:
    """Return the name in a Host header, without the port."""
    if host.startswith("["):
        return host.partition("]")[0].lstrip("[").lower()
    return host.partition(":")[0].lower()


def require_page_header(request: Request) -> None:
    """Raise RequestRefused for a state-changing request without the header `X-Faceloom: 1`.

    A form of another site cannot send this header.
    """
    if request.method not in SAFE_METHODS and request.headers.get("x-faceloom") != "1":
        raise RequestRefused(403, "header_missing", "the header X-Faceloom: 1 is missing")


class RateLimiter:
    """A limit on the number of requests in a sliding window of time, by kind of request and client."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self.clock = clock
        self.requests: defaultdict[tuple[str, str], deque[float]] = defaultdict(deque)

    def check(self, kind: str, client: str, limit: int, seconds: float) -> None:
        """Count a request. Raises RequestRefused (429) when there were `limit` of them in the last `seconds`."""
        now, times = self.clock(), self.requests[kind, client]
        while times and times[0] <= now - seconds:
            times.popleft()
        if len(times) >= limit:
            wait = times[0] + seconds - now
            raise RequestRefused(429, "too_often", "too many requests", "wait a moment", retry_after=wait)
        times.append(now)
        if len(self.requests) > MAX_RATE_KEYS:
            self.requests = defaultdict(deque, {key: times for key, times in self.requests.items() if times})


def secrets_equal(a: str, b: str) -> bool:
    """Return whether two secrets are equal, in a time that does not depend on where they differ."""
    return hmac.compare_digest(a.encode(), b.encode())


def error_body(code: str, message: str, hint: str = "") -> dict[str, Any]:
    """Return the JSON body of an error response; `booth.views.ErrorBody` describes it."""
    return {"error": {"code": code, "message": message, "hint": hint}}
