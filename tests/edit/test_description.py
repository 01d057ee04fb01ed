"""The language of descriptions: phrases, errors and the penalty."""

from __future__ import annotations

from math import inf

import pytest
import torch

from faceloom.edit.description import AGE_TOLERANCE, CLEAR_LOGIT, PHRASES, parse_description, penalty
from faceloom.errors import LatentError
from faceloom.networks.analyzer import ATTRIBUTES


def ranges(text: str) -> dict[str, tuple[float, float]]:
    return {bound.attribute: (bound.low, bound.high) for bound in parse_description(text)}


@pytest.mark.parametrize(
    ("text", "low", "high"),
    [
        ("about 40", 40 - AGE_TOLERANCE, 40 + AGE_TOLERANCE),
        ("40", 40 - AGE_TOLERANCE, 40 + AGE_TOLERANCE),
        ("30-45", 30, 45),
        ("between 30 and 45 years", 30, 45),
        ("over 60 years old", 60, inf),
        ("younger than 30", -inf, 30),
        ("over 30, under 50", 30, 50),
    ],
)
def test_ages(text: str, low: float, high: float):
    assert ranges(text) == {"age": (low, high)}


YES, NO = (CLEAR_LOGIT, inf), (-inf, -CLEAR_LOGIT)


def test_sentences():
    assert ranges("About 40, smiling, glasses") == {"age": (37, 43), "smile": YES, "glasses": YES}
    assert ranges("a woman with closed eyes and no glasses, not smiling") == {
        "gender": NO, "eyes_open": NO, "glasses": NO, "smile": NO
    }  # fmt: skip
    assert ranges("looking left; mouth open") == {"yaw": (-inf, -10), "mouth_open": YES}
    assert ranges("without spectacles") == ranges("not glasses") == ranges("no glasses")


@pytest.mark.parametrize("phrase", PHRASES)
def test_every_phrase_is_read(phrase: str):
    assert list(ranges(phrase).values()) == [PHRASES[phrase][1:]]
    assert PHRASES[phrase][0] in ATTRIBUTES


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("smilling", "did you mean 'smiling'"),
        ("about 40, glases", "did you mean 'glasses'"),
        ("xyzzy", "known phrases are about 40"),
        ("man, woman", "contradict"),
        ("over 60, under 40", "contradict"),
        ("45-30", "not a range of ages"),
        ("over 400", "not a range of ages"),
        ("not 40", "says too little"),
        ("not androgynous", "says too little"),
        ("", "says nothing"),
        ("a person", "says nothing"),
        ("not", "unknown word: 'not'"),
        ("looking", "unknown word: 'looking'"),
    ],
)
def test_errors_name_the_problem(text: str, message: str):
    with pytest.raises(LatentError) as caught:
        parse_description(text)
    assert message in str(caught.value)


def test_penalty_is_zero_within_the_bounds_and_grows_outside():
    bounds = parse_description("about 40, smiling")
    readings = torch.zeros(4, len(ATTRIBUTES))
    readings[:, ATTRIBUTES.index("age")] = torch.tensor([40.0, 43, 51, 40])
    readings[:, ATTRIBUTES.index("smile")] = torch.tensor([2.0, 2, 2, 0.5])
    assert penalty(readings, bounds).tolist() == pytest.approx([0, 0, 4, 1])
    assert penalty(readings, bounds, margin=1)[0] > 0  # 2 is within one logit of the bound
    assert penalty(readings, ()).tolist() == [0, 0, 0, 0]
