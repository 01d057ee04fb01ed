"""The server's side of the worker: the protocol of a client, and the client of one worker process. Loads no torch."""

from __future__ import annotations

import asyncio
import logging
import multiprocessing
from collections.abc import Callable
from multiprocessing.connection import Connection
from multiprocessing.context import SpawnProcess
from threading import Thread
from typing import TYPE_CHECKING, Any, Protocol, TypeVar, runtime_checkable

from faceloom.store.models import Failure
from faceloom.web.worker.messages import (
    Cancel,
    CannotStart,
    Forget,
    FromWorker,
    Priority,
    Quit,
    Ready,
    Request,
    Task,
    ToWorker,
    WorkerError,
)
from faceloom.web.worker.pending import PendingRequests
from faceloom.web.worker.process import run_worker

if TYPE_CHECKING:  # at run time this would load torch in the server
    from faceloom.web.worker.studio import BoothStudio

MAX_RESPONSE_TIME = 90.0  # seconds for a preview or an interactive task, after which the worker counts as hung
HANG_CHECK_INTERVAL = 5.0  # seconds between two checks whether the worker hangs
FORGET_TIMEOUT = 15.0  # seconds after which a worker that does not forget a visit is killed
QUIT_TIMEOUT, KILL_TIMEOUT = 2.0, 5.0  # seconds to wait for the process to end, after Quit and after a kill
WORKER_LOST = Failure(code="worker_lost", message="the worker stopped and was started again", hint="please try again")

Result = TypeVar("Result")

log = logging.getLogger("faceloom.booth")


@runtime_checkable
class WorkerClient(Protocol):
    """A client that runs tasks in one worker or several. All methods belong to the event loop's thread."""

    restarted: Callable[[], None]
    """Called after a worker was lost and another one was started."""

    @property
    def facts(self) -> Ready | None:
        """Facts of the worker, or None before it is ready."""

    @property
    def error(self) -> Failure | None:
        """The reason why the worker cannot start, or None."""

    @property
    def restarts(self) -> int:
        """The number of times that the worker was lost and started again."""

    @property
    def alive(self) -> bool:
        """Return whether the worker can run tasks now."""

    @property
    def pid(self) -> int | None:
        """The process id of the worker, if it is a process on this machine."""

    @property
    def encodings_waiting(self) -> int:
        """The number of encodings that wait or run."""

    async def start(self) -> None:
        """Start the worker. Returns before it is ready."""

    async def close(self) -> None:
        """End the worker."""

    async def run(
        self,
        task: Task[Result],
        *,
        priority: Priority = Priority.INTERACTIVE,
        visit: str = "",
        key: str = "",
        sequence: int = 0,
        client: str = "",
        progress: Callable[[Any], None] | None = None,
    ) -> Result:
        """Run a task and return its result; waits first until the worker is ready.

        `key`, `sequence` and `client` as in `messages.Request`; without a sequence, a later request replaces earlier
        ones. `progress` receives the task's reports. Canceling the coroutine cancels the task. Raises WorkerError.
        """

    async def forget(self, visit: str, folder: str, prefix: str = "") -> None:
        """Make sure that the worker writes no more files of a visit, so that they can be erased.

        Cancels the tasks of the visit and drops what is cached of its folder. With `prefix` only the files that begin
        with it are dropped, and no task is canceled.
        """


class ProcessClient:
    """The client of one worker process, which is started again when it dies or hangs."""

    def __init__(self, make_studio: Callable[[], BoothStudio]) -> None:
        self.make_studio = make_studio
        self.pending = PendingRequests()
        self.facts: Ready | None = None
        self.error: Failure | None = None
        self.restarts = 0
        self.restarted: Callable[[], None] = lambda: None
        self.ready, self.settled = asyncio.Event(), asyncio.Event()  # settled: the worker is ready, or cannot start
        self.closing = False
        self.process: SpawnProcess | None = None
        self.connection: Connection | None = None
        self.hang_check: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Start the worker process. Returns before it is ready."""
        self.loop = asyncio.get_running_loop()
        self._spawn()
        self.hang_check = asyncio.create_task(self._kill_when_hung())

    async def close(self) -> None:
        """End the worker: it stops at once, and is killed when it has not ended after QUIT_TIMEOUT."""
        self.closing = True
        if self.hang_check:
            self.hang_check.cancel()
        self._send(Quit())
        if self.process:
            await asyncio.to_thread(_end, self.process)

    async def run(
        self,
        task: Task[Result],
        *,
        priority: Priority = Priority.INTERACTIVE,
        visit: str = "",
        key: str = "",
        sequence: int = 0,
        client: str = "",
        progress: Callable[[Any], None] | None = None,
    ) -> Result:
        """Run a task and return its result, as in `WorkerClient`. Raises WorkerError."""
        await self.settled.wait()
        if self.error:
            raise WorkerError(self.error)
        with self.pending.add(priority, progress) as request:
            sequence = sequence or (request.id if key else 0)
            self._send(Request(request.id, task, priority, visit, key, sequence, client))
            try:
                result: Result = await request.answer
            except asyncio.CancelledError:
                self._send(Cancel(request.id))
                raise
            return result

    async def forget(self, visit: str, folder: str, prefix: str = "") -> None:
        """Make the worker drop a visit, as in `WorkerClient`; a worker that does not answer is killed."""
        with self.pending.add(Priority.INTERACTIVE) as request:
            self._send(Forget(request.id, "" if prefix else visit, folder, prefix))
            try:
                await asyncio.wait_for(request.answer, FORGET_TIMEOUT)
            except (TimeoutError, WorkerError):
                log.warning("the worker does not answer and is killed")
                self._kill()  # after that it cannot write either

    @property
    def encodings_waiting(self) -> int:
        """The number of encodings that wait or run."""
        return self.pending.count(Priority.ENCODE)

    @property
    def alive(self) -> bool:
        """Return whether the worker can run tasks now."""
        return self.ready.is_set() and self.process is not None and self.process.is_alive()

    @property
    def pid(self) -> int | None:
        """The process id of the worker."""
        return self.process.pid if self.process else None

    # -- the process --------------------------------------------------------------------------------------------------

    def _spawn(self) -> None:
        context = multiprocessing.get_context("spawn")
        self.connection, worker_end = context.Pipe()
        self.process = context.Process(
            target=run_worker, args=(worker_end, self.make_studio), daemon=True, name="faceloom-worker"
        )
        self.process.start()
        worker_end.close()
        Thread(target=self._listen, args=(self.connection, self.process), daemon=True).start()

    def _listen(self, connection: Connection, process: SpawnProcess) -> None:
        """Pass the worker's messages to the event loop until the worker is gone. Runs in a thread."""
        while True:
            try:
                message: FromWorker = connection.recv()
            except (EOFError, OSError):
                break
            self._call_in_loop(self._take, message)
        self._call_in_loop(self._restart, process)

    def _call_in_loop(self, function: Callable[[Any], None], argument: Any) -> None:
        try:
            self.loop.call_soon_threadsafe(function, argument)
        except RuntimeError:  # the loop is closed, so that no request waits any more
            return

    def _take(self, message: FromWorker) -> None:
        if isinstance(message, Ready):
            self.facts, self.error = message, None
            self.settled.set()
            self.ready.set()
        elif isinstance(message, CannotStart):
            self.facts, self.error = None, message.failure
            self.settled.set()
            log.error("the worker cannot start: %s; %s", self.error.message, self.error.hint)
        else:
            self.pending.take(message)

    def _restart(self, process: SpawnProcess) -> None:
        """Fail all requests to a process that ended, and start another one, unless the first could not start."""
        if self.closing or process is not self.process:
            return
        self.ready.clear()
        if self.error is None:
            self.settled.clear()
        self.pending.fail_all(WORKER_LOST)
        if self.error is None:
            self.restarts += 1
            log.warning("the worker was lost and is started again")
            self._spawn()
            self.restarted()

    def _send(self, message: ToWorker) -> None:
        try:
            if self.connection:
                self.connection.send(message)
        except OSError:
            if not self.closing:
                log.warning("the worker cannot be reached")

    async def _kill_when_hung(self) -> None:
        """Kill the worker when an interactive request waits too long; it is then started again."""
        while True:
            await asyncio.sleep(HANG_CHECK_INTERVAL)
            if self.pending.longest_wait(Priority.INTERACTIVE) > MAX_RESPONSE_TIME:
                log.warning("the worker hangs and is killed")
                self._kill()

    def _kill(self) -> None:
        if self.process and self.process.is_alive():
            self.process.kill()


def _end(process: SpawnProcess) -> None:
    process.join(QUIT_TIMEOUT)
    if process.is_alive():
        process.kill()
        process.join(KILL_TIMEOUT)
