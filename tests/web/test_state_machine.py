"""The table of the states of a visit."""

from __future__ import annotations

import pytest

from faceloom.store.models import Person, Visit, VisitState
from faceloom.web.booth.state_machine import (
    MAX_PHOTOGRAPHED,
    STATES,
    TRANSITIONS,
    Event,
    Transition,
    next_state,
    transitions_markdown,
)
from faceloom.web.security import RequestRefused


def make_visit(state: VisitState, *, playable: int = 0, photographed: int = 0) -> Visit:
    """Return a visit with `photographed` people, and `playable` of them are encoded."""
    people = [
        Person(id=str(n), visit="v", number=n, photo="photo-1.jpg", playable=n < playable) for n in range(photographed)
    ]
    return Visit(id="v", kind="booth", state=state, created=0, expires=1, people=people)


VISITS = [(playable, photographed) for photographed in range(MAX_PHOTOGRAPHED + 1) for playable in (0, photographed)]


@pytest.mark.parametrize("row", TRANSITIONS, ids=lambda row: f"{row.state} {row.event} {row.next}")
def test_every_transition_can_happen(row: Transition):
    visits = [make_visit(row.state, playable=playable, photographed=n) for playable, n in VISITS]
    allowed = [visit for visit in visits if row.guard is None or row.guard.holds(visit)]
    assert allowed
    assert {next_state(visit, row.event) for visit in allowed} == {row.next}


@pytest.mark.parametrize("event", Event)
@pytest.mark.parametrize("state", STATES)
def test_other_events_are_refused_with_the_state(state: VisitState, event: Event):
    if any(row.state == state and row.event == event for row in TRANSITIONS):
        return
    with pytest.raises(RequestRefused, match=f"the visit is at '{state}'") as refused:
        next_state(make_visit(state), event)
    assert (refused.value.status, refused.value.code) == (409, "wrong_state")


def test_every_state_is_reached_and_can_be_erased():
    reached = {"consent"}
    for _ in STATES:
        reached |= {row.next for row in TRANSITIONS if row.state in reached}
    assert reached == {*STATES, "wiped"}
    assert all(next_state(make_visit(state), Event.ERASE) == "wiped" for state in STATES)


def test_guards_of_one_event_exclude_one_another():
    for state in STATES:
        for event in Event:
            rows = [row for row in TRANSITIONS if row.state == state and row.event == event]
            for playable, photographed in VISITS:
                visit = make_visit(state, playable=playable, photographed=photographed)
                assert sum(row.guard is None or row.guard.holds(visit) for row in rows) <= 1


def test_a_fifth_person_is_refused():
    full = make_visit("play", playable=MAX_PHOTOGRAPHED, photographed=MAX_PHOTOGRAPHED)
    with pytest.raises(RequestRefused) as refused:
        next_state(full, Event.ADD_PHOTO)
    assert refused.value.code == "enough_people"


def test_the_table_is_rendered():
    assert len(transitions_markdown().splitlines()) == len(TRANSITIONS) + 2
