"""Protection of the server: hosts, origins, secrets, sizes, request rates, and the headers of every response.

The check of the Host header prevents DNS rebinding: a page of another site may resolve its own name to our address,
but its requests still carry its name.
"""

from __future__ import annotations

import asyncio
import hmac
import ipaddress
import logging
import re
import time
from collections import defaultdict, deque
from collections.abc import Awaitable, Callable, Iterable
from typing import Any

from fastapi import Request
from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from faceloom.web.public_url import PublicUrl

MAX_PHOTO = 20 << 20  # maximum size of a photo in bytes
MAX_BODY = 128 << 10  # maximum size of any other request body in bytes
UPLOAD_SECONDS = 60.0  # time within which a request body must arrive
MAX_RATE_KEYS = 4096  # number of keys after which the rate limiter drops the half whose last request is older
SAFE_METHODS = ("GET", "HEAD", "OPTIONS")
PIN_TRIES, PIN_SECONDS = 5, 300.0  # attempts at the PIN of one address in this many seconds
FREE_PIN_TRIES = 20  # attempts of all addresses in PIN_SECONDS after which attempts wait for one another
PIN_INTERVAL = 2.0  # seconds between two attempts then
MAX_PIN_WAIT = 10.0  # seconds: an attempt that would wait longer is refused

log = logging.getLogger("faceloom.booth")

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
    """The outermost ASGI layer: checks hosts, origins and body sizes, adds headers, and answers after every error.

    `hosts` are the names, without a port, to which the server answers. `public` is its URL behind a proxy, or None:
    its host is accepted too, pages of its origin may send requests, and its path is removed from requests.
    """

    def __init__(self, app: ASGIApp, hosts: Iterable[str], public: PublicUrl | None = None) -> None:
        self.app, self.hosts, self.public = app, {host.lower() for host in hosts}, public

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        body = _LimitedBody(receive, _max_body(scope))
        answer = _Answer(scope, receive, send, body)
        try:
            self.check(scope)
            if self.public:
                scope = {**scope, "path": self.public.local_path(scope["path"])}
            await self.app(scope, body.receive, answer.send)
        except RequestRefused as refusal:
            await answer.replace(refusal)
        except Exception:
            log.exception("a request failed")
            if answer.is_started:
                raise
            await answer.replace(RequestRefused(500, "internal", "something went wrong", "please try again"))

    def check(self, scope: Scope) -> None:
        """Raise RequestRefused for an unknown host, another site's page, or a body that is announced as too large."""
        headers = Headers(scope=scope)
        host, origin = headers.get("host", ""), headers.get("origin")
        is_public = self.public is not None and _host_name(host) == self.public.host
        if not is_public and _host_name(host) not in self.hosts:
            raise RequestRefused(403, "wrong_host", "the Host header is not a name of this server",
                                 "open the address that the server printed")  # fmt: skip
        if (
            scope["method"] not in SAFE_METHODS
            and origin is not None
            and not self._is_own_page(origin, host, is_public)
        ):
            raise RequestRefused(403, "wrong_origin", "a page of another site may not send this request")
        length, limit = headers.get("content-length", "0"), _max_body(scope)
        if not re.fullmatch(r"[0-9]{1,12}", length) or int(length) > limit:
            raise _too_large(limit)

    def _is_own_page(self, origin: str, host: str, is_public: bool) -> bool:
        """Return whether the Origin header names a page of this server."""
        if self.public and origin == self.public.origin:
            return True
        return not is_public and origin.partition("://")[2] == host


class _Answer:
    """The answer to a request: adds the headers, and gives way to a refusal of the request's body."""

    def __init__(self, scope: Scope, receive: Receive, send: Send, body: _LimitedBody) -> None:
        self.scope, self.receive, self.inner, self.body = scope, receive, _add_headers(send), body
        self.is_started = self.is_replaced = False

    async def send(self, message: Message) -> None:
        """Send a message of the application. An answer about a body that was refused tells the refusal instead."""
        if self.body.refusal and not self.is_started:
            await self.replace(self.body.refusal)
        self.is_started = True
        if not self.is_replaced:
            await self.inner(message)

    async def replace(self, refusal: RequestRefused) -> None:
        """Send a refusal, unless an answer was begun already."""
        if not self.is_started:
            self.is_started = self.is_replaced = True
            await refusal.response()(self.scope, self.receive, self.inner)


class _LimitedBody:
    """A request body that is limited in size and in the time within which it must arrive."""

    def __init__(self, receive: Receive, limit: int) -> None:
        self.inner, self.limit, self.left = receive, limit, limit
        self.deadline: float | None = time.monotonic() + UPLOAD_SECONDS  # None once the body is complete
        self.refusal: RequestRefused | None = None

    async def receive(self) -> Message:
        """Receive an ASGI message. Raises RequestRefused for a body that is too large or too slow."""
        if self.deadline is None:
            return await self.inner()
        try:
            message = await asyncio.wait_for(self.inner(), max(self.deadline - time.monotonic(), 0.01))
        except TimeoutError as error:
            self.refusal = RequestRefused(408, "too_slow", "the request took too long to arrive")
            raise self.refusal from error
        self.left -= len(message.get("body", b""))
        if self.left < 0:
            self.refusal = _too_large(self.limit)
            raise self.refusal
        if not message.get("more_body"):
            self.deadline = None
        return message


def _too_large(limit: int) -> RequestRefused:
    return RequestRefused(413, "too_large", f"the request has more than {limit >> 10} kB", "send a smaller picture")


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
        now, times = self.clock(), self.requests[kind, _network_of(client)]
        while times and times[0] <= now - seconds:
            times.popleft()
        if len(times) >= limit:
            wait = (times[0] if times else now) + seconds - now
            raise RequestRefused(429, "too_often", "too many requests", "wait a moment", retry_after=wait)
        times.append(now)
        if len(self.requests) > MAX_RATE_KEYS:
            recent = sorted(self.requests.items(), key=lambda item: item[1][-1] if item[1] else 0.0)
            self.requests = defaultdict(deque, recent[len(recent) // 2 :])


class PinGuard:
    """A limit on attempts at the PIN: a few for each address, and one at a time when all addresses try many.

    `sleep` waits for some seconds. The machine itself never waits: its operator can always get in.
    """

    def __init__(self, limiter: RateLimiter, sleep: Callable[[float], Awaitable[None]] = asyncio.sleep) -> None:
        self.limiter, self.sleep = limiter, sleep
        self.next_turn = 0.0  # time of the limiter's clock from which the next attempt may be made

    async def admit(self, client: str) -> None:
        """Count an attempt, and wait for its turn. Raises RequestRefused (429)."""
        self.limiter.check("pin", client, PIN_TRIES, PIN_SECONDS)
        if is_this_machine(client):
            return
        try:
            self.limiter.check("all pins", "", FREE_PIN_TRIES, PIN_SECONDS)
        except RequestRefused as refusal:
            now = self.limiter.clock()
            turn = max(now, self.next_turn)
            if turn - now > MAX_PIN_WAIT:
                raise RequestRefused(
                    429, "too_often", "too many attempts at the PIN", "wait a moment", retry_after=turn - now
                ) from refusal
            self.next_turn = turn + PIN_INTERVAL
            await self.sleep(turn - now)

    def forgive(self, client: str) -> None:
        """Forget the attempts of an address that gave the right PIN."""
        self.limiter.requests.pop(("pin", _network_of(client)), None)


def _network_of(client: str) -> str:
    """Return the network whose addresses one client can choose from: an IPv6 /64, or the address itself."""
    try:
        address = ipaddress.ip_address(client)
    except ValueError:
        return client
    return str(ipaddress.ip_network((address, 64), strict=False)) if address.version == 6 else client


def is_this_machine(client: str) -> bool:
    """Return whether the address of a client is one of this machine to itself."""
    try:
        return ipaddress.ip_address(client).is_loopback
    except ValueError:
        return False


def secrets_equal(a: str, b: str) -> bool:
    """Return whether two secrets are equal, in a time that does not depend on where they differ."""
    return hmac.compare_digest(a.encode(errors="surrogatepass"), b.encode(errors="surrogatepass"))


def error_body(code: str, message: str, hint: str = "") -> dict[str, Any]:
    """Return the JSON body of an error response; `booth.views.ErrorBody` describes it."""
    return {"error": {"code": code, "message": message, "hint": hint}}
