"""The worker: one process that owns the generator, in three threads that are polite to each other.

Messages come and go by a pipe. One thread draws pictures, the newest preview of each person first, and drops those that
have been overtaken. One does what takes a second or two: open a photo, steer exactly. One searches: it encodes, films,
lays rails, draws ahead and improves, in this order of rank. Who is slower steps aside for who is quicker.
"""

from __future__ import annotations

import logging
import os
import signal
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from multiprocessing.connection import Connection
from threading import Condition, Lock, Thread
from typing import Any

from faceloom.errors import FaceloomError
from faceloom.web.worker.messages import DESK, ENCODE, PAGES, QUICK, Message

AFTER_TOUCH = 0.7  # seconds that what has time waits after a hand was on a slider
PATIENCE = 0.3  # seconds that what somebody waits for waits at each step

KEYS = 1000  # of previews whose newest number is remembered

STALE = {"code": "stale", "message": "a newer one was asked for", "hint": "show the newest"}
STOPPED = {"code": "stopped", "message": "it was stopped", "hint": ""}

log = logging.getLogger("faceloom.worker")


@dataclass
class Job:
    """Something asked for; previews of one `key` overtake each other by `n`."""

    id: int
    task: str
    args: Mapping[str, Any]
    rank: int
    visit: str = ""
    key: str = ""
    n: int = 0
    stopped: bool = False

    @property
    def lane(self) -> int:
        """The thread that does it."""
        return min(self.rank, ENCODE)


class Scheduler:
    """Lets the quicker go first."""

    def __init__(self) -> None:
        self.free, self.busy, self.touched = Condition(), {QUICK: 0, DESK: 0, ENCODE: 0}, -1e9

    def enter(self, job: Job) -> None:
        """There is something to do in a lane."""
        with self.free:
            self.busy[job.lane] += 1
            if job.key and job.lane == QUICK:
                self.touched = time.monotonic()

    def leave(self, job: Job) -> None:
        """It is done."""
        with self.free:
            self.busy[job.lane] -= 1
            self.free.notify_all()

    def wait(self, job: Job) -> None:
        """Wait while pictures are drawn; what nobody waits for also until the desk is free and the slider at rest."""
        begin = time.monotonic()
        with self.free:
            while not job.stopped:
                now, leisure = time.monotonic(), job.rank > ENCODE
                rest = self.touched + AFTER_TOUCH - now if leisure else 0.0
                blocked = self.busy[QUICK] or (leisure and (self.busy[DESK] or rest > 0))
                if not blocked or (not leisure and now - begin > PATIENCE):
                    return
                self.free.wait(max(rest, 0.05))


class Worker:
    """The three threads and their queue."""

    def __init__(self, connection: Connection, tasks: Mapping[str, Callable[..., Any]]) -> None:
        self.connection, self.tasks = connection, tasks
        self.scheduler, self.sending = Scheduler(), Lock()
        self.coming = Condition()
        self.waiting: list[Job] = []
        self.running: dict[int, Job] = {}
        self.newest: dict[str, int] = {}

    def start(self) -> None:
        """Start the threads."""
        for lane in (QUICK, DESK, ENCODE):
            Thread(target=self.serve, args=(lane,), daemon=True).start()

    # -- what comes in ------------------------------------------------------------------------------------------------

    def receive(self) -> None:
        """Take messages until the server is gone."""
        while True:
            try:
                message: Message = self.connection.recv()
            except (EOFError, OSError):
                return
            kind = message.pop("kind")
            if kind == "quit":
                return
            if kind == "ask":
                self.put(Job(**message))
            elif kind == "stop":
                self.stop(id=message["id"])
            elif kind == "forget":
                self.stop(visit=message["visit"])
                self.run(Job(message["id"], "forget", message["args"], QUICK))  # from here on nothing of it is written

    def put(self, job: Job) -> None:
        """Queue a job; a preview that has been overtaken is answered at once."""
        with self.coming:
            if job.key:
                if job.n <= self.newest.get(job.key, -1):
                    self.answer(job.id, error=STALE)
                    return
                self.newest[job.key] = job.n
                if len(self.newest) > KEYS:
                    del self.newest[next(iter(self.newest))]
                self.drop([old for old in self.waiting if old.key == job.key], STALE)
            self.scheduler.enter(job)
            self.waiting.append(job)
            self.coming.notify_all()

    def stop(self, *, id: int = 0, visit: str = "") -> None:
        """Stop what runs and drop what waits of a job, or of a visit."""

        def meant(job: Job) -> bool:
            return job.id == id if id else bool(visit) and job.visit == visit

        with self.coming:
            for job in self.running.values():
                job.stopped = job.stopped or meant(job)
            self.drop([job for job in self.waiting if meant(job)], STOPPED)

    def drop(self, jobs: list[Job], why: Message) -> None:
        """Answer jobs that nobody is to do."""
        for job in jobs:
            self.waiting.remove(job)
            self.scheduler.leave(job)
            self.answer(job.id, error=why)

    # -- what is done -------------------------------------------------------------------------------------------------

    def serve(self, lane: int) -> None:
        """Do the jobs of a lane: previews before other pictures, the lowest rank first; of equals, who came first."""
        while True:
            with self.coming:
                while not (mine := [job for job in self.waiting if job.lane == lane]):
                    self.coming.wait()
                job = min(mine, key=lambda job: (job.rank, not job.key))
                self.waiting.remove(job)
                self.running[job.id] = job
            self.run(job)
            with self.coming:
                del self.running[job.id]
            self.scheduler.leave(job)

    def pause(self, job: Job) -> None:
        """What a long work calls at each step. Raises KeyboardInterrupt when it is to end."""
        self.scheduler.wait(job)
        if job.stopped:
            raise KeyboardInterrupt
        if job.rank >= PAGES and any(ENCODE <= other.rank < job.rank for other in self.waiting):
            raise KeyboardInterrupt

    def run(self, job: Job) -> None:
        """Do a job and answer."""

        def tell(facts: Message) -> None:
            self.answer(job.id, progress=facts)

        try:
            self.answer(job.id, result=self.tasks[job.task](job.args, tell, lambda: self.pause(job)))
        except KeyboardInterrupt:
            self.answer(job.id, error=STOPPED)
        except FaceloomError as error:
            self.answer(job.id, error={"code": error.code, "message": error.message, "hint": error.hint})
        except MemoryError:
            self.answer(job.id, error={"code": "no_memory", "message": "not enough memory", "hint": "try again later"})
        except Exception:  # the worker outlives whatever a picture does to a library
            log.exception("task %s failed", job.task)
            said = {"code": "internal", "message": "something went wrong", "hint": "please try again"}
            self.answer(job.id, error=said)

    def answer(self, number: int, **said: Any) -> None:
        """Answer; a server that is gone is no error."""
        try:
            with self.sending:
                self.connection.send({"id": number, **said})
        except OSError:
            return


def work(connection: Connection, make: Callable[[], Any]) -> None:
    """Be the worker: open the studio, say that it is ready, and serve until the server is gone."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the server's to answer
    from faceloom.memory import keep_memory

    keep_memory()
    from faceloom.web.worker.tasks import tasks_of

    try:
        atelier = make()
        atelier.warm_up()
    except FaceloomError as error:
        connection.send({"id": 0, "error": {"code": error.code, "message": error.message, "hint": error.hint}})
        return
    worker = Worker(connection, tasks_of(atelier))
    worker.start()
    worker.answer(0, result={"generator": atelier.studio.generator.name, "sliders": bool(atelier.basis)})
    worker.receive()
    os._exit(0)  # in the middle of whatever the threads do: all that counts is written as it is found
