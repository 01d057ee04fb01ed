"""The client of several workers behind one server, as `ray_deployment` starts them on this machine or in a Ray cluster.

All requests of a visit go to the same worker, which caches the visit's weights and knows which files were erased. The
workers share the folder of visits.
"""

from __future__ import annotations

import asyncio
import logging
from collections import Counter
from collections.abc import AsyncIterator, Callable, Coroutine, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, TypeVar, runtime_checkable

from faceloom.store.models import Failure
from faceloom.web.worker.client import FORGET_TIMEOUT, WORKER_LOST
from faceloom.web.worker.messages import (
    Cancel,
    Done,
    Failed,
    Forget,
    Priority,
    Progress,
    Ready,
    Request,
    Task,
    WorkerError,
)
from faceloom.web.worker.pending import PendingRequests

if TYPE_CHECKING:  # at run time this would load torch in the server
    from faceloom.web.worker.studio import BoothStudio

MAX_PINNED_VISITS = 4096  # visits whose worker is remembered

Answer = Progress | Done | Failed
Result = TypeVar("Result")

log = logging.getLogger("faceloom.booth")


@runtime_checkable
class RemoteWorker(Protocol):
    """A worker of a deployment, as the server sees it."""

    async def describe(self) -> Ready:
        """Return the facts of the worker, when it is ready."""

    def ask(self, message: Request | Forget) -> AsyncIterator[Answer]:
        """Pass on a message; yield its progress reports, and its answer last."""

    async def cancel(self, message: Cancel) -> None:
        """Cancel a request."""


@runtime_checkable
class Deployment(Protocol):
    """A group of workers that is started and ended together."""

    def start(self, make_studio: Callable[[], BoothStudio]) -> Sequence[RemoteWorker]:
        """Start the workers and wait until they run. Blocks."""

    def stop(self) -> None:
        """End the workers. Blocks."""


class RayClient:
    """The client of several workers. `deployment` starts and ends them; Ray starts a worker again that dies."""

    def __init__(self, make_studio: Callable[[], BoothStudio], deployment: Deployment) -> None:
        self.make_studio, self.deployment = make_studio, deployment
        self.pending = PendingRequests()
        self.facts: Ready | None = None
        self.error: Failure | None = None
        self.restarts = 0
        self.restarted: Callable[[], None] = lambda: None
        self.pid: int | None = None
        self.settled = asyncio.Event()  # set when all workers are ready, or cannot start
        self.closing = False
        self.workers: Sequence[RemoteWorker] = ()
        self.pinned: dict[str, int] = {}
        self.placed: dict[int, int] = {}
        self.tasks: set[asyncio.Task[None]] = set()

    async def start(self) -> None:
        """Start the workers. Returns before they are ready."""
        self._spawn(self._deploy())

    async def close(self) -> None:
        """End the workers."""
        self.closing = True
        for task in list(self.tasks):
            task.cancel()
        await asyncio.to_thread(self.deployment.stop)

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
        with self.pending.add(priority, progress) as pending:
            sequence = sequence or (pending.id if key else 0)
            request = Request(pending.id, task, priority, visit, key, sequence, client)
            self._spawn(self._pass_on(request, self.place_of(visit)))
            try:
                result: Result = await pending.answer
            except asyncio.CancelledError:
                self._spawn(self._cancel(Cancel(request.id)))
                raise
            return result

    async def forget(self, visit: str, folder: str, prefix: str = "") -> None:
        """Make the visit's worker drop a visit, as in `WorkerClient`."""
        if not self.workers:
            return
        with self.pending.add(Priority.INTERACTIVE) as pending:
            message = Forget(pending.id, "" if prefix else visit, folder, prefix)
            self._spawn(self._pass_on(message, self.place_of(visit or Path(folder).name)))
            try:
                await asyncio.wait_for(pending.answer, FORGET_TIMEOUT)
            except (TimeoutError, WorkerError):
                log.error("a worker does not answer; Ray starts it again if it is lost")

    @property
    def encodings_waiting(self) -> int:
        """The number of encodings that wait or run."""
        return self.pending.count(Priority.ENCODE)

    @property
    def alive(self) -> bool:
        """Return whether the workers can run tasks now."""
        return self.facts is not None

    def place_of(self, visit: str) -> int:
        """Return the index of the worker of a visit: at its first request, the worker with the least to do."""
        if visit in self.pinned:
            return self.pinned[visit]
        busy, visits = Counter(self.placed.values()), Counter(self.pinned.values())
        place = min(range(len(self.workers)), key=lambda index: (busy[index], visits[index]))
        if visit:
            self.pinned[visit] = place
            while len(self.pinned) > MAX_PINNED_VISITS:
                del self.pinned[next(iter(self.pinned))]
        return place

    async def _deploy(self) -> None:
        try:
            self.workers = await asyncio.to_thread(self.deployment.start, self.make_studio)
            facts = [await worker.describe() for worker in self.workers]
        except Exception as error:
            log.exception("the workers could not be started")
            message = f"the workers could not be started: {error}"
            self.error = Failure(code="no_workers", message=message)
        else:
            self.facts = replace(facts[-1], workers=len(self.workers))
        self.settled.set()

    async def _pass_on(self, message: Request | Forget, place: int) -> None:
        """Pass a message to a worker, and its answers back."""
        self.placed[message.id] = place
        try:
            async for answer in self.workers[place].ask(message):
                self.pending.take(answer)
        except Exception:
            if not self.closing:
                log.warning("a worker was lost", exc_info=True)
                self.pending.take(Failed(message.id, WORKER_LOST))
        finally:
            self.placed.pop(message.id, None)

    async def _cancel(self, message: Cancel) -> None:
        if message.id not in self.placed:
            return
        try:
            await self.workers[self.placed[message.id]].cancel(message)
        except Exception:
            if not self.closing:
                log.warning("a worker was lost", exc_info=True)

    def _spawn(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self.tasks.add(task)
        task.add_done_callback(self.tasks.discard)
