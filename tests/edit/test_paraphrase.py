"""Clauses in other words than the grammar knows: a made-up embedding decides what is near, the rules what may count."""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from dataclasses import astuple

import pytest
import torch
from torch import Tensor

from bench.words_clauses import FIRST, FOURTH, SECOND, THIRD
from faceloom.analyze.attribute_paraphrases import OPPOSITES, OTHER_THINGS, PARAPHRASES
from faceloom.edit.clauses import has_unknown_words
from faceloom.edit.description import parse_description
from faceloom.edit.grammar import parse, read_tokens
from faceloom.edit.paraphrase import TYPICAL, Paraphraser, Reworded, Rewording, direction_of
from faceloom.edit.request import parse_request
from faceloom.edit.statements import Change, Interval
from faceloom.errors import LatentError

SYNONYMS = {
    "glum": "sad",
    "wrinkly": "wrinkles",
    "joyless": "joyous",
    "unbearded": "bearded",
    "skywards upwards": "gazes down",
    "earrings": "jewelry",
    "specs here": "spectacles on the nose",
    "teenlike": "in the teenage years",
}
"""Texts that the made-up embedding takes for others."""


def embed(texts: Sequence[str]) -> Tensor:
    """Return unit vectors that are equal for texts of equal words and synonyms, and near when they share words."""
    for text, other in SYNONYMS.items():
        texts = [each.replace(text, other) for each in texts]
    seeds = [[zlib.crc32(word.encode()) for word in text.split()] for text in texts]
    rows = [sum(torch.randn(64, generator=torch.Generator().manual_seed(seed)) for seed in words) for words in seeds]
    return torch.nn.functional.normalize(torch.stack([torch.as_tensor(row) for row in rows]), dim=1)


@pytest.fixture(scope="module")
def requests() -> Paraphraser:
    return Paraphraser(embed, is_request=True)


@pytest.fixture(scope="module")
def descriptions() -> Paraphraser:
    return Paraphraser(embed, is_request=False)


def test_a_known_text_is_returned_unchanged(requests: Paraphraser):
    for text in ("ten years older, no glasses, a broad smile", "Age 60", ""):
        assert requests.reword(text) == Reworded(text)


def test_a_clause_of_unknown_words_is_replaced(requests: Paraphraser):
    reworded = requests.reword("ten years older, she looks glum; no glasses")
    assert reworded.text == "10 years older , serious ; no glasses"
    ((clause, phrase, similarity),) = map(astuple, reworded.rewordings)
    assert (clause, phrase) == ("she looks glum", "serious")
    assert 0.75 <= similarity <= 1
    assert [statement.attribute for statement in parse_request(reworded.text)] == ["age", "smile", "glasses"]


def test_a_rewording_is_said_in_plain_words():
    assert str(Rewording("glum", "serious", 0.812)) == '"glum" is taken as "serious" (0.81)'


def test_the_opposite_of_a_word_is_not_taken(requests: Paraphraser):
    assert requests.reword("skywards upwards").text == "looking up"


def test_a_negation_before_or_carries_on(requests: Paraphraser):
    reworded = requests.reword("no hat or specs here")
    assert reworded.text == "no hat or glasses"


@pytest.mark.parametrize(
    "clause",
    [
        "not glum", "isn't glum", "hasn't been glum", "never glum", "hardly glum", "less wrinkly", "erase the wrinkly",
        "remove the wrinkly", "without wrinkly", "7 wrinkly", "a few wrinkly", "half wrinkly", "joyless", "unbearded",
    ],
)  # fmt: skip
def test_what_turns_a_phrase_around_is_refused(requests: Paraphraser, clause: str):
    with pytest.raises(LatentError, match="unknown word"):
        requests.reword(clause)


@pytest.mark.parametrize(("clause", "phrase"), [("no wrinkles there", "younger"), ("fewer wrinkles there", "younger")])
def test_a_negation_that_the_paraphrase_has_too_counts(requests: Paraphraser, clause: str, phrase: str):
    assert requests.reword(clause).text == phrase


def test_a_phrase_that_the_clause_names_besides_is_not_lost(requests: Paraphraser):
    with pytest.raises(LatentError):
        requests.reword("old man glum")
    assert requests.reword("serious and glum").text == "serious and serious"


def test_another_thing_is_refused_with_the_nearest_phrases(requests: Paraphraser):
    with pytest.raises(LatentError) as caught:
        requests.reword("older, earrings")
    assert caught.value.message == "the text holds an unknown word: 'earrings'"
    assert "no known phrase says the same as 'earrings'; the nearest ones are '" in caught.value.hint
    assert "known phrases are age 40" in caught.value.hint


def test_a_typo_is_still_explained(requests: Paraphraser):
    with pytest.raises(LatentError, match="did you mean 'glasses'"):
        requests.reword("glases")


def test_a_description_is_not_taken_for_a_change(requests: Paraphraser, descriptions: Paraphraser):
    assert requests.reword("wrinkly").text == "older"
    with pytest.raises(LatentError):
        descriptions.reword("wrinkly")
    assert parse_description(descriptions.reword("teenlike, glum").text)


@pytest.mark.parametrize("text", ["+20 purple years", "purple " * 100])
def test_the_limits_of_the_grammar_hold(requests: Paraphraser, text: str):
    with pytest.raises(LatentError):
        requests.reword(text)


@pytest.mark.parametrize("phrase", PARAPHRASES)
def test_every_paraphrase_counts_as_its_phrase(requests: Paraphraser, phrase: str):
    assert parse(phrase, is_request=True)
    meaning = frozenset(map(direction_of, parse(phrase, is_request=True)))
    for text in PARAPHRASES[phrase]:
        tokens = read_tokens(text)
        if has_unknown_words(tokens, 0, len(tokens), True):
            taken = parse(requests.reword_clause(tokens).phrase, is_request=True)
            assert frozenset(map(direction_of, taken)) == meaning, text


def test_no_clause_of_the_measurement_is_in_the_table():
    table = {text for texts in PARAPHRASES.values() for text in texts} | set(OTHER_THINGS)
    assert not table & {*FIRST, *SECOND, *THIRD, *FOURTH}
    assert all(parse(phrase, is_request=True) for phrase in {*FIRST.values(), *FOURTH.values()} - {""})


def test_no_word_is_its_own_opposite():
    assert not any(one & other for one, other in OPPOSITES)


def test_every_range_has_a_typical_value():
    for statement in (each for phrase in PARAPHRASES for each in parse(phrase, is_request=False)):
        assert isinstance(statement, Change) or not isinstance(statement, Interval) or statement.attribute in TYPICAL
