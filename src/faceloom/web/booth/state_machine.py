"""The state machine of a visit: one table of transitions, and a function that looks a transition up.

A visit moves from state to state by events. An event without a transition is refused with the current state. An
event that is repeated has a transition to the same state, so that a second click changes nothing.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Literal, get_args

from faceloom.store.models import Visit, VisitState
from faceloom.web.security import RequestRefused

MAX_PHOTOGRAPHED = 4  # maximum number of photographed people in one visit

NextState = VisitState | Literal["wiped"]
STATES: tuple[VisitState, ...] = get_args(VisitState)


class Event(StrEnum):
    """Events of a visit."""

    AGREE = "agree"
    DECLINE = "decline"
    PHOTO = "photo"
    ADD_PHOTO = "add photo"
    CHOOSE_FACES = "choose faces"
    ENCODED = "encoded"  # every person was encoded, or failed
    CANCEL = "cancel"
    BACK = "back"
    SHOW_PLAY = "show play"
    SHOW_FRIEND = "show friend"
    SHOW_FINISH = "show finish"
    ERASE = "erase"


@dataclass(frozen=True)
class Guard:
    """A condition of a transition; `code`, `message` and `hint` are the error when no transition's guard holds."""

    description: str
    holds: Callable[[Visit], bool]
    code: str = "wrong_state"
    message: str = ""
    hint: str = "reload the page"


@dataclass(frozen=True)
class Transition:
    """A row of the table: in `state`, `event` leads to `next` if the guard holds."""

    state: VisitState
    event: Event
    next: NextState
    guard: Guard | None = None


def photographed_people(visit: Visit) -> int:
    """Return the number of people of a visit who were photographed."""
    return sum(person.photo is not None for person in visit.people)


def has_playable_person(visit: Visit) -> bool:
    """Return whether a person of the visit is encoded."""
    return any(person.playable for person in visit.people)


PLAYABLE = Guard("a person is encoded", has_playable_person)
NOT_PLAYABLE = Guard("no person is encoded", lambda visit: not has_playable_person(visit))
ROOM = Guard(
    f"fewer than {MAX_PHOTOGRAPHED} people were photographed",
    lambda visit: photographed_people(visit) < MAX_PHOTOGRAPHED,
    "enough_people",
    f"a visit has at most {MAX_PHOTOGRAPHED} people",
    "start over",
)

TRANSITIONS: tuple[Transition, ...] = (
    Transition("consent", Event.AGREE, "camera"),
    *(Transition(state, Event.AGREE, state) for state in STATES if state != "consent"),
    *(Transition(state, Event.DECLINE, "wiped") for state in STATES),
    Transition("camera", Event.PHOTO, "who"),
    Transition("who", Event.PHOTO, "who"),
    Transition("play", Event.ADD_PHOTO, "who", ROOM),
    Transition("friend", Event.ADD_PHOTO, "who", ROOM),
    Transition("who", Event.CHOOSE_FACES, "encoding"),
    Transition("encoding", Event.CHOOSE_FACES, "encoding"),
    Transition("play", Event.CHOOSE_FACES, "play"),
    Transition("encoding", Event.ENCODED, "play", PLAYABLE),
    Transition("encoding", Event.ENCODED, "camera", NOT_PLAYABLE),
    Transition("encoding", Event.CANCEL, "play", PLAYABLE),
    Transition("encoding", Event.CANCEL, "camera", NOT_PLAYABLE),
    Transition("consent", Event.BACK, "wiped"),
    Transition("camera", Event.BACK, "camera"),
    Transition("who", Event.BACK, "play", PLAYABLE),
    Transition("who", Event.BACK, "camera", NOT_PLAYABLE),
    Transition("encoding", Event.BACK, "play", PLAYABLE),
    Transition("encoding", Event.BACK, "camera", NOT_PLAYABLE),
    Transition("play", Event.BACK, "camera"),
    Transition("friend", Event.BACK, "play"),
    Transition("finish", Event.BACK, "play"),
    *(Transition(state, Event.SHOW_PLAY, "play") for state in ("play", "friend", "finish")),
    *(Transition(state, Event.SHOW_FRIEND, "friend") for state in ("play", "friend", "finish")),
    *(Transition(state, Event.SHOW_FINISH, "finish") for state in ("play", "friend", "finish")),
    *(Transition(state, Event.ERASE, "wiped") for state in STATES),
)
"""Every transition. `Booth.erase` is ERASE: it is possible in every state, and also happens when a visit expires."""


def next_state(visit: Visit, event: Event) -> NextState:
    """Return the state that an event leads to. Raises RequestRefused (409) when it is not allowed now."""
    rows = [row for row in TRANSITIONS if row.state == visit.state and row.event == event]
    for row in rows:
        if row.guard is None or row.guard.holds(visit):
            return row.next
    if rows and rows[0].guard and rows[0].guard.message:
        guard = rows[0].guard
        raise RequestRefused(409, guard.code, guard.message, guard.hint)
    raise RequestRefused(409, "wrong_state", f"the visit is at '{visit.state}'", "reload the page")


def transitions_markdown() -> str:
    """Return the table of transitions as Markdown, for the documentation."""
    rows = [f"| {row.state} | {row.event} | {row.guard.description if row.guard else ''} | {row.next} |"
            for row in TRANSITIONS]  # fmt: skip
    return "\n".join(["| state | event | condition | next state |", "|---|---|---|---|", *rows])
