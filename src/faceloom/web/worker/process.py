"""The worker process, which owns the generator and runs tasks in three threads.

Messages arrive and leave by a pipe. The first thread draws pictures: the newest preview of each person first, and it
drops previews that were replaced. The second runs tasks of a second or two, such as opening a photo and editing. In
both, visits take turns. The third runs long work in the order of its priority: encodings, films, slider calibration,
previews drawn in advance, and improvements. Long work pauses while the other threads are busy.
"""

from __future__ import annotations

import logging
import os
import signal
from collections.abc import Callable
from functools import partial
from multiprocessing.connection import Connection
from threading import Condition, Lock, Thread
from typing import TYPE_CHECKING, Any

from faceloom.errors import Cancelled, FaceloomError
from faceloom.store.models import Failure
from faceloom.web.worker.context import TaskContext
from faceloom.web.worker.messages import (
    Cancel,
    CannotStart,
    Done,
    Failed,
    Forget,
    FromWorker,
    Priority,
    Progress,
    Quit,
    Request,
    Task,
    ToWorker,
)
from faceloom.web.worker.scheduler import Job, Scheduler, Turns

if TYPE_CHECKING:  # at run time this would load torch in the server
    from faceloom.web.worker.studio import BoothStudio

MAX_PREVIEW_KEYS = 1000  # preview keys whose newest sequence number is remembered

STALE = Failure(code="stale", message="a newer request replaced this one", hint="show the result of the newest request")
CANCELED = Failure(code="stopped", message="the task was canceled")
NO_MEMORY = Failure(code="no_memory", message="not enough memory", hint="try again later")
INTERNAL = Failure(code="internal", message="something went wrong", hint="please try again")

log = logging.getLogger("faceloom.worker")


class Worker:
    """The three threads and their queue.

    `send` sends answers to the server, `run_task` runs a task, and `forget(folder, prefix)` drops what is cached of
    files that will be erased.
    """

    def __init__(
        self,
        send: Callable[[FromWorker], None],
        run_task: Callable[[Task[Any], TaskContext], Any],
        forget: Callable[[str, str], None],
    ) -> None:
        self.send, self.run_task, self.forget = send, run_task, forget
        self.scheduler, self.sending = Scheduler(), Lock()
        self.queued = Condition()
        self.waiting: list[Job] = []
        self.running: dict[int, Job] = {}
        self.newest: dict[str, int] = {}

    def start(self) -> None:
        """Start the threads."""
        for thread in (Priority.PREVIEW, Priority.INTERACTIVE, Priority.ENCODE):
            Thread(target=self._run_jobs, args=(thread,), daemon=True).start()

    # -- messages from the server -------------------------------------------------------------------------------------

    def receive(self, connection: Connection) -> None:
        """Take messages until the server quits or is gone."""
        while True:
            try:
                message: ToWorker = connection.recv()
            except (EOFError, OSError):
                return
            if isinstance(message, Quit):
                return
            self.take(message)

    def take(self, message: Request | Cancel | Forget) -> None:
        """Queue a request, cancel one, or forget a visit at once."""
        match message:
            case Request():
                self.put(message)
            case Cancel():
                self.cancel(id=message.id)
            case Forget():
                self.cancel(visit=message.visit)
                self._answer(message.id, lambda: self.forget(message.folder, message.prefix))

    def put(self, request: Request) -> None:
        """Queue a request; of those with the same key, only the newest stays."""
        job = Job(request)
        with self.queued:
            if request.key:
                if request.sequence <= self.newest.get(request.key, -1):
                    self._send(Failed(request.id, STALE))
                    return
                self.newest[request.key] = request.sequence
                if len(self.newest) > MAX_PREVIEW_KEYS:
                    del self.newest[next(iter(self.newest))]
                self._drop([old for old in self.waiting if old.request.key == request.key], STALE)
            self.scheduler.enter(job)
            self.waiting.append(job)
            self.queued.notify_all()

    def cancel(self, *, id: int = 0, visit: str = "") -> None:
        """Cancel the running jobs and drop the waiting jobs of one request, or of a visit."""

        def matches(job: Job) -> bool:
            return job.id == id if id else bool(visit) and job.request.visit == visit

        with self.queued:
            for job in self.running.values():
                job.canceled = job.canceled or matches(job)
            self._drop([job for job in self.waiting if matches(job)], CANCELED)

    def _drop(self, jobs: list[Job], failure: Failure) -> None:
        for job in jobs:
            self.waiting.remove(job)
            self.scheduler.leave(job)
            self._send(Failed(job.id, failure))

    # -- running ------------------------------------------------------------------------------------------------------

    def _run_jobs(self, thread: Priority) -> None:
        """Run a thread's jobs for ever, in the order of `Turns`."""
        turns = Turns()
        while True:
            with self.queued:
                while not (mine := [job for job in self.waiting if job.thread == thread]):
                    self.queued.wait()
                job = turns.choose(mine)
                self.waiting.remove(job)
                self.running[job.id] = job
            self._answer(job.id, partial(self._run, job))
            with self.queued:
                del self.running[job.id]
            self.scheduler.leave(job)

    def _run(self, job: Job) -> Any:
        context = TaskContext(lambda report: self._send(Progress(job.id, report)), partial(self._check_cancelled, job))
        return self.run_task(job.request.task, context)

    def _check_cancelled(self, job: Job) -> None:
        """Wait while the job must pause. Raises `Cancelled` when it was canceled, or must make room for another job."""
        self.scheduler.wait(job)
        if job.canceled or (job.priority >= Priority.PRERENDER and self._more_urgent_waits(job)):
            raise Cancelled("the task was canceled")

    def _more_urgent_waits(self, job: Job) -> bool:
        return any(Priority.ENCODE <= other.priority < job.priority for other in self.waiting)

    def _answer(self, id: int, compute: Callable[[], Any]) -> None:
        """Send the result of `compute`, or its failure: the worker survives every exception of a task."""
        try:
            self._send(Done(id, compute()))
        except (KeyboardInterrupt, Cancelled):
            self._send(Failed(id, CANCELED))
        except FaceloomError as error:
            self._send(Failed(id, failure_of(error)))
        except MemoryError:
            self._send(Failed(id, NO_MEMORY))
        except Exception:
            log.exception("request %d failed", id)
            self._send(Failed(id, INTERNAL))

    def _send(self, message: FromWorker) -> None:
        """Send a message, unless the server is gone."""
        try:
            with self.sending:
                self.send(message)
        except OSError:
            return


def failure_of(error: FaceloomError) -> Failure:
    """Return an error as it is sent to the server."""
    return Failure(code=error.code, message=error.message, hint=error.hint)


def run_worker(connection: Connection, make_studio: Callable[[], BoothStudio]) -> None:
    """Run the worker process: load the studio, report that it is ready, and serve until the server is gone."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the server reacts to Ctrl-C and ends the worker
    from faceloom.memory import keep_memory

    keep_memory()
    from faceloom.sandbox import enter_sandbox
    from faceloom.threads import choose_threads
    from faceloom.web.worker.state import WorkerState
    from faceloom.web.worker.tasks import run_task

    choose_threads()
    try:
        state = WorkerState(make_studio())
        state.warm_up()
    except FaceloomError as error:
        connection.send(CannotStart(failure_of(error)))
        return
    worker = Worker(connection.send, partial(run_task, state), state.forget)
    enter_sandbox()
    worker.start()
    connection.send(state.ready())
    worker.receive(connection)
    os._exit(0)  # does not wait for the threads: every result is written as soon as it is found
