"""The language of descriptions: phrases, errors and the penalty."""

from __future__ import annotations

from math import inf

import pytest
import torch

from faceloom.edit.description import (
    AGE_TOLERANCE,
    CLEAR_LOGIT,
    FAR_DEGREES,
    READ,
    STRONG_LOGIT,
    parse_description,
    penalty,
)
from faceloom.edit.statements import CHANGES, STATES
from faceloom.errors import LatentError
from faceloom.networks.analyzer import ATTRIBUTES


def ranges(text: str) -> dict[str, tuple[float, float]]:
    return {bound.attribute: (bound.low, bound.high) for bound in parse_description(text)}


@pytest.mark.parametrize(
    ("text", "low", "high"),
    [
        ("about 40", 40 - AGE_TOLERANCE, 40 + AGE_TOLERANCE),
        ("40", 40 - AGE_TOLERANCE, 40 + AGE_TOLERANCE),
        ("forty-two years old", 42 - AGE_TOLERANCE, 42 + AGE_TOLERANCE),
        ("30-45", 30, 45),
        ("30 - 45", 30, 45),
        ("thirty to forty-five", 30, 45),
        ("between 30 and 45 years", 30, 45),
        ("over 60 years old", 60, inf),
        ("60+", 60, inf),
        ("younger than 30", -inf, 30),
        ("over 30, under 50", 30, 50),
        ("in her thirties", 30, 40),
        ("in his 40s", 40, 50),
        ("old", 65, inf),
        ("very old", 80, inf),
        ("a teenager", 13, 20),
    ],
)
def test_ages(text: str, low: float, high: float):
    assert ranges(text) == {"age": (low, high)}


YES, NO = (CLEAR_LOGIT, inf), (-inf, -CLEAR_LOGIT)


def test_sentences():
    assert ranges("About 40, smiling, glasses") == {"age": (37, 43), "smile": YES, "glasses": YES}
    assert ranges("about 40 smiling no glasses") == {"age": (37, 43), "smile": YES, "glasses": NO}
    assert ranges("a woman with closed eyes and no glasses, not smiling") == {
        "gender": NO, "eyes_open": NO, "glasses": NO, "smile": NO
    }  # fmt: skip
    assert ranges("looking left; mouth open") == {"yaw": (-inf, -10), "mouth_open": YES}
    assert ranges("without spectacles") == ranges("not glasses") == ranges("no glasses")
    assert ranges("an old man with a beard") == {"age": (65, inf), "gender": YES, "beard": YES}


def test_words_of_strength():
    assert ranges("a broad smile") == {"smile": (STRONG_LOGIT, inf)}
    assert ranges("a faint smile") == {"smile": (0, CLEAR_LOGIT)}
    assert ranges("looking far left") == {"yaw": (-inf, -FAR_DEGREES)}
    assert ranges("turned left by 20 degrees") == {"yaw": (-23, -17)}


def test_details_are_described():
    assert set(ranges("long blond hair, a hat, no makeup, raised eyebrows, round face")) == {
        "hair_length", "hair_lightness", "hair_warmth", "hat", "makeup", "brows", "face_fullness"
    }  # fmt: skip
    assert ranges("very dark hair") == {"hair_lightness": (-inf, 15)}


@pytest.mark.parametrize("phrase", STATES)
def test_every_phrase_is_read(phrase: str):
    readable = [statement.attribute for statement in STATES[phrase] if statement.attribute in READ]
    if readable:
        assert list(ranges(phrase)) == readable
    else:
        with pytest.raises(LatentError, match="cannot read"):
            parse_description(phrase)


@pytest.mark.parametrize("phrase", [phrase for phrase in CHANGES if phrase not in STATES])
def test_a_change_is_no_description(phrase: str):
    with pytest.raises(LatentError, match="compares with another face"):
        parse_description(phrase)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("smilling", "did you mean 'smiling'"),
        ("about 40, glases", "did you mean 'glasses'"),
        ("xyzzy", "known phrases are about 40"),
        ("über", "unknown word: 'über'"),
        ("man, woman", "contradict"),
        ("over 60, under 40", "contradict"),
        ("45-30", "not a range of ages"),
        ("over 400", "not a range of ages"),
        ("not 40", "says too little"),
        ("not androgynous", "says too little"),
        ("not very happy", "says too little"),
        ("", "says nothing"),
        ("a person", "says nothing"),
        ("looking", "says nothing"),
        ("not", "'not' says nothing here"),
        ("brown eyes", "it is known in 'brown hair'"),
        ("smiling or serious", "offers a choice"),
        ("without a beard and glasses", "two meanings"),
        ("-40", "has a sign"),
        ("big glasses", "asks for too much"),
        ("a smile " * 60, "480 characters"),
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


def test_penalty_of_details():
    bounds = parse_description("a beard")
    readings = torch.zeros(2, len(READ))
    readings[:, READ.index("beard")] = torch.tensor([2.0, -0.5])
    assert penalty(readings, bounds).tolist() == [0, 4]
    with pytest.raises(LatentError, match="read without it"):
        penalty(readings[:, : len(ATTRIBUTES)], bounds)
