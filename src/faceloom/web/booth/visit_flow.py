"""The visit, one state machine: welcome, consent, camera, who, encoding, play, friend, finish, wiped.

What is asked for out of order is refused with the state as it is; what is asked for twice happens once.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from faceloom.errors import NoFaceFound
from faceloom.store import Person, Visit
from faceloom.store.visit_store import token
from faceloom.web.booth import background
from faceloom.web.booth.views import moment, new_body
from faceloom.web.security import Refusal

if TYPE_CHECKING:
    from faceloom.web.booth.booth import Booth

BACK = {"who": "camera", "encoding": "camera", "play": "camera", "friend": "play", "finish": "play"}
"""Where 'back' leads; to the camera, everything of the photo is erased."""

GO = {"play": ("friend", "finish"), "friend": ("play", "finish"), "finish": ("play", "friend")}
"""From where to where a page may go by itself."""

MOST_PEOPLE = 4  # who were photographed, in one visit
SMALLEST = 40  # pixels of a face, as in `faces.detect`, which would bring torch along
LEGAL = "1"  # version of what the visitor agreed to


def require(visit: Visit, *states: str) -> None:
    """Raise Refusal (409) when a visit is in another state."""
    if visit.state not in states:
        raise Refusal(409, "wrong_state", f"the visit is at '{visit.state}'", "reload the page")


async def agree(booth: Booth, visit: Visit, agreed: bool) -> None:
    """Note the consent, before any camera opens; without it everything ends here."""
    if not agreed:
        await booth.wipe(visit)
        return
    if visit.body.get("consent"):
        return
    require(visit, "consent")
    kept = booth.settings.retention_minutes
    visit.body["consent"] = {"at": moment(booth.keep.clock()), "text": LEGAL, "retention_minutes": kept}
    visit.body["phone"] = token()
    visit.state = "camera"
    booth.changed(visit)


async def take_photo(booth: Booth, visit: Visit, data: bytes, *, add: bool = False) -> None:
    """Find the faces of a photo; a single one is taken at once. `add` keeps the people that are there already.

    Raises Refusal without consent, Refused for what is no picture, NoFaceFound.
    """
    if not visit.body.get("consent"):
        raise Refusal(403, "no_consent", "nobody has agreed to a picture", "agree first")
    require(visit, *(("play", "friend") if add else ("camera", "who")))
    if add and len(photographed(visit)) >= MOST_PEOPLE:
        raise Refusal(409, "enough_people", f"{MOST_PEOPLE} people are the most", "start over")
    if not add:
        await forget_photo(booth, visit)
    visit.body["photos"] = number = visit.body.get("photos", 0) + 1
    name = f"photo-{number}.jpg"
    args = {"folder": str(booth.keep.folder_of(visit.id)), "name": name, "data": data}
    found = await booth.workshop.ask("photo", args, visit=visit.id)
    if visit.id not in booth.visits:
        raise Refusal(404, "no_visit", "the visit is over")
    faces = [face for face in found["faces"] if face["size"] >= SMALLEST]
    if not faces:
        await forget_photo(booth, visit, name)
        raise NoFaceFound("no face found", "look to the camera, a little closer, with light on your face")
    visit.body |= {"photo": name, "size": found["size"], "faces": faces, "notes": found["notes"]}
    visit.state = "who"
    if len(faces) == 1:
        choose(booth, visit, [faces[0]["number"]])
    else:
        booth.changed(visit)


def choose(booth: Booth, visit: Visit, chosen: Sequence[int]) -> None:
    """Begin to find the chosen faces of the photo. Asked for twice, it happens once."""
    if visit.state in ("encoding", "play") and chosen:
        return
    require(visit, "who")
    there = [face["number"] for face in visit.body["faces"]]
    if not chosen or len(set(chosen)) != len(chosen) or len(chosen) > 2 or not set(chosen) <= set(there):
        raise Refusal(422, "no_such_face", "choose one or two of the faces", f"there are {there}")
    visit.state = "encoding"
    for face in chosen:
        number = max((person.number for person in visit.people), default=-1) + 1
        person = Person(token(), visit.id, number, new_body(face, visit.body["photo"]))
        visit.people.append(person)
        background.begin(booth, visit, person)
    booth.changed(visit)


async def cancel(booth: Booth, visit: Visit) -> None:
    """Stop looking for somebody: back to the camera, or to those who are found already."""
    require(visit, "encoding")
    await booth.drop_people(visit, [person for person in visit.people if not person.body["playable"]])
    if visit.people:
        visit.state = "play"
    else:
        await forget_photo(booth, visit)
        visit.state = "camera"
    booth.changed(visit)


async def back(booth: Booth, visit: Visit) -> None:
    """One step back; before consent, that is the end."""
    if visit.state == "consent":
        await booth.wipe(visit)
        return
    if visit.state == "camera":
        return
    require(visit, *BACK)
    if visit.state in ("encoding", "who") and any(person.body["playable"] for person in visit.people):
        await booth.drop_people(visit, [person for person in visit.people if not person.body["playable"]])
        visit.state = "play"
    else:
        visit.state = BACK[visit.state]
    if visit.state == "camera":
        await forget_photo(booth, visit)
    booth.changed(visit)


def go(booth: Booth, visit: Visit, state: str) -> None:
    """Go to another screen of those that need no work."""
    if visit.state == state:
        return
    require(visit, *(begin for begin, ends in GO.items() if state in ends))
    visit.state = state
    booth.changed(visit)


async def forget_photo(booth: Booth, visit: Visit, name: str = "") -> None:
    """Erase a photo, all of them with everybody who was found in them when none is named."""
    if not name:
        await booth.drop_people(visit, list(visit.people))
        for key in ("photo", "size", "faces", "notes"):
            visit.body.pop(key, None)
    booth.keep.drop_people([name or "photo-"], visit.id)


def photographed(visit: Visit) -> list[Person]:
    """The people of a visit who had a photo."""
    return [person for person in visit.people if person.body["photo"]]


def find_person(booth: Booth, visit: Visit, name: str, *, friends: bool = False) -> tuple[Visit, Person]:
    """Somebody of the visit, or of a friend's. Raises Refusal (404): other visits' people are as if they were not."""
    others = [booth.visits[one] for one in visit.body.get("friends", []) if one in booth.visits] if friends else []
    for owner in (visit, *others):
        for person in owner.people:
            if person.id == name:
                return owner, person
    raise Refusal(404, "no_person", "there is nobody of this name", "reload the page")


def playable(booth: Booth, visit: Visit, name: str, *, friends: bool = False) -> tuple[Visit, Person]:
    """As `find_person`, for somebody who is found already. Raises Refusal (409) when they are not."""
    owner, person = find_person(booth, visit, name, friends=friends)
    if not person.body["playable"]:
        raise Refusal(409, "not_yet", "this person is still being looked for", "wait a moment")
    return owner, person
