"""The language of `find`: what it reads, what it refuses, and how far a face is from it."""

from __future__ import annotations

from math import inf

import pytest
import torch

from faceloom.edit.description import ABOUT, CLEAR, PHRASES, parse_description, penalty
from faceloom.errors import LatentError
from faceloom.networks.analyzer import ATTRIBUTES


def ranges(text: str) -> dict[str, tuple[float, float]]:
    return {bound.trait: (bound.low, bound.high) for bound in parse_description(text)}


@pytest.mark.parametrize(
    ("text", "low", "high"),
    [
        ("about 40", 40 - ABOUT, 40 + ABOUT),
        ("40", 40 - ABOUT, 40 + ABOUT),
        ("30-45", 30, 45),
        ("between 30 and 45 years", 30, 45),
        ("over 60 years old", 60, inf),
        ("younger than 30", -inf, 30),
        ("over 30, under 50", 30, 50),
    ],
)
def test_ages(text: str, low: float, high: float):
    assert ranges(text) == {"age": (low, high)}


def test_sentences():
    assert ranges("About 40, smiling, glasses") == {
        "age": (37, 43), "smile": (CLEAR, inf), "glasses": (CLEAR, inf)
    }  # fmt: skip
    assert ranges("a woman with closed eyes and no glasses, not smiling") == {
        "gender": (-inf, -CLEAR), "eyes_open": (-inf, -CLEAR), "glasses": (-inf, -CLEAR), "smile": (-inf, -CLEAR)
    }  # fmt: skip
    assert ranges("looking left; mouth open") == {"yaw": (-inf, -10), "mouth_open": (CLEAR, inf)}
    assert ranges("without spectacles") == ranges("not glasses") == ranges("no glasses")


@pytest.mark.parametrize("phrase", PHRASES)
def test_every_phrase_is_read(phrase: str):
    assert list(ranges(phrase).values()) == [PHRASES[phrase][1:]]
    assert PHRASES[phrase][0] in ATTRIBUTES


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("smilling", "did you mean 'smiling'"),
        ("about 40, glases", "did you mean 'glasses'"),
        ("xyzzy", "it knows about 40"),
        ("man, woman", "contradict"),
        ("over 60, under 40", "contradict"),
        ("45-30", "no range of ages"),
        ("over 400", "no range of ages"),
        ("not 40", "says too little"),
        ("not androgynous", "says too little"),
        ("", "says nothing"),
        ("a person", "says nothing"),
        ("not", "does not know 'not'"),
        ("looking", "does not know 'looking'"),
    ],
)
def test_what_it_refuses(text: str, says: str):
    with pytest.raises(LatentError) as caught:
        parse_description(text)
    assert says in str(caught.value)


def test_penalty_is_nothing_within_and_grows_beyond():
    wanted = parse_description("about 40, smiling")
    traits = torch.zeros(4, len(ATTRIBUTES))
    traits[:, ATTRIBUTES.index("age")] = torch.tensor([40.0, 43, 51, 40])
    traits[:, ATTRIBUTES.index("smile")] = torch.tensor([2.0, 2, 2, 0.5])
    assert penalty(traits, wanted).tolist() == pytest.approx([0, 0, 4, 1])
    assert penalty(traits, wanted, margin=1)[0] > 0  # 2 is within one logit of the bound
    assert penalty(traits, ()).tolist() == [0, 0, 0, 0]
