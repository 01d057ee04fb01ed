"""Requests for edits in words, as slider values of a person."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from faceloom.analyze.attributes import SLIDERS, TABLE
from faceloom.errors import LatentError
from faceloom.store import Person
from faceloom.web.booth.job_views import WordingView
from faceloom.web.worker.messages import AttributeValues


@dataclass(frozen=True)
class WordRequest:
    """The slider values that a text asks for, and the clauses that were taken for other words."""

    values: Mapping[str, float] = field(default_factory=dict)
    rewordings: tuple[WordingView, ...] = ()


def read_words(person: Person, text: str, given: AttributeValues) -> WordRequest:
    """Return the slider values that a request in words asks for, from what the person's picture shows now.

    Changes of age, pose and measures are added to the current slider values, as far as the sliders go. `given` are the
    slider values that come with the request as numbers. Other words than the grammar knows are compared by meaning
    where the sentence embedding is installed; its first use takes about a second.
    Raises LatentError as `workflows.words.reword`, for an attribute without a slider, and for one that is also given
    as a number.
    """
    from faceloom.edit.request import parse_request, resolve_request  # loads torch, which the server does without
    from faceloom.workflows.words import reword

    reworded = reword(text, is_request=True)
    request = parse_request(reworded.text)
    for statement in request:
        name = statement.attribute
        if name not in person.slider_values:
            raise LatentError(f"'{statement.text}': there is no slider for {name}", f"there are {', '.join(SLIDERS)}")
        if name in given:
            raise LatentError(f"'{statement.text}' and '{name}' ask for the same", "give one of them")
    changes = resolve_request(request, person.shown_traits)
    values = {name: _slider_value(person, name, value) for name, value in changes.items()}
    views = tuple(
        WordingView(clause=each.clause, phrase=each.phrase, similarity=each.similarity) for each in reworded.rewordings
    )
    return WordRequest(values, views)


def _slider_value(person: Person, name: str, value: float) -> float:
    if TABLE[name].is_change:
        value += person.slider_values[name]
    return min(max(value, SLIDERS[name].low), SLIDERS[name].high)
