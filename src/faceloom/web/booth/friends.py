"""Two people together: visits that join each other, faces between two people, children, and films."""

from __future__ import annotations

import asyncio
import contextlib
from dataclasses import dataclass

from faceloom.store import ErasePending, Person, Visit
from faceloom.store.visit_store import make_token
from faceloom.web.booth.background import shown_ref
from faceloom.web.booth.booth import Booth
from faceloom.web.booth.edits import ref_at
from faceloom.web.booth.films import FILM_SIZE, check_film_limit, start_film_job
from faceloom.web.booth.job_views import JobKind
from faceloom.web.booth.jobs import Job
from faceloom.web.booth.printing import visible_label
from faceloom.web.booth.views import FriendCodeView
from faceloom.web.booth.visit_flow import find_playable
from faceloom.web.security import RequestRefused
from faceloom.web.worker.messages import MakeChild, MakeFilm, PersonRef, Priority, RenderBetween

CODES_PER_MINUTE = 10  # codes that a visit may try in a minute
CHILDREN = 9  # children that are made at once
MAX_CHILDREN = 90  # children of a visit: the oldest are erased beyond
FRAMES = 36  # frames between two people of a film
FIRST_CHILD_NUMBER = 100  # numbers of children begin here


def make_code(booth: Booth, visit: Visit) -> FriendCodeView:
    """Return a short code with which another visit can join this one. It replaces an earlier code of the visit."""
    made = booth.friend_codes.make(visit.id, booth.store.clock())
    return FriendCodeView(code=made.code, seconds=booth.friend_codes.seconds)


def join(booth: Booth, visit: Visit, code: str) -> None:
    """Join the visit of a code. Each of the two visits can then show the other's people, and mix with them."""
    booth.rate_limiter.check("join", visit.id, CODES_PER_MINUTE, 60)
    entry = booth.friend_codes.find(code, booth.store.clock())
    other = booth.visits.get(entry.visit) if entry else None
    if entry is None or other is None or other is visit:
        raise RequestRefused(404, "no_code", "this code is not valid", "ask for a new one")
    booth.friend_codes.forget(entry.visit)
    for one, two in ((visit, other), (other, visit)):
        one.friends = sorted({*one.friends, two.id})
        booth.publish(one)


async def render_between(booth: Booth, visit: Visit, a: str, b: str, *, t: float, size: int, sequence: int) -> bytes:
    """Draw the face between two people, `t` 0...1, as JPEG. A newer request replaces one with a lower `sequence`."""
    first, second = (shown_ref(booth, *find_playable(booth, visit, name, friends=True)) for name in (a, b))
    return await booth.worker.run(
        RenderBetween(first, second, t, size),
        priority=Priority.PREVIEW,
        visit=visit.id,
        key=f"{a} {b}" if sequence else "",
        sequence=sequence,
    )


# -- children ---------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class ChildrenPlan:
    """Which children to make, as in `routes.models.Parents`."""

    seed: int = 0
    age: float = 6.0
    balance: float = 0.5
    first: int = 0
    count: int = CHILDREN


async def make_children(booth: Booth, visit: Visit, a: str, b: str, plan: ChildrenPlan) -> list[Person]:
    """Make children of two people. Children can be parents, too.

    Each one belongs to the visit as soon as it is made; a cancellation leaves nothing of an unfinished one.
    """
    parents = [find_playable(booth, visit, name, friends=True) for name in (a, b)]
    first, second = (shown_ref(booth, *parent) for parent in parents)
    lineage = sorted({name for _, parent in parents for name in (parent.id, *parent.of)})
    folder = str(booth.store.folder_of(visit.id))
    children = []
    for number in range(plan.first, plan.first + plan.count):
        child = Person(
            id=make_token(),
            visit=visit.id,
            number=FIRST_CHILD_NUMBER + number,
            of=lineage,
            parents=[a, b],
            seed=plan.seed,
        )
        task = MakeChild(first, second, plan.seed, number, folder, child.id, plan.age, plan.balance)
        try:
            made = await booth.worker.run(task, visit=visit.id)
        except asyncio.CancelledError:
            with contextlib.suppress(ErasePending):  # the store tries again
                await booth.erase_people(visit, [child])
            raise
        child.inherited, child.traits, child.sliders = made.inherited, made.facts.traits, list(made.facts.sliders)
        child.playable = True
        if visit.id not in booth.visits:
            raise RequestRefused(404, "no_visit", "the visit is over")
        await _erase_oldest_children(booth, visit)
        visit.people.append(child)
        booth.publish(visit)
        children.append(child)
    return children


async def _erase_oldest_children(booth: Booth, visit: Visit) -> None:
    """Erase the oldest child when there is no place for a new one."""
    children = [person for person in visit.people if person.of]
    await booth.erase_people(visit, children[: max(0, len(children) + 1 - MAX_CHILDREN)])


# -- films ------------------------------------------------------------------------------------------------------------


def start_film(booth: Booth, visit: Visit, a: str, b: str | None) -> Job:
    """Start a film of two people who morph into each other, or of one from as encoded to as shown now."""
    owner, person = find_playable(booth, visit, a, friends=True)
    shown = shown_ref(booth, owner, person)
    if b is None:
        people = (ref_at(booth, owner, person, person.history[0]), shown)
    else:
        people = (shown, shown_ref(booth, *find_playable(booth, visit, b, friends=True)))
    check_film_limit(booth, visit)
    return start_morph_job(booth, visit, "film", people)


def start_morph_job(booth: Booth, visit: Visit, kind: JobKind, people: tuple[PersonRef, ...]) -> Job:
    """Start a job that makes a film of people who morph into each other."""
    label = visible_label(booth)
    return start_film_job(booth, visit, kind, lambda path: MakeFilm(people, path, FRAMES, FILM_SIZE, label))
