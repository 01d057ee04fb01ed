"""The worker: one process that owns the generator. A hand that answers at once, and a search that steps aside for it.

Messages come and go by a pipe. The hand's thread draws previews, the newest of each person first, and drops those that
have been overtaken; the search's thread encodes, lays rails, films and improves, in this order of rank.
"""

from __future__ import annotations

import logging
import signal
import time
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from multiprocessing.connection import Connection
from threading import Condition, Lock, Thread
from typing import Any

from faceloom.errors import FaceloomError
from faceloom.web.messages import ENCODE, IMPROVE, Message

AFTER_TOUCH = 0.7  # seconds that what has time waits after a hand was on a slider
PATIENCE = 0.3  # seconds that an encoding, which somebody waits for, waits at each step

log = logging.getLogger("faceloom.worker")


@dataclass
class Job:
    """Something asked for; `rank` below 0 is the hand's."""

    id: int
    task: str
    args: Mapping[str, Any]
    rank: int
    visit: str = ""
    key: str = ""
    n: int = 0
    stopped: bool = False
    preempted: bool = field(default=False, compare=False)


class Courtesy:
    """Lets the hand go first."""

    def __init__(self) -> None:
        self.free, self.busy, self.touched = Condition(), 0, 0.0

    def enter(self, touch: bool) -> None:
        """The hand has something to do."""
        with self.free:
            self.busy += 1
            if touch:
                self.touched = time.monotonic()

    def leave(self) -> None:
        """It is done."""
        with self.free:
            self.busy -= 1
            self.free.notify_all()

    def wait(self, job: Job) -> None:
        """Wait while the hand is busy; what nobody waits for waits until the slider has come to rest, too."""
        begin = time.monotonic()
        with self.free:
            while not job.stopped:
                now = time.monotonic()
                rest = self.touched + AFTER_TOUCH - now if job.rank > ENCODE else 0.0
                if not (self.busy or rest > 0) or (job.rank == ENCODE and now - begin > PATIENCE):
                    return
                self.free.wait(max(rest, 0.05))


class Worker:
    """The two threads and their queues."""

    def __init__(self, connection: Connection, tasks: Mapping[str, Callable[..., Any]]) -> None:
        self.connection, self.tasks = connection, tasks
        self.courtesy, self.sending = Courtesy(), Lock()
        self.waiting = Condition()
        self.hand: deque[Job] = deque()
        self.search: list[Job] = []
        self.running: dict[int, Job] = {}
        self.newest: dict[str, int] = {}

    def start(self) -> None:
        """Start both threads."""
        for queue in (self.serve_hand, self.serve_search):
            Thread(target=queue, daemon=True).start()

    # -- what comes in ------------------------------------------------------------------------------------------------

    def receive(self) -> None:
        """Take messages until the server is gone."""
        while True:
            try:
                message: Message = self.connection.recv()
            except (EOFError, OSError):
                return
            kind = message.pop("kind")
            if kind == "ask":
                self.put(Job(**message))
            elif kind == "stop":
                self.stop(id=message["id"])
            elif kind == "forget":
                self.stop(visit=message["visit"])
                self.put(Job(message["id"], "forget", message["args"], -2))

    def put(self, job: Job) -> None:
        """Queue a job; a preview that has been overtaken is answered at once."""
        with self.waiting:
            if job.rank >= 0:
                self.search.append(job)
            elif job.key and job.n <= self.newest.get(job.key, -1):
                self.send(job, error=STALE)
                return
            else:
                self.newest |= {job.key: job.n} if job.key else {}
                self.courtesy.enter(bool(job.key))
                self.hand.append(job)
                if job.key:
                    self.drop_overtaken(job)
            self.waiting.notify_all()

    def drop_overtaken(self, newest: Job) -> None:
        """Answer the queued previews that a newer one makes useless."""
        for job in [job for job in self.hand if job.key == newest.key and job.n < newest.n]:
            self.hand.remove(job)
            self.courtesy.leave()
            self.send(job, error=STALE)

    def stop(self, *, id: int = 0, visit: str = "") -> None:
        """Stop what runs and drop what waits of a job, or of a visit."""

        def which(job: Job) -> bool:
            return job.id == id if id else bool(visit) and job.visit == visit

        with self.waiting:
            for job in self.running.values():
                job.stopped = job.stopped or which(job)
            for job in [job for job in self.search if which(job)]:
                self.search.remove(job)
                self.send(job, error=STOPPED)

    # -- what is done -------------------------------------------------------------------------------------------------

    def serve_hand(self) -> None:
        """Do what a visitor waits for: erasing first, previews next, then in order."""
        while True:
            with self.waiting:
                while not self.hand:
                    self.waiting.wait()
                job = min(self.hand, key=lambda job: (job.rank, not job.key))
                self.hand.remove(job)
            try:
                self.run(job)
            finally:
                self.courtesy.leave()

    def serve_search(self) -> None:
        """Do what takes time, the lowest rank first."""
        while True:
            with self.waiting:
                while not self.search:
                    self.waiting.wait()
                job = min(self.search, key=lambda job: job.rank)  # of equals, the first that came
                self.search.remove(job)
                self.running[job.id] = job
            self.run(job)
            with self.waiting:
                del self.running[job.id]

    def pause(self, job: Job) -> None:
        """What a long work calls at each step. Raises KeyboardInterrupt when it is to end."""
        self.courtesy.wait(job)
        if job.stopped:
            raise KeyboardInterrupt
        if job.rank >= IMPROVE and any(other.rank < job.rank for other in self.search):
            job.preempted = True
            raise KeyboardInterrupt

    def run(self, job: Job) -> None:
        """Do a job and answer."""
        tell = lambda facts: self.send(job, progress=facts)  # noqa: E731
        try:
            self.send(job, result=self.tasks[job.task](job.args, tell, lambda: self.pause(job)))
        except KeyboardInterrupt:
            self.send(job, error=STOPPED)
        except FaceloomError as error:
            self.send(job, error={"code": error.code, "message": error.message, "hint": error.hint})
        except MemoryError:
            self.send(job, error={"code": "no_memory", "message": "not enough memory", "hint": "try again later"})
        except Exception:  # the worker outlives whatever a picture does to a library
            log.exception("task %s failed", job.task)
            self.send(job, error={"code": "internal", "message": "something went wrong", "hint": "please try again"})

    def send(self, job: Job, **answer: Any) -> None:
        """Answer; a server that is gone is no error."""
        try:
            with self.sending:
                self.connection.send({"id": job.id, **answer})
        except OSError:
            return


STALE = {"code": "stale", "message": "a newer one was asked for", "hint": "show the newest"}
STOPPED = {"code": "stopped", "message": "it was stopped", "hint": ""}


def work(connection: Connection, make: Callable[[], Any]) -> None:
    """Be the worker: open the studio, say that it is ready, and serve until the server is gone."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the server's to answer
    from faceloom.memory import keep_memory

    keep_memory()
    from faceloom.web.tasks import tasks_of

    try:
        atelier = make()
        atelier.warm_up()
    except FaceloomError as error:
        connection.send({"id": 0, "error": {"code": error.code, "message": error.message, "hint": error.hint}})
        return
    worker = Worker(connection, tasks_of(atelier))
    worker.start()
    connection.send({"id": 0, "result": {"generator": atelier.studio.generator.name, "sliders": bool(atelier.basis)}})
    worker.receive()
