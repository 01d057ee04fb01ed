"""The booth: every visit that is going on, what its pages are told, and the moment at which it is wiped.

Holds the store, the worker and the events together. What a visitor does is in `visits`, `search`, `play`, `together`
and `takes`. All of it runs in the event loop; nothing here touches a network of neurons.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections import OrderedDict, deque
from collections.abc import Coroutine, Iterable
from typing import Any

from faceloom.errors import StoreError
from faceloom.store import Person, Visit, VisitStore
from faceloom.web.booth.events import Hub
from faceloom.web.security import Rates, Refusal
from faceloom.web.settings import BoothSettings
from faceloom.web.worker.client import WorkerClient

PICTURES = 64  # drawn pictures that are kept in memory, so that a page may ask twice
MOST_VISITS = 100
SWEEP = 2.0  # seconds between looks at what has expired

log = logging.getLogger("faceloom.booth")


class Booth:
    """One booth. `address` is where its pages are, as `http://127.0.0.1:8000`; `lan` where phones reach it, or ''."""

    def __init__(self, keep: VisitStore, workshop: WorkerClient, *, address: str, lan: str = "") -> None:
        self.keep, self.workshop, self.address, self.lan = keep, workshop, address, lan
        self.hub, self.rates = Hub(), Rates()
        self.settings = _settings(keep)
        self.visits = {visit.id: visit for visit in keep.visits()}
        self.locks: dict[str, asyncio.Lock] = {}
        self.frames: dict[str, tuple[int, bytes]] = {}
        self.pictures: OrderedDict[tuple[str, ...], bytes] = OrderedDict()
        self.codes: dict[str, tuple[str, float]] = {}
        self.tasks: dict[str, set[asyncio.Task[None]]] = {}
        self.jobs: dict[str, dict[str, Any]] = {}
        self.logs: deque[str] = deque(maxlen=200)
        self.begun = time.time()

    # -- life ---------------------------------------------------------------------------------------------------------

    async def open(self) -> None:
        """Start the worker, go on with the visits that a restart has interrupted, and begin to look at the clock."""
        from faceloom.web.booth import background

        self.workshop.restarted = self.keep.finish_erasing  # of what the lost worker was writing
        await self.workshop.start()
        for visit in list(self.visits.values()):
            background.resume(self, visit)
        self.sweeping = asyncio.create_task(self._sweep())

    async def close(self) -> None:
        """End streams and searches; what they have come to is in the store."""
        self.sweeping.cancel()
        self.hub.close_all()
        for tasks in list(self.tasks.values()):
            for task in tasks:
                task.cancel()
        await self.workshop.close()
        for visit in self.visits.values():
            self.keep.save(visit)
        self.keep.database.close()

    async def _sweep(self) -> None:
        while True:
            await asyncio.sleep(SWEEP)
            try:
                await self.sweep()
            except StoreError as error:
                log.error("cannot wipe what has expired: %s", error)

    async def sweep(self) -> None:
        """Wipe what has expired, and write down how long the rest is kept."""
        now = self.keep.clock()
        for visit in list(self.visits.values()):
            if visit.expires <= now:
                log.info("a visit has expired")
                await self.wipe(visit, takes=False)
            elif visit.body.pop("touched", False):
                self.keep.save(visit)
        self.keep.drop_takes("NOT gallery AND expires <= ?", (now,))
        self.codes = {code: kept for code, kept in self.codes.items() if kept[1] > now}

    # -- visits -------------------------------------------------------------------------------------------------------

    def begin(self, kind: str, state: str) -> Visit:
        """Begin a visit. Raises Refusal when too many are going on."""
        if len(self.visits) >= MOST_VISITS:
            raise Refusal(429, "full", "too many visits at once", "try again in a minute", after=60)
        visit = self.keep.begin(kind, state, self.retention)
        self.visits[visit.id] = visit
        return visit

    def visit(self, name: str | None, kind: str = "booth") -> Visit:
        """The visit of this id. Raises Refusal (404) when there is none, or its time is over."""
        visit = self.visits.get(name or "")
        if visit is None or visit.kind != kind or visit.expires <= self.keep.clock():
            raise Refusal(404, "no_visit", "there is no visit", "begin a new one")
        return visit

    def touch(self, visit: Visit) -> None:
        """Somebody is there: the visit's time begins anew."""
        visit.expires = self.keep.clock() + self.retention
        visit.body["touched"] = True

    def changed(self, visit: Visit) -> None:
        """Write a visit down and tell its pages. A visit that is over stays so."""
        from faceloom.web.booth.views import visit_json

        if visit.id in self.visits:
            self.keep.save(visit)
            self.hub.send(visit.id, "visit", visit_json(self, visit))

    def lock(self, visit: Visit) -> asyncio.Lock:
        """One thing at a time happens to a visit: a second click waits for the first."""
        return self.locks.setdefault(visit.id, asyncio.Lock())

    async def wipe(self, visit: Visit, *, takes: bool = True) -> None:
        """End a visit and erase it: rows, files, memories, and what others made of its people."""
        if self.visits.pop(visit.id, None) is None:
            return
        self.stop(visit.id)
        ids = {person.id for person in visit.people}
        await self.workshop.forget(visit.id, str(self.keep.folder_of(visit.id)))
        self._forget(ids)
        unknown = [job["file"] for job in self.jobs.values() if job["visit"] == visit.id and job["state"] == "running"]
        self.keep.drop_unknown_takes(name for name in unknown if name)
        self.keep.erase(visit.id, takes=takes)
        for friend in visit.body.get("friends", []):
            if other := self.visits.get(friend):
                await self._part(other, visit.id, ids)
        self.hub.send(visit.id, "visit", {"state": "wiped"})
        self.hub.close(visit.id)
        self.locks.pop(visit.id, None)
        self.tasks.pop(visit.id, None)
        self.jobs = {name: job for name, job in self.jobs.items() if job["visit"] != visit.id}
        self.codes = {code: kept for code, kept in self.codes.items() if kept[0] != visit.id}

    async def _part(self, visit: Visit, gone: str, ids: set[str]) -> None:
        """A friend has left: what was made of their people goes with them."""
        visit.body["friends"] = [name for name in visit.body.get("friends", []) if name != gone]
        theirs = [person for person in visit.people if ids & set(person.body.get("of", []))]
        await self.drop_people(visit, theirs)
        for person in visit.people:
            person.body["history"] = [step for step in person.body["history"] if not ids & set(step.get("of", []))]
            person.body["kept"] = [kept for kept in person.body["kept"] if not ids & set(kept.get("of", []))]
            person.body["at"] = min(person.body["at"], len(person.body["history"]) - 1)
            person.body["version"] += 1
        bases = {
            f"{person.id}.{base}" for person in visit.people for base in person.body.pop("borrowed", {}).get(gone, [])
        }
        for base in bases:
            await self.workshop.forget("", str(self.keep.folder_of(visit.id)), base)
            self.keep.drop_people([base], visit.id)
        self.changed(visit)

    async def drop_people(self, visit: Visit, people: Iterable[Person]) -> None:
        """Erase some people of a visit."""
        gone = list(people)
        for person in gone:
            self.stop(visit.id, person.id)
            await self.workshop.forget("", str(self.keep.folder_of(visit.id)), person.id)
            visit.people.remove(person)
        self._forget({person.id for person in gone})
        self.keep.drop_people([person.id for person in gone], visit.id)

    def _forget(self, people: set[str]) -> None:
        for person in people:
            self.frames.pop(person, None)
        self.pictures = OrderedDict((key, value) for key, value in self.pictures.items() if not people & set(key))

    @property
    def retention(self) -> float:
        """Seconds that an untouched visit is kept."""
        return self.settings.retention_minutes * 60

    # -- work that goes on in the background --------------------------------------------------------------------------

    def spawn(self, visit: str, work: Coroutine[Any, Any, None], name: str = "") -> None:
        """Let a work go on for a visit until it is done or the visit is over."""
        task = asyncio.create_task(work, name=name)
        self.tasks.setdefault(visit, set()).add(task)

        def done(task: asyncio.Task[None]) -> None:
            self.tasks.get(visit, set()).discard(task)
            if not task.cancelled() and (error := task.exception()):
                log.error("work in the background failed: %s", type(error).__name__, exc_info=error)

        task.add_done_callback(done)

    def stop(self, visit: str, name: str = "") -> None:
        """Stop what goes on for a visit, or for one of its people."""
        for task in list(self.tasks.get(visit, ())):
            if not name or task.get_name().split()[0] == name or task.get_name() == name:
                task.cancel()

    def remember(self, key: tuple[str, ...], picture: bytes) -> bytes:
        """Keep a drawn picture for a page that asks again; in memory only."""
        self.pictures[key] = picture
        while len(self.pictures) > PICTURES:
            self.pictures.popitem(last=False)
        return picture

    @contextlib.contextmanager
    def logging(self) -> Any:
        """Keep the last lines of the log for the operator. They name no visit and no person."""
        handler = _Lines(self.logs)
        logging.getLogger("faceloom").addHandler(handler)
        try:
            yield
        finally:
            logging.getLogger("faceloom").removeHandler(handler)


class _Lines(logging.Handler):
    def __init__(self, lines: deque[str]) -> None:
        super().__init__(logging.INFO)
        self.lines = lines

    def emit(self, record: logging.LogRecord) -> None:
        stamp = time.strftime("%H:%M:%S", time.localtime(record.created))
        self.lines.append(f"{stamp} {record.levelname.lower()} {' '.join(record.getMessage().split())}"[:500])


def _settings(keep: VisitStore) -> BoothSettings:
    """What was set; what is no longer understood falls back to how it comes."""
    known = {name: value for name, value in keep.settings().items() if name in BoothSettings.model_fields}
    try:
        return BoothSettings(**known)
    except ValueError:
        log.warning("the kept settings are not understood: the booth begins with its own")
        return BoothSettings()
