"""The server's side of the worker: starts it, asks it, and starts another one when it dies. Knows no torch."""

from __future__ import annotations

import asyncio
import itertools
import logging
import multiprocessing
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from multiprocessing.connection import Connection
from threading import Thread
from typing import Any

from faceloom.web.worker.messages import DESK, ENCODE, Message, Refused
from faceloom.web.worker.process import work

HUNG = 90.0  # seconds that something answered at once may take before the worker is taken for dead
LOST = {"code": "worker_lost", "message": "the worker stopped and was started again", "hint": "please try again"}

log = logging.getLogger("faceloom.booth")


@dataclass
class Asked:
    """Something that the worker has not answered yet."""

    future: asyncio.Future[Any]
    progress: Callable[[Message], None] | None
    rank: int
    begin: float = field(default_factory=time.monotonic)


class WorkerClient:
    """One worker process. All methods belong to the event loop's thread."""

    def __init__(self, make: Callable[[], Any]) -> None:
        self.make = make
        self.asked: dict[int, Asked] = {}
        self.ids = itertools.count(1)
        self.ready, self.settled = asyncio.Event(), asyncio.Event()  # can serve; can serve, or never will
        self.facts: Message = {}
        self.error: Message | None = None
        self.restarts = 0
        self.restarted: Callable[[], None] = lambda: None
        self.closing = False
        self.process: Any = None
        self.connection: Connection | None = None
        self.watching: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Start the worker; `ready` is set when it can serve."""
        self.loop = asyncio.get_running_loop()
        self._spawn()
        self.watching = asyncio.create_task(self._watch())

    async def close(self) -> None:
        """End the worker: it finishes the step that it is at, and is ended after a second."""
        self.closing = True
        if self.watching:
            self.watching.cancel()
        self._send({"kind": "quit"})
        if self.process:
            await asyncio.to_thread(self._end)

    async def ask(
        self,
        task: str,
        args: Message,
        *,
        rank: int = DESK,
        visit: str = "",
        key: str = "",
        n: int = 0,
        progress: Callable[[Message], None] | None = None,
    ) -> Any:
        """Ask for a task and wait for its answer; being cancelled stops it. Raises Refused."""
        await self.settled.wait()
        if self.error:
            raise Refused(self.error)
        number = next(self.ids)
        asked = self.asked[number] = Asked(self.loop.create_future(), progress, rank)
        n = n or (number if key else 0)
        message = {"task": task, "args": args, "rank": rank, "visit": visit, "key": key, "n": n}
        self._send({"kind": "ask", "id": number, **message})
        try:
            return await asked.future
        except asyncio.CancelledError:
            self._send({"kind": "stop", "id": number})
            raise
        finally:
            self.asked.pop(number, None)

    async def forget(self, visit: str, folder: str, prefix: str = "") -> None:
        """Make the worker stop what it does for a visit and drop what it remembers; then it writes nothing of it."""
        number = next(self.ids)
        asked = self.asked[number] = Asked(self.loop.create_future(), None, DESK)
        wanted = visit if not prefix else ""
        self._send({"kind": "forget", "id": number, "visit": wanted, "args": {"folder": folder, "prefix": prefix}})
        try:
            await asyncio.wait_for(asked.future, 15)
        except (TimeoutError, Refused):
            log.warning("the worker does not answer: it is started again")
            self._kill()  # a dead worker writes nothing either
        finally:
            self.asked.pop(number, None)

    def place(self, number: int = 0) -> int:
        """How many encodings are waiting or running."""
        return sum(asked.rank == ENCODE for asked in self.asked.values())

    @property
    def alive(self) -> bool:
        """Whether the worker can serve now."""
        return self.ready.is_set() and self.process is not None and self.process.is_alive()

    @property
    def pid(self) -> int | None:
        """The worker's process id."""
        return self.process.pid if self.process else None

    # -- inside -------------------------------------------------------------------------------------------------------

    def _spawn(self) -> None:
        context = multiprocessing.get_context("spawn")
        self.connection, theirs = context.Pipe()
        self.process = context.Process(target=work, args=(theirs, self.make), daemon=True, name="faceloom-worker")
        self.process.start()
        theirs.close()
        Thread(target=self._listen, args=(self.connection, self.process), daemon=True).start()

    def _listen(self, connection: Connection, process: Any) -> None:
        """In a thread of its own: carry answers into the event loop until the worker is gone."""
        while True:
            try:
                message = connection.recv()
            except (EOFError, OSError):
                break
            self._in_loop(self._take, message)
        self._in_loop(self._lost, process)

    def _in_loop(self, call: Callable[[Any], None], value: Any) -> None:
        try:
            self.loop.call_soon_threadsafe(call, value)
        except RuntimeError:  # the loop is closed: nobody is waiting any more
            return

    def _take(self, message: Message) -> None:
        if message["id"] == 0:
            self.error = message.get("error")
            self.facts = message.get("result") or {}
            self.settled.set()
            if self.error is None:
                self.ready.set()
            else:
                log.error("the worker cannot begin: %s; %s", self.error["message"], self.error["hint"])
            return
        asked = self.asked.get(message["id"])
        if asked is None or asked.future.done():
            return
        if "progress" in message:
            if asked.progress:
                asked.progress(message["progress"])
        elif "error" in message:
            asked.future.set_exception(Refused(message["error"]))
        else:
            asked.future.set_result(message["result"])

    def _lost(self, process: Any) -> None:
        if self.closing or process is not self.process:
            return
        self.ready.clear()
        if self.error is None:
            self.settled.clear()
        for asked in list(self.asked.values()):
            if not asked.future.done():
                asked.future.set_exception(Refused(LOST))
        if self.error is None:  # a worker that cannot even begin is not tried again
            self.restarts += 1
            log.warning("the worker was lost and is started again")
            self._spawn()
            self.restarted()

    def _send(self, message: Message) -> None:
        try:
            if self.connection:
                self.connection.send(message)
        except OSError:
            if not self.closing:
                log.warning("the worker cannot be reached")

    async def _watch(self) -> None:
        """Start the worker again when it hangs."""
        while True:
            await asyncio.sleep(5)
            now = time.monotonic()
            if any(asked.rank <= DESK and now - asked.begin > HUNG for asked in self.asked.values()):
                log.warning("the worker hangs")
                self._kill()

    def _kill(self) -> None:
        if self.process and self.process.is_alive():
            self.process.kill()

    def _end(self) -> None:
        self.process.join(2)
        if self.process.is_alive():
            self.process.kill()
            self.process.join(5)
