"""Sessions of API clients: every likeness of the API is a person in a visit of its own, of the kind 'api'."""

from __future__ import annotations

import logging
import shutil

from faceloom.errors import FaceError, FaceloomError
from faceloom.store import Person, Visit
from faceloom.store.models import Failure, VisitState
from faceloom.store.visit_store import make_token
from faceloom.web.booth import edits, friends
from faceloom.web.booth.background import person_ref, shown_ref
from faceloom.web.booth.booth import Booth
from faceloom.web.booth.build_views import likeness_view
from faceloom.web.booth.job_views import LikenessView
from faceloom.web.booth.jobs import Job
from faceloom.web.booth.views import AnalyzedFaceView, AnalyzedView, DetectedView
from faceloom.web.booth.visit_flow import check_ages, require_consent
from faceloom.web.security import RequestRefused
from faceloom.web.worker.messages import (
    AnalyzePhoto,
    Encode,
    EncodeProgress,
    Generate,
    MakeChild,
    OpenedPhoto,
    OpenPhoto,
    PersonFacts,
    Priority,
)

log = logging.getLogger("faceloom.booth")
PHOTO = "photo-1.jpg"
MAX_ENCODINGS = 20  # encodings that wait or run at once


async def detect(booth: Booth, data: bytes) -> DetectedView:
    """Detect the faces of a photo. The photo is erased before the answer."""
    visit = _begin_visit(booth, "play")
    try:
        opened = await _open_photo(booth, visit, data)
        return DetectedView(faces=list(opened.faces), size=opened.size, notes=list(opened.notes))
    finally:
        await booth.erase(visit)


async def analyze(booth: Booth, data: bytes) -> AnalyzedView:
    """Read the attributes of every face of a photo. The photo is erased before the answer."""
    visit = _begin_visit(booth, "play")
    try:
        opened = await _open_photo(booth, visit, data)
        task = AnalyzePhoto(str(booth.store.folder_of(visit.id)), PHOTO)
        faces = [
            AnalyzedFaceView(number=face.number, box=face.box, traits=face.traits)
            for face in await booth.worker.run(task, visit=visit.id)
        ]
        return AnalyzedView(faces=faces, size=opened.size, notes=list(opened.notes))
    finally:
        await booth.erase(visit)


def require_unmarked(booth: Booth) -> None:
    """Log that a program takes a picture without marks. Raises RequestRefused (403) unless the operator allows it."""
    if not booth.settings.unmarked_api:
        raise RequestRefused(
            403,
            "marks_required",
            "pictures leave with their marks",
            "the operator's setting unmarked_api allows others",
        )
    log.warning("a program took a picture without marks, as the operator's settings allow")


async def start_encoding(booth: Booth, data: bytes, face: int, seconds: float, *, guardian: bool = False) -> Job:
    """Start to encode face number `face` of a photo within `seconds`. `guardian` vouches for the guardians of minors.

    Raises FaceError when there is no such face, RequestRefused when too many encodings wait (429), or for people who
    are too young (403).
    """
    if booth.worker.encodings_waiting >= MAX_ENCODINGS:
        raise RequestRefused(429, "full", "too many encodings are waiting", "try again later", retry_after=30)
    visit = _begin_visit(booth, "encoding", guardian=guardian)
    try:
        opened = await _open_photo(booth, visit, data)
        await check_ages(booth, visit, PHOTO)
        if face >= len(opened.faces):
            raise FaceError(f"there is no face {face}: the photo has {len(opened.faces)}", "choose one of those")
    except BaseException:
        await booth.erase(visit)
        raise
    person = Person(id=make_token(), visit=visit.id, number=0, face=face, photo=PHOTO)
    visit.people.append(person)
    booth.publish(visit)
    job = booth.add_job(visit, "encode")
    booth.tasks.spawn(visit.id, _encode(booth, visit, person, job, seconds), job.id)
    return job


async def _encode(booth: Booth, visit: Visit, person: Person, job: Job, seconds: float) -> None:
    def report(progress: EncodeProgress) -> None:
        job.progress = round(min(progress.seconds / seconds, 1.0), 3)
        booth.publish_job(job)

    task = Encode(str(booth.store.folder_of(visit.id)), PHOTO, person.face or 0, person.id, seconds)
    try:
        facts = await booth.worker.run(task, priority=Priority.ENCODE, visit=visit.id, progress=report)
        _set_facts(person, facts)
        person.crop = True
        visit.state = "play"
        booth.publish(visit)
        job.finish(likeness_view(visit, person, booth.api))
    except FaceloomError as error:
        job.fail(Failure.from_error(error))
    booth.publish_job(job)


async def generate(booth: Booth, seed: int, psi: float) -> LikenessView:
    """Generate a face and store it as a likeness."""
    visit = _begin_visit(booth, "play")
    person = Person(id=make_token(), visit=visit.id, number=0)
    task = Generate(str(booth.store.folder_of(visit.id)), person.id, seed, psi)
    try:
        _set_facts(person, await booth.worker.run(task, visit=visit.id))
    except BaseException:
        await booth.erase(visit)
        raise
    visit.people.append(person)
    booth.publish(visit)
    return likeness_view(visit, person, booth.api)


def find_likeness(booth: Booth, likeness_id: str) -> tuple[Visit, Person]:
    """Return the visit and the person of a likeness, and postpone its expiry. Raises RequestRefused (404, 409)."""
    try:
        visit = booth.find_visit(likeness_id, "api")
    except RequestRefused as refusal:
        raise RequestRefused(
            404, "no_likeness", "there is no such likeness, or it has expired", "encode the photo again"
        ) from refusal
    booth.touch(visit)
    if not visit.people or not visit.people[0].playable:
        raise RequestRefused(409, "not_yet", "this person is still being encoded", "request the job's state")
    return visit, visit.people[0]


async def mix(booth: Booth, visit: Visit, person: Person, other: str, layers: str) -> LikenessView:
    """Make a new likeness of one whose layers are replaced with those of another likeness, or of 'seed:N'."""
    other_visit, other_person = (None, None) if other.startswith("seed:") else find_likeness(booth, other)
    mixed_visit = _begin_visit(booth, "play")
    try:
        mixed = _copy_person(booth, visit, person, mixed_visit)
        mixed_visit.friends = [other_visit.id] if other_visit else []
        await edits.mix(booth, mixed_visit, mixed.id, other_person.id if other_person else other, layers)
        mixed.borrowed = {}  # the likeness is its own, also after `other` is erased
    except BaseException:
        await booth.erase(mixed_visit)
        raise
    finally:
        mixed_visit.friends = []
    return likeness_view(mixed_visit, mixed, booth.api)


def _copy_person(booth: Booth, visit: Visit, person: Person, target: Visit) -> Person:
    """Copy a person as shown now into another visit."""
    copy = person.model_copy(
        update={"id": make_token(), "visit": target.id, "history": [person.step], "at": 0, "kept": [], "version": 1},
        deep=True,
    )
    folder = booth.store.folder_of(target.id)
    folder.mkdir(parents=True, exist_ok=True)
    for base in {"", person.step.base}:
        source, copied = person_ref(booth, visit, person, base), person_ref(booth, target, copy, base)
        shutil.copyfile(source.path, copied.path)
    target.people.append(copy)
    return copy


async def make_child(booth: Booth, a: str, b: str, plan: friends.ChildrenPlan) -> LikenessView:
    """Make a child of two likenesses and store it as a likeness."""
    parents = [find_likeness(booth, name) for name in (a, b)]
    first, second = (shown_ref(booth, *parent) for parent in parents)
    visit = _begin_visit(booth, "play")
    person = Person(id=make_token(), visit=visit.id, number=plan.first, seed=plan.seed)
    folder = str(booth.store.folder_of(visit.id))
    task = MakeChild(first, second, plan.seed, plan.first, folder, person.id, plan.age, plan.balance)
    try:
        child = await booth.worker.run(task, visit=visit.id)
    except BaseException:
        await booth.erase(visit)
        raise
    person.inherited = child.inherited
    _set_facts(person, child.facts)
    visit.people.append(person)
    booth.publish(visit)
    return likeness_view(visit, person, booth.api)


def start_film(booth: Booth, likeness_id: str) -> Job:
    """Start a film of a likeness from as encoded to as edited."""
    visit, person = find_likeness(booth, likeness_id)
    return friends.start_film(booth, visit, person.id, None)


def start_morph(booth: Booth, a: str, b: str) -> Job:
    """Start a film of two likenesses that morph into each other."""
    first, second = find_likeness(booth, a), find_likeness(booth, b)
    return friends.start_morph_job(booth, first[0], "morph", (shown_ref(booth, *first), shown_ref(booth, *second)))


def _begin_visit(booth: Booth, state: VisitState, *, guardian: bool = False) -> Visit:
    """Begin a visit of a program, and record the consents for which the program vouches."""
    visit, now = booth.begin_visit("api", state), booth.store.clock()
    booth.store.add_consent(visit.id, booth.policy.make_consent("program", now))
    if guardian:
        booth.store.add_consent(visit.id, booth.policy.make_consent("guardian", now))
    return visit


def _set_facts(person: Person, facts: PersonFacts) -> None:
    person.quality, person.traits, person.sliders = facts.quality, facts.traits, list(facts.sliders)
    person.playable, person.version = True, 1


async def _open_photo(booth: Booth, visit: Visit, data: bytes) -> OpenedPhoto:
    require_consent(booth, visit)
    return await booth.worker.run(OpenPhoto(str(booth.store.folder_of(visit.id)), PHOTO, data), visit=visit.id)
