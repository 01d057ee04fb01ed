"""The booth: all current visits, the store, the worker and the events, and the erasing of visits.

The actions of a visitor are in `visit_flow`, `edits`, `friends` and `downloads`; work in the background is in
`background`. Everything runs in the event loop's thread, and nothing here loads a network.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections import OrderedDict, deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from faceloom.errors import StoreError
from faceloom.store import Attempts, ErasePending, Person, Visit, VisitStore
from faceloom.store.models import Step, VisitKind, VisitState
from faceloom.store.visit_store import make_token
from faceloom.web.booth.build_views import person_view, visit_view
from faceloom.web.booth.events import EventHub
from faceloom.web.booth.job_views import JobKind
from faceloom.web.booth.jobs import Job
from faceloom.web.booth.own_camera import OwnCamera
from faceloom.web.booth.policy import Policy
from faceloom.web.booth.recent_log import RecentLog
from faceloom.web.booth.statistics import Statistics
from faceloom.web.booth.views import API, PersonView, VisitView, WipedView, WipePendingView
from faceloom.web.booth.visit_codes import VisitCodes
from faceloom.web.booth.visit_tasks import VisitTasks
from faceloom.web.public_url import PublicUrl
from faceloom.web.security import PinGuard, RateLimiter, RequestRefused
from faceloom.web.settings import BoothSettings
from faceloom.web.worker.client import WorkerClient

MAX_PICTURES = 64  # pictures that are cached in memory
MAX_VISITS = 100  # visits at once
MAX_RECENT_PRINTS = 20  # prints that the operator can repeat
SWEEP_INTERVAL = 2.0  # seconds between checks for expired visits and downloads

log = logging.getLogger("faceloom.booth")


@dataclass(frozen=True)
class EndedVisit:
    """A visit that is over and not yet erased; `downloads` is whether its downloads are erased with it."""

    visit: Visit
    downloads: bool


@dataclass(frozen=True)
class RecentPrint:
    """A picture that was sent to the printer: its download, the copies, and the time in seconds since 1970."""

    download: str
    copies: int
    at: float


@dataclass(frozen=True)
class ProgressFrame:
    """The last picture of a running encoding, and the number of pictures so far."""

    number: int
    jpeg: bytes


class Booth:
    """One booth.

    `address` is its own address, as `http://127.0.0.1:8000`; `lan` is the address for phones, or ''. `public` is its
    URL behind a proxy, which takes the place of both.
    """

    def __init__(
        self, store: VisitStore, worker: WorkerClient, *, address: str, lan: str = "", public: PublicUrl | None = None
    ) -> None:
        self.store, self.worker = store, worker
        self.address, self.lan = (public.url, public.url) if public else (address, lan)
        self.base_path = public.path if public else ""
        """Path before every path of the server, as `/booth`, or ''."""
        self.api = self.base_path + API
        """Path before every address of the REST API that pages and programs get."""
        self.uses_https = public is not None and public.uses_https
        self.events, self.rate_limiter = EventHub(), RateLimiter()
        self.camera = OwnCamera()
        self.pin_guard = PinGuard(self.rate_limiter)
        self.settings = _load_settings(store)
        self.visits = {visit.id: visit for visit in store.visits()}
        self.ended: dict[str, EndedVisit] = {}  # visits that are over and not yet erased, by id
        self.locks: dict[str, asyncio.Lock] = {}
        self.progress_frames: dict[str, ProgressFrame] = {}  # by person
        self.pictures: OrderedDict[tuple[str, ...], bytes] = OrderedDict()  # the ids of people are part of the key
        self.friend_codes = VisitCodes(length=6, seconds=600)
        """Codes with which another visit can join."""
        self.export_codes = VisitCodes(length=12, seconds=600)
        """Codes with which a phone can take a visitor's own data. They are longer, as they open all of it."""
        self.tasks = VisitTasks()
        self.jobs: dict[str, Job] = {}
        self.recent_log = RecentLog()
        self.statistics = Statistics(store.folder / "statistics.json", store.clock)
        self.recent_prints: deque[RecentPrint] = deque(maxlen=MAX_RECENT_PRINTS)
        self.share_command = ""
        """Command of the operator that gets every finished picture or film, or ''."""
        self.started = time.time()

    # -- start and end ------------------------------------------------------------------------------------------------

    async def open(self) -> None:
        """Start the worker, and the regular check for expired visits."""
        self.worker.restarted = self._erase_unfinished_files
        await self.worker.start()
        self.sweeper = asyncio.create_task(self._sweep_regularly())

    def _erase_unfinished_files(self) -> None:
        """Erase the files that a lost worker was writing."""
        self.statistics.add("worker_restarts")
        with _logged_failure("erase the files of the lost worker"):
            self.store.finish_erasing()

    async def close(self) -> None:
        """End streams and background work. The visits stay in the store."""
        self.sweeper.cancel()
        self.events.close_all()
        self.tasks.cancel_all()
        await self.camera.close()
        await self.worker.close()
        for ended in list(self.ended.values()):
            with _logged_failure("erase a visit"):
                self.store.erase(ended.visit.id, downloads=ended.downloads)
        with _logged_failure("save the statistics"):
            self.statistics.save()
        for visit in self.visits.values():
            with _logged_failure("save a visit"):
                self.store.save(visit)
        self.store.database.close()

    async def _sweep_regularly(self) -> None:
        while True:
            await asyncio.sleep(SWEEP_INTERVAL)
            try:
                await self.sweep()
            except Exception:  # the sweeps go on: visits must be erased in time
                log.exception("a sweep failed")

    async def sweep(self) -> None:
        """Erase what has expired and what could not be erased before, and save when the other visits expire.

        An error is logged; it does not keep the rest from being erased.
        """
        now = self.store.clock()
        await self.camera.close_when_idle()
        for ended in list(self.ended.values()):
            with contextlib.suppress(ErasePending):  # logged when it failed first
                await self._erase_ended(ended)
        with contextlib.suppress(ErasePending):
            self.store.retry_erasing()
        for visit in list(self.visits.values()):
            with _logged_failure("erase or save a visit"):
                await self._sweep_visit(visit, now)
        with _logged_failure("save the statistics"):
            self.statistics.save()
        with _logged_failure("erase downloads that have expired"):
            self.store.erase_downloads("NOT gallery AND expires <= ?", (now,))
        for codes in (self.friend_codes, self.export_codes):
            codes.drop_expired(now)

    async def _sweep_visit(self, visit: Visit, now: float) -> None:
        if visit.expires <= now:
            log.info("a visit has expired")
            await self.erase(visit, downloads=False)
        elif visit.touched:
            self.store.save(visit)
            visit.touched = False

    # -- visits -------------------------------------------------------------------------------------------------------

    def begin_visit(self, kind: VisitKind, state: VisitState) -> Visit:
        """Begin a visit. Raises RequestRefused (429) when there are too many."""
        if len(self.visits) >= MAX_VISITS:
            raise RequestRefused(429, "full", "too many visits at once", "try again in a minute", retry_after=60)
        visit = self.store.begin(kind, state, self.retention)
        self.visits[visit.id] = visit
        if kind == "booth":
            self.statistics.add("visits")
        return visit

    def find_visit(self, visit_id: str | None, kind: VisitKind = "booth") -> Visit:
        """Return the visit of an id. Raises RequestRefused (404) when there is none, or it has expired."""
        visit = self.visits.get(visit_id or "")
        if visit is None or visit.kind != kind or visit.expires <= self.store.clock():
            raise RequestRefused(404, "no_visit", "there is no visit", "begin a new one")
        return visit

    def touch(self, visit: Visit) -> None:
        """Postpone a visit's expiry, because its visitor sent a request."""
        visit.expires = self.store.clock() + self.retention
        visit.touched = True

    def view(self, visit: Visit) -> VisitView:
        """Return the view of a visit."""
        friends = [self.visits[name] for name in visit.friends if name in self.visits]
        return visit_view(visit, friends, now=self.store.clock(), lan=self.lan, api=self.api)

    def view_person(self, person: Person) -> PersonView:
        """Return the view of a person."""
        return person_view(person, self.api)

    def publish(self, visit: Visit) -> None:
        """Save a visit and send it to its pages, unless it was erased."""
        if visit.id in self.visits:
            self.store.save(visit)
            self.events.send(visit.id, "visit", self.view(visit))

    def publish_later(self, visit: Visit) -> None:
        """Send a visit to its pages, and save it now or, when the disk refuses this, at a later sweep."""
        try:
            self.publish(visit)
        except StoreError:
            visit.touched = True
            self.events.send(visit.id, "visit", self.view(visit))

    def lock(self, visit: Visit) -> asyncio.Lock:
        """Return the lock of a visit: requests that change it wait for one another."""
        return self.locks.setdefault(visit.id, asyncio.Lock())

    async def erase(self, visit: Visit, *, downloads: bool = True) -> None:
        """End a visit and erase it: rows, files, caches, and what other visits made of its people.

        Raises ErasePending when something is left. The visit then stays in `ended`, and every sweep tries again.
        """
        if self.visits.pop(visit.id, None) is None:
            if visit.id not in self.ended:
                return
            downloads = downloads or self.ended[visit.id].downloads
        self.ended[visit.id] = ended = EndedVisit(visit, downloads)
        self.store.mark_erased(visit.id)
        self.tasks.cancel(visit.id)
        await self._erase_ended(ended)

    async def erase_all(self) -> None:
        """Erase every visit and all downloads outside the gallery. Raises ErasePending at the end.

        What could not be erased before is tried again.
        """
        attempts = Attempts()
        for visit in [*self.visits.values(), *(ended.visit for ended in self.ended.values())]:
            with attempts.attempt():
                await self.erase(visit)
        with attempts.attempt():
            self.store.erase_downloads("NOT gallery")
        with attempts.attempt():
            self.store.retry_erasing()
        attempts.finish()

    async def _erase_ended(self, ended: EndedVisit) -> None:
        visit, attempts = ended.visit, Attempts()
        ids = {person.id for person in visit.people}
        await self.worker.forget(visit.id, str(self.store.folder_of(visit.id)))
        self._drop_pictures(ids)
        unfinished = [job.file for job in self.jobs.values() if job.visit == visit.id and job.state == "running"]
        with attempts.attempt():
            self.store.erase_reserved_downloads(name for name in unfinished if name)
        with attempts.attempt():
            self.store.erase(visit.id, downloads=ended.downloads)
        for owned in [other for other in self.visits.values() if other.owner == visit.id]:
            with attempts.attempt():
                await self.erase(owned)
        for friend in visit.friends:
            with attempts.attempt():
                if other := self.visits.get(friend):
                    await self._remove_friend(other, visit.id, ids)
        self._forget_visit(visit, is_pending=attempts.pending is not None)
        attempts.finish()
        self.ended.pop(visit.id, None)

    def _forget_visit(self, visit: Visit, *, is_pending: bool) -> None:
        """Close the pages of a visit, and drop what is kept about it in memory."""
        self.events.send(visit.id, "visit", WipePendingView() if is_pending else WipedView())
        self.events.close(visit.id)
        self.locks.pop(visit.id, None)
        self.tasks.forget(visit.id)
        self.jobs = {name: job for name, job in self.jobs.items() if job.visit != visit.id}
        for codes in (self.friend_codes, self.export_codes):
            codes.forget(visit.id)

    async def _remove_friend(self, visit: Visit, friend: str, ids: set[str]) -> None:
        """Erase what a visit made of the people `ids` of a friend's visit that was erased. Raises ErasePending."""
        visit.friends = [name for name in visit.friends if name != friend]
        children = [person for person in visit.people if ids & set(person.of)]
        bases = []
        for person in visit.people:
            person.history = [step for step in person.history if not ids & set(step.of)] or [Step()]
            person.kept = [kept for kept in person.kept if not ids & set(kept.of)]
            person.at = min(person.at, len(person.history) - 1)
            person.version += 1
            bases += [f"{person.id}.{base}" for base in person.borrowed.pop(friend, [])]
        attempts = Attempts()
        with attempts.attempt():
            await self.erase_people(visit, children)
        for base in bases:
            await self.worker.forget("", str(self.store.folder_of(visit.id)), base)
        with attempts.attempt():
            self.store.erase_people(bases, visit.id)
        self.publish_later(visit)
        attempts.finish()

    async def erase_people(self, visit: Visit, people: Iterable[Person]) -> None:
        """Erase some people of a visit. Raises ErasePending; they are not shown any more then either."""
        erased = list(people)
        ids = {person.id for person in erased}
        for person in erased:
            self.tasks.cancel(visit.id, person.id)
        visit.people = [person for person in visit.people if person.id not in ids]
        self._drop_pictures(ids)
        for person in erased:
            await self.worker.forget("", str(self.store.folder_of(visit.id)), person.id)
        self._drop_pictures(ids)
        self.store.erase_people(ids, visit.id)

    def _drop_pictures(self, people: set[str]) -> None:
        for person in people:
            self.progress_frames.pop(person, None)
        self.pictures = OrderedDict((key, value) for key, value in self.pictures.items() if not people & set(key))

    @property
    def retention(self) -> float:
        """The seconds for which a visit without a request is kept."""
        return self.policy.retention

    @property
    def styles(self) -> tuple[str, ...]:
        """The names of the styles that a person can be drawn in; empty before the worker is ready."""
        return self.worker.facts.styles if self.worker.facts else ()

    @property
    def policy(self) -> Policy:
        """The policy on people's data by the current settings."""
        return Policy(self.settings)

    # -- jobs and pictures ---------------------------------------------------------------------------------------------

    def add_job(self, visit: Visit, kind: JobKind) -> Job:
        """Register a new running job."""
        job = Job(make_token(), visit.id, kind, self.api)
        self.jobs[job.id] = job
        return job

    def publish_job(self, job: Job) -> None:
        """Send a job to the pages of its visit."""
        self.events.send(job.visit, "job", job.view())

    def cache_picture(self, key: tuple[str, ...], picture: bytes) -> bytes:
        """Cache a picture in memory, and return it."""
        self.pictures[key] = picture
        while len(self.pictures) > MAX_PICTURES:
            self.pictures.popitem(last=False)
        return picture


@contextlib.contextmanager
def _logged_failure(action: str) -> Iterator[None]:
    """Log a StoreError of the `with` block, and go on after it. What could not be erased is logged elsewhere."""
    try:
        yield
    except ErasePending:
        return
    except StoreError as error:
        log.error("cannot %s: %s", action, error.message)


def _load_settings(store: VisitStore) -> BoothSettings:
    """Return the stored settings, or the defaults when they are not valid any more."""
    known = {name: value for name, value in store.settings().items() if name in BoothSettings.model_fields}
    try:
        return BoothSettings(**known)
    except ValueError:
        log.warning("the stored settings are not valid: the booth starts with the defaults")
        return BoothSettings()
