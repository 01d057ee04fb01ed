"""Limits of connections: how slowly a request may arrive, and how many connections one address may open.

A client that opens many connections and sends nothing, or only a byte now and then, would otherwise keep everyone else
from being served. Among connections that have not sent a whole request yet, the oldest one is closed first, so that
such a client loses its own connections, and another program on the same machine is still served.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Callable
from typing import TYPE_CHECKING

import h11
import uvicorn
from uvicorn.protocols.http.h11_impl import H11Protocol

from faceloom.web.security import HEADERS, UPLOAD_SECONDS, error_body

if TYPE_CHECKING:
    from fastapi import FastAPI

HEADER_SECONDS = 10.0  # seconds within which the whole head of a request must arrive
BODY_SECONDS = UPLOAD_SECONDS + 5  # seconds after which a connection is closed that still sends a request body
SEND_SECONDS = 60.0  # seconds after which a connection is closed whose client does not take the response
MAX_RECEIVING_PER_ADDRESS = 32  # connections of an address that have not sent a whole request
MAX_PER_ADDRESS = 100  # connections of an address
MAX_RECEIVING = 200  # connections of all addresses that have not sent a whole request
MAX_CONNECTIONS = 400  # connections of all addresses
MAX_HEAD = 16 << 10  # bytes of a request's head

REASONS = {400: "Bad Request", 408: "Request Timeout", 503: "Service Unavailable"}


def server_config(app: FastAPI, host: str, port: int, *, behind_proxy: bool = False) -> uvicorn.Config:
    """Return the configuration of the server. Behind a proxy, the proxy names the addresses of its clients."""
    return uvicorn.Config(
        app,
        host=host,
        port=port,
        http=LimitedProtocol,
        ws="none",
        log_level="error",
        timeout_graceful_shutdown=3,
        server_header=False,
        proxy_headers=behind_proxy,
        h11_max_incomplete_event_size=MAX_HEAD,
    )


class LimitedProtocol(H11Protocol):
    """A connection with limits of time, and of the number of connections.

    Behind a proxy all connections come from the proxy, so that only the limits for all addresses hold.
    """

    phase: str = ""  # 'head' or 'body' while a request is received
    since: float = 0.0  # time.monotonic at which the connection began to receive a request
    timer: asyncio.TimerHandle | None = None
    send_timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Accept a connection, in place of older ones that have sent no whole request, or refuse it."""
        super().connection_made(transport)
        self._enter("head")
        if not self.config.proxy_headers:
            host = self.client[0] if self.client else ""
            peers = self._peers(lambda peer: peer.client is not None and peer.client[0] == host)
            self._limit(peers, MAX_RECEIVING_PER_ADDRESS, MAX_PER_ADDRESS)
        self._limit(self._peers(lambda _: True), MAX_RECEIVING, MAX_CONNECTIONS)

    def _peers(self, condition: Callable[[LimitedProtocol], bool]) -> list[LimitedProtocol]:
        """Return the open connections for which a condition holds, this one included, the oldest first."""
        found = [peer for peer in self.connections if isinstance(peer, LimitedProtocol) and condition(peer)]
        return sorted((peer for peer in found if not peer.transport.is_closing()), key=lambda peer: peer.since)

    def _limit(self, peers: list[LimitedProtocol], max_receiving: int, max_open: int) -> None:
        """Close the oldest receiving connections beyond a limit, and refuse this one when there are too many others."""
        receiving = [peer for peer in peers if peer.is_receiving]
        for peer in receiving[: max(0, len(receiving) - max_receiving)]:
            peer.transport.abort()
        if sum(not peer.transport.is_closing() for peer in peers) > max_open:
            self._refuse(503, "full", "too many connections at once", "close other pages and try again")

    @property
    def is_receiving(self) -> bool:
        """Return whether no whole request is being answered: the next one is awaited, or is arriving."""
        return self.cycle is None or self.cycle.response_complete or self.cycle.more_body

    def data_received(self, data: bytes) -> None:
        """Take data, and watch how long the head or the body of the request takes."""
        super().data_received(data)
        state = self.conn.their_state
        phase = "head" if state is h11.IDLE else "body" if state is h11.SEND_BODY else ""
        if phase != self.phase:
            self._enter(phase)

    def _enter(self, phase: str) -> None:
        self.phase, self.since = phase, time.monotonic()
        if self.timer:
            self.timer.cancel()
        seconds = {"head": HEADER_SECONDS, "body": BODY_SECONDS}.get(phase)
        self.timer = self.loop.call_later(seconds, self._give_up) if seconds else None

    def _give_up(self) -> None:
        """End a connection whose request took too long to arrive."""
        if self.phase == "head":
            self._refuse(408, "too_slow", "the request took too long to arrive")
        elif not self.transport.is_closing():
            self.transport.abort()

    def send_400_response(self, msg: str) -> None:
        """Answer a request that is not HTTP."""
        self._refuse(400, "bad_request", "the request is not valid HTTP", "is the address complete?")

    def _refuse(self, status: int, code: str, message: str, hint: str = "") -> None:
        """Answer with an error and close the connection; only close it when a response was begun already."""
        if self.transport.is_closing():
            return
        if self.cycle is None or self.cycle.response_complete:
            body = json.dumps(error_body(code, message, hint)).encode()
            headers = {"Content-Type": "application/json", "Content-Length": str(len(body)), "Connection": "close"}
            headers |= {**HEADERS, "Cache-Control": "no-store", "Retry-After": "10"}
            head = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
            self.transport.write(f"HTTP/1.1 {status} {REASONS[status]}\r\n{head}\r\n".encode("ascii") + body)
        self.transport.close()

    def pause_writing(self) -> None:
        """Close the connection if its client takes none of the response for SEND_SECONDS."""
        super().pause_writing()
        self.send_timer = self.loop.call_later(SEND_SECONDS, self.transport.abort)

    def resume_writing(self) -> None:
        """Go on writing."""
        super().resume_writing()
        if self.send_timer:
            self.send_timer.cancel()

    def connection_lost(self, exc: Exception | None) -> None:
        """Stop watching the connection."""
        for timer in (self.timer, self.send_timer):
            if timer:
                timer.cancel()
        super().connection_lost(exc)
