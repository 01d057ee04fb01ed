"""The actions of a visit from consent to the choice of faces, and the way back. The states are in `state_machine`."""

from __future__ import annotations

import logging
from collections.abc import Sequence

from faceloom.errors import NoFaceFound
from faceloom.faces.limits import MIN_FACE_PIXELS
from faceloom.store import Person, Visit
from faceloom.store.models import VisitState
from faceloom.store.visit_store import make_token
from faceloom.web.booth import background
from faceloom.web.booth.booth import Booth
from faceloom.web.booth.state_machine import Event, NextState, next_state
from faceloom.web.security import RequestRefused
from faceloom.web.worker.messages import AnalyzePhoto, OpenPhoto, WorkerError

MAX_CHOSEN = 2  # faces of a photo that can be chosen at once

SCREENS: dict[str, Event] = {"play": Event.SHOW_PLAY, "friend": Event.SHOW_FRIEND, "finish": Event.SHOW_FINISH}
"""Events by the screen to which they lead."""

log = logging.getLogger("faceloom.booth")


async def answer_consent(booth: Booth, visit: Visit, agreed: bool) -> None:
    """Record the consent, which every photo requires, or erase the visit when the visitor declines."""
    state = next_state(visit, Event.AGREE if agreed else Event.DECLINE)
    if state == "wiped":
        await booth.erase(visit)
        return
    if visit.consent:
        return
    _enter(visit, state)
    visit.consent = booth.policy.make_consent("visitor", booth.store.clock())
    booth.store.add_consent(visit.id, visit.consent)
    visit.phone = make_token()
    booth.publish(visit)


async def answer_guardian(booth: Booth, visit: Visit, agreed: bool) -> None:
    """Record the consent of a minor's parent or guardian, or erase the visit when they decline.

    Raises RequestRefused (403) before the visitor's own consent.
    """
    require_consent(booth, visit)
    if not agreed:
        await booth.erase(visit)
        return
    booth.store.add_consent(visit.id, booth.policy.make_consent("guardian", booth.store.clock()))


def require_consent(booth: Booth, visit: Visit) -> None:
    """Raise RequestRefused (403) when no consent of the visitor is recorded."""
    booth.policy.require_consent(booth.store.consents(visit.id))


async def receive_photo(booth: Booth, visit: Visit, data: bytes, *, add: bool = False) -> None:
    """Detect the faces of a photo, and choose the face when there is only one.

    With `add`, the visit keeps the people that it has. Raises RequestRefused without consent, in another state, or for
    people who are too young, WorkerError for data that is not a picture, NoFaceFound.
    """
    require_consent(booth, visit)
    state = next_state(visit, Event.ADD_PHOTO if add else Event.PHOTO)
    if not add:
        await erase_photos(booth, visit)
    visit.photos += 1
    name = f"photo-{visit.photos}.jpg"
    try:
        opened = await booth.worker.run(OpenPhoto(str(booth.store.folder_of(visit.id)), name, data), visit=visit.id)
    except WorkerError as error:
        _log_refused_photo(booth, error.message)
        raise
    if visit.id not in booth.visits:
        raise RequestRefused(404, "no_visit", "the visit is over")
    faces = [face for face in opened.faces if face.size >= MIN_FACE_PIXELS]
    if not faces:
        booth.store.erase_people([name], visit.id)
        _log_refused_photo(booth, "no face found")
        raise NoFaceFound("no face found", "look to the camera, a little closer, with light on your face")
    await check_ages(booth, visit, name)
    booth.statistics.add("photos")
    visit.photo, visit.size, visit.faces, visit.notes = name, opened.size, faces, list(opened.notes)
    _enter(visit, state)
    if len(faces) == 1:
        choose_faces(booth, visit, [faces[0].number])
    else:
        booth.publish(visit)


async def check_ages(booth: Booth, visit: Visit, name: str) -> None:
    """Apply the operator's age gate to a stored photo, and erase it when it is refused. Raises RequestRefused (403)."""
    if not booth.policy.has_age_gate:
        return
    try:
        task = AnalyzePhoto(str(booth.store.folder_of(visit.id)), name)
        ages = [face.traits["age"] for face in await booth.worker.run(task, visit=visit.id)]
        booth.policy.check_ages(ages, booth.store.consents(visit.id))
    except BaseException:
        booth.store.erase_people([name], visit.id)
        raise


def _log_refused_photo(booth: Booth, reason: str) -> None:
    booth.statistics.add("refused_photos")
    log.warning("a photo was refused: %s", reason)


def choose_faces(booth: Booth, visit: Visit, chosen: Sequence[int]) -> None:
    """Start to encode the chosen faces of the photo. A repeated choice changes nothing."""
    state = next_state(visit, Event.CHOOSE_FACES)
    if chosen and state == visit.state:
        return
    numbers = [face.number for face in visit.faces]
    if not 0 < len(chosen) <= MAX_CHOSEN or len(set(chosen)) != len(chosen) or not set(chosen) <= set(numbers):
        raise RequestRefused(422, "no_such_face", "choose one or two of the faces", f"the faces are {numbers}")
    _enter(visit, state)
    for face in chosen:
        number = max((person.number for person in visit.people), default=-1) + 1
        person = Person(id=make_token(), visit=visit.id, number=number, face=face, photo=visit.photo)
        visit.people.append(person)
        background.start(booth, visit, person)
    booth.publish(visit)


async def cancel_encoding(booth: Booth, visit: Visit) -> None:
    """Cancel the running encodings: go back to the people who are encoded, or to the camera."""
    state = next_state(visit, Event.CANCEL)
    await _erase_unencoded(booth, visit)
    if state == "camera":
        await erase_photos(booth, visit)
    _enter(visit, state)
    booth.publish(visit)


async def go_back(booth: Booth, visit: Visit) -> None:
    """Go one screen back. At the camera, everything made of the photo is erased; before consent, the visit is."""
    state = next_state(visit, Event.BACK)
    if state == "wiped":
        await booth.erase(visit)
        return
    if visit.state == "camera":
        return
    if state == "camera":
        await erase_photos(booth, visit)
    elif visit.state in ("encoding", "who"):
        await _erase_unencoded(booth, visit)
    _enter(visit, state)
    booth.publish(visit)


def show_screen(booth: Booth, visit: Visit, screen: VisitState) -> None:
    """Go to the screen `play`, `friend` or `finish`."""
    state = next_state(visit, SCREENS[screen])
    if state != visit.state:
        _enter(visit, state)
        booth.publish(visit)


async def erase_photos(booth: Booth, visit: Visit) -> None:
    """Erase all photos of a visit, and all of its people. Raises ErasePending."""
    visit.photo, visit.size, visit.faces, visit.notes = None, None, [], []
    try:
        await booth.erase_people(visit, list(visit.people))
    finally:
        booth.store.erase_people(["photo-"], visit.id)


async def _erase_unencoded(booth: Booth, visit: Visit) -> None:
    await booth.erase_people(visit, [person for person in visit.people if not person.playable])


def _enter(visit: Visit, state: NextState) -> None:
    """Move a visit to a state other than `wiped`."""
    if state != "wiped":
        visit.state = state


# -- people by id -----------------------------------------------------------------------------------------------------


def find_person(booth: Booth, visit: Visit, person_id: str, *, friends: bool = False) -> tuple[Visit, Person]:
    """Return a person of the visit, or with `friends` also of a friend's visit, and the visit they belong to.

    Raises RequestRefused (404), also for people of other visits.
    """
    others = [booth.visits[friend] for friend in visit.friends if friend in booth.visits] if friends else []
    for owner in (visit, *others):
        for person in owner.people:
            if person.id == person_id:
                return owner, person
    raise RequestRefused(404, "no_person", "there is no person with this id", "reload the page")


def find_playable(booth: Booth, visit: Visit, person_id: str, *, friends: bool = False) -> tuple[Visit, Person]:
    """Return an encoded person, as `find_person` does. Raises RequestRefused (409) when they are not encoded yet."""
    owner, person = find_person(booth, visit, person_id, friends=friends)
    if not person.playable:
        raise RequestRefused(409, "not_yet", "this person is still being encoded", "wait a moment")
    return owner, person
