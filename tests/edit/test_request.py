"""Requests for edits in words: the values that they ask for, and the texts that are refused."""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from faceloom.analyze.attribute_phrases import SLIGHT_WORDS, STRONG_WORDS
from faceloom.analyze.attributes import EDITABLE, MAX_PROBABILITY, TABLE
from faceloom.edit.clauses import FILLERS, KNOWN_WORDS, NEGATIONS
from faceloom.edit.description import parse_description
from faceloom.edit.numbers import tokenize
from faceloom.edit.request import parse_request, resolve_request
from faceloom.edit.statements import CHANGES, STATES, Change, known_phrases
from faceloom.edit.targets import compute_targets
from faceloom.errors import LatentError

SHOWN = {
    "age": 41.0, "smile": 0.3, "glasses": 0.1, "yaw": 3.0, "pitch": -2.0, "mouth_open": 0.2, "gender": 0.8,
    "eyes_open": 0.99, "eye_opening": 28.0, "brows": 37.0, "mouth_gap": 4.0, "beard": 0.3, "hair_lightness": 30.0,
    "hair_warmth": 8.0, "hair_length": 0.05, "skin_tone": 45.0, "makeup": 0.1, "face_fullness": 79.0, "hat": 0.01,
    "roll": 0.0, "sharpness": 100.0,
}  # fmt: skip
EDITS = {phrase: CHANGES.get(phrase) or STATES[phrase] for phrase in (*STATES, *CHANGES)}


def values(text: str) -> dict[str, float]:
    return resolve_request(parse_request(text), SHOWN)


def refusal(text: str, parse: Callable[[str], object] = parse_request) -> LatentError | None:
    """Return the error that a text raises, or None when it is understood."""
    try:
        parse(text)
    except LatentError as error:
        return error
    return None


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("ten years older, no glasses, a broad smile", {"age": 10, "glasses": 0.03, "smile": 0.97}),
        ("20 years younger", {"age": -20}),
        ("make her twenty-five years older, please", {"age": 25}),
        ("two decades older", {"age": 20}),
        ("a decade younger", {"age": -10}),
        ("a few years older", {"age": 3}),
        ("older by 12 years", {"age": 12}),
        ("older", {"age": 10}),
        ("a bit older", {"age": 5}),
        ("much older", {"age": 25}),
        ("age 60", {"age": 19}),
        ("60 years old", {"age": 19}),
        ("sixty year old", {"age": 19}),
        ("in her thirties", {"age": -6}),
        ("between 30 and 45", {"age": 0}),
        ("turn the head 20 degrees to the left", {"yaw": -20}),
        ("turn left by 20 degrees", {"yaw": -20}),
        ("turned left by 20 degrees", {"yaw": -23}),
        ("look up a little", {"pitch": -4}),
        ("looking straight ahead", {"yaw": -3, "pitch": 2}),
        ("take off the glasses", {"glasses": 0.03}),
        ("a faint smile", {"smile": 0.6}),
        ("serious", {"smile": 0.05}),
        ("smile more", {"smile": 0.7}),
        ("a smile of 80 percent", {"smile": 0.8}),
        ("80% smile", {"smile": 0.8}),
        ("mouth slightly open", {"mouth_open": 0.6}),
        ("close your eyes", {"eyes_open": 0.05}),
        ("eyes open wider", {"eye_opening": 4}),
        ("a beard", {"beard": 0.9}),
        ("no longer shaven", {"beard": 0.9}),
        ("isn’t smiling, doesn't wear glasses", {"smile": 0.05, "glasses": 0.03}),
        ("neither glasses nor a beard", {"glasses": 0.03, "beard": 0.05}),
        ("no glasses and smiling", {"glasses": 0.03, "smile": 0.9}),
        ("longer and much darker hair", {"hair_length": 0.45, "hair_lightness": -25}),
        ("hair 10 points lighter", {"hair_lightness": 10}),
        ("blond hair", {"hair_lightness": 21, "hair_warmth": 5}),
        ("gray hair", {"hair_lightness": 21, "hair_warmth": -3}),  # less warmth would be blue
        ("much grayer hair", {"hair_warmth": -3}),
        ("lighter skin", {"skin_tone": 15}),
        ("dark skin", {"skin_tone": -45}),  # no more than the table allows
        ("raise the eyebrows", {"brows": 5}),
        ("a fuller face", {"face_fullness": 1.5}),
        ("over 30, under 35", {"age": -8.5}),
        ("a smile, a broad smile", {"smile": 0.97}),
    ],
)
def test_requests(text: str, expected: dict[str, float]):
    assert values(text) == pytest.approx(expected)


@pytest.mark.parametrize("phrase", EDITS)
def test_every_phrase_of_the_table_is_a_request(phrase: str):
    names = [statement.attribute for statement in EDITS[phrase]]
    if set(names) <= set(EDITABLE):
        assert list(values(phrase)) == names
        compute_targets(values(phrase), SHOWN)  # raises for a value out of range
    else:
        with pytest.raises(LatentError, match="cannot edit"):
            parse_request(phrase)


@pytest.mark.parametrize("phrase", [phrase for phrase in EDITS if len(phrase.split()) == 2])
def test_both_orders_of_two_words_mean_the_same(phrase: str):
    first, second = phrase.split()
    if {statement.attribute for statement in EDITS[phrase]} <= set(EDITABLE):
        assert values(f"{second} {first}") == values(phrase) == values(f"{second} should be {first}")


@pytest.mark.parametrize("phrase", known_phrases(is_request=True))
def test_known_phrases_are_understood(phrase: str):
    assert parse_request(phrase)


@given(st.lists(st.sampled_from(sorted(EDITS)), min_size=1, max_size=4), st.sampled_from([", ", "; ", " and "]))
def test_phrases_joined_by_separators_ask_for_what_each_asks_for(phrases: list[str], separator: str):
    try:
        together = values(separator.join(phrases))
        alone = [values(phrase) for phrase in phrases]
    except LatentError:
        return
    assert together.keys() == {name for one in alone for name in one}
    for name, value in together.items():
        assert any(one.get(name) == value for one in alone) or sum(name in one for one in alone) > 1


@given(st.sampled_from(sorted(CHANGES)), st.sampled_from([*SLIGHT_WORDS, ""]), st.sampled_from(STRONG_WORDS))
def test_words_of_strength_order_the_changes(phrase: str, slight: str, strong: str):
    if phrase.split()[0] in ("left", "right", "up", "down") or phrase in STATES:
        return
    try:
        less, more = values(f"{slight} {phrase}"), values(f"{strong} {phrase}")
    except LatentError:  # no English, such as 'wide eyes open wider'
        return
    for name in less:
        low, high = TABLE[name].phrases.reach
        assert abs(less[name]) < abs(more[name]) or more[name] in (low, high) or not TABLE[name].is_change


@given(st.integers(1, 60))
def test_a_number_of_years_is_passed_on(years: int):
    assert values(f"{years} years older") == {"age": years}
    assert values(f"younger by {years} years") == {"age": -years}


@pytest.mark.parametrize("number", range(1, 100))
def test_number_words(number: int):
    units = "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen".split()  # noqa: SIM905
    units += ["sixteen", "seventeen", "eighteen", "nineteen"]
    tens = ["", "", "twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety"]
    word = units[number] if number < 20 else f"{tens[number // 10]}-{units[number % 10]}".removesuffix("-zero")
    assert tokenize(word) == [str(number)]


@given(st.sampled_from(sorted(phrase for phrase in EDITS if len(phrase) > 6)), st.data())
def test_a_typo_is_refused_or_read_as_another_phrase(phrase: str, data: st.DataObject):
    at = data.draw(st.integers(0, len(phrase) - 1))
    error = refusal(phrase[:at] + phrase[at + 1 :])
    assert error is None or error.hint


@given(st.text(max_size=60))
def test_any_text_is_understood_or_refused(text: str):
    for error in (refusal(text), refusal(text, parse_description)):
        assert error is None or error.hint


WORDS = sorted({*KNOWN_WORDS, *NEGATIONS, *FILLERS, "20", "7.5", "300", ",", "-", "%", "°", "+", "or", "than", "'"})


@given(st.lists(st.sampled_from(WORDS), max_size=9))
def test_any_words_are_understood_or_refused(words: list[str]):
    if error := refusal(" ".join(words)):
        assert error.hint
        return
    for statement in parse_request(" ".join(words)):
        try:
            value = resolve_request((statement,), SHOWN)[statement.attribute]
        except LatentError:
            assert getattr(statement, "stated", None) is not None
            continue
        assert math.isfinite(value)
        row = EDITABLE[statement.attribute]
        if not row.is_change:
            assert 1 - MAX_PROBABILITY - 1e-9 <= value <= MAX_PROBABILITY
        elif getattr(statement, "amount", None) is None and getattr(statement, "stated", None) is None:
            assert abs(value) <= row.limit


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("older, younger", "contradict"),
        ("age 60, older", "contradict"),
        ("smile, serious", "contradict"),
        ("smiling, not smiling", "contradict"),
        ("over 60, under 40", "contradict"),
        ("eyes closed, eyes open wider", "contradict"),
        ("10 years older, 20 years older", "contradict"),
        ("broad faint smile", "contradicts itself"),
        ("not older", "says too little"),
        ("not 40", "says too little"),
        ("less glasses", "says too little"),
        ("no makeup", "cannot edit 'makeup'"),
        ("ten years", "ambiguous"),
        ("smile 80", "ambiguous"),
        ("ten degrees older", "counts in years"),
        ("120% smile", "more than 100 percent"),
        ("+20 years", "has a sign"),
        ("over 20 years older", "'over' says nothing here"),
        ("lighter hair and skin", "'skin' says nothing here"),
        ("without a beard and glasses", "two meanings"),
        ("glases", "did you mean 'glasses'"),
        ("xyzzy", "known phrases are age 40"),
        ("plus âgé", "unknown word: 'plus'"),
        ("", "as in 'ten years older, no glasses'"),
    ],
)
def test_errors_name_the_problem(text: str, message: str):
    with pytest.raises(LatentError) as caught:
        parse_request(text)
    assert message in str(caught.value)


def test_a_face_without_details_needs_a_number():
    with pytest.raises(LatentError, match="hair lightness of this face is not known"):
        resolve_request(parse_request("blond hair"), SHOWN | {"hair_lightness": math.nan})
    assert resolve_request(parse_request("darker hair"), {}) == {"hair_lightness": -15}


def test_a_stated_number_beyond_the_table_is_refused_by_the_edit():
    (statement,) = parse_request("90 years older")
    assert isinstance(statement, Change)
    with pytest.raises(LatentError, match="out of range"):
        compute_targets(resolve_request((statement,), SHOWN), SHOWN)


def test_a_stated_age_too_far_from_the_face_is_refused():
    with pytest.raises(LatentError, match=r"'age 110' is \+69 years away from this face"):
        values("age 110")


ROOT = Path(__file__).parents[2]
GUIDE = "\n".join(
    (ROOT / "docs" / "how-to" / name).read_text(encoding="utf-8") for name in ("edit-photos.md", "rest-api.md")
)
COMMANDS = "\n".join((ROOT / "src" / "faceloom" / "cli" / name).read_text("utf-8") for name in ("edit.py", "search.py"))


OTHER_WORDS = GUIDE.partition("### Words that are not on the list")[2].partition("\n## ")[0]
OF_THE_GRAMMAR = "\n".join(
    line for line in (GUIDE.replace(OTHER_WORDS, "") + COMMANDS).splitlines() if "--clip" not in line
)


@pytest.mark.parametrize("text", re.findall(r'(?:--say |"say": )"(.+?)"', OF_THE_GRAMMAR))
def test_requests_in_the_guides_are_understood(text: str):
    assert parse_request(text)


@pytest.mark.parametrize("text", re.findall(r'faceloom search "(.+?)"', GUIDE + COMMANDS))
def test_descriptions_in_the_guides_are_understood(text: str):
    assert parse_description(text)


def test_the_table_of_requests_in_the_guide_is_understood():
    rows = GUIDE.partition("| request | meaning |")[2].partition("\n\n")[0].splitlines()[2:]
    texts = [text for row in rows for text in re.findall(r"`(.+?)`", row.split("|")[1])]
    assert len(texts) > 15
    assert all(parse_request(text) for text in texts)
