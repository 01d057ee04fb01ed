"""Clauses that the grammar does not know, taken for the phrase of nearest meaning: 'grumpy' for 'serious'.

A sentence embedding compares a clause with the paraphrases of `analyze.attribute_paraphrases`. It is not CLIP: it has
seen no pictures, and only texts are compared. It hardly tells opposites apart ('gazes up', 'gazes down'), so rules
about negations, numbers and opposite words decide which paraphrases a clause may be compared with.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from faceloom.analyze.attribute_paraphrases import OPPOSITES, OTHER_THINGS, PARAPHRASES
from faceloom.edit.clauses import FILLERS, NEGATIONS, find_statements, has_unknown_words, read_clause, split_clauses
from faceloom.edit.grammar import parse, read_tokens
from faceloom.edit.numbers import is_number, tokenize
from faceloom.edit.statements import Change, State, Statement
from faceloom.errors import LatentError

THRESHOLD = 0.75  # least cosine of a clause and a paraphrase; chosen in bench.words
MARGIN = 0.04  # least lead before a paraphrase that means the opposite
NEAREST = 3  # phrases that a refusal names
LEAD = 0.05  # least lead before other things
CONTEXTS = ("{}", "the person is {}", "a person with {}")  # cosines are means over them: alone, each errs more often
_REDUCING = (
    "hardly barely scarcely less fewer nothing none nor lacks lacking reduce reduced reducing stop stopped cannot rid "
    "erase erased delete deleted hide hidden wipe drop undo free"
)
REDUCING = frozenset(_REDUCING.split())
"""Words that turn a phrase around, besides the grammar's negations and every word in -n't."""

FRACTIONS = ("half", "quarter", "third")

_NEGATING = REDUCING | frozenset(NEGATIONS)
_KEPT = frozenset(("in", "on", "to", "at", "by", "of"))  # fillers that carry meaning at the start of a clause
_PREFIXES, _SUFFIXES = ("un", "non", "dis"), ("less", "free")

TYPICAL = {
    "age": 40.0,
    "eye_opening": 28.0,
    "brows": 36.0,
    "hair_lightness": 32.0,
    "hair_warmth": 8.0,
    "skin_tone": 35.0,
    "face_fullness": 79.0,
}
"""Values between the ends of the attributes whose phrases name ranges, in the units of the table."""

Embed = Callable[[Sequence[str]], Float[Tensor, "n k"]]
"""Texts to unit vectors."""


@dataclass(frozen=True)
class Rewording:
    """A clause, the known phrase that it is taken for, and their cosine, 0...1."""

    clause: str
    phrase: str
    similarity: float

    def __str__(self) -> str:
        return f'"{self.clause}" is taken as "{self.phrase}" ({self.similarity:.2f})'


@dataclass(frozen=True)
class Reworded:
    """A text in the grammar's phrases, and the clauses of it that were replaced."""

    text: str
    rewordings: tuple[Rewording, ...] = ()


@dataclass(frozen=True)
class _Paraphrase:
    """A text to compare with, the known phrase that it means, empty for another thing, and what the phrase asks for."""

    text: str
    phrase: str
    words: frozenset[str]
    directions: frozenset[tuple[str, int]]


class Paraphraser:
    """Rewords texts by the paraphrases, which are embedded once.

    `is_request` says whether texts are requests, whose phrases may ask for a change, or descriptions.
    """

    def __init__(self, embed: Embed, *, is_request: bool) -> None:
        self.embed, self.is_request = embed, is_request
        self.paraphrases = _list_paraphrases(is_request=is_request)
        self.vectors = self._embed_in_contexts([paraphrase.text for paraphrase in self.paraphrases])

    def reword(self, text: str) -> Reworded:
        """Replace each clause that the grammar does not know by the known phrase of nearest meaning.

        Raises LatentError for a clause that no phrase is near enough to, naming the nearest ones, and as
        `edit.grammar.read_tokens`.
        """
        tokens = read_tokens(text)
        rewordings, parts, done = list[Rewording](), list[str](), 0
        for start, end in split_clauses(tokens):
            if has_unknown_words(tokens, start, end, self.is_request):
                rewordings.append(self.reword_clause(tokens[start:end]))
                parts += [*tokens[done:start], rewordings[-1].phrase]
                done = end
        return Reworded(" ".join([*parts, *tokens[done:]]) if rewordings else text, tuple(rewordings))

    def reword_clause(self, tokens: Sequence[str]) -> Rewording:
        """Return the known phrase of nearest meaning to a clause. Raises LatentError when none is near enough."""
        clause = " ".join(tokens)
        similarities = self._compare(clause)
        ranked = sorted(zip(similarities, self.paraphrases, strict=True), key=lambda pair: -pair[0])
        said = frozenset(map(direction_of, find_statements(tokens, 0, len(tokens), self.is_request)))
        best, nearest = next(
            ((s, p) for s, p in ranked if p.phrase and _may_mean(tokens, said, p)), (-1.0, ranked[0][1])
        )
        opposite = next((s for s, p in ranked if _is_opposite(p, nearest) and _may_mean(tokens, frozenset(), p)), -1.0)
        other = next(s for s, p in ranked if not p.phrase)
        if best < THRESHOLD or best - opposite < MARGIN or best - other < LEAD:
            raise _refuse(tokens, [p.phrase for _, p in ranked if p.phrase], self.is_request)
        return Rewording(clause, nearest.phrase, round(best, 3))

    def _embed_in_contexts(self, texts: Sequence[str]) -> Float[Tensor, "contexts n k"]:
        """Return the unit vectors of texts in each context."""
        plain = [_strip_introduction(text) for text in texts]
        return torch.stack([self.embed([context.format(text) for text in plain]) for context in CONTEXTS])

    def _compare(self, clause: str) -> list[float]:
        """Return the mean cosine of a clause with every paraphrase over the contexts."""
        return torch.einsum("cnk,ck->cn", self.vectors, self._embed_in_contexts([clause])[:, 0]).mean(0).tolist()


def direction_of(statement: Statement) -> tuple[str, int]:
    """Return the attribute that a statement is about, and whether it asks for less (-1), the middle (0) or more (1)."""
    if isinstance(statement, State):
        return statement.attribute, statement.level
    if isinstance(statement, Change):
        return statement.attribute, statement.sign
    middle, typical = (statement.low + statement.high) / 2, TYPICAL[statement.attribute]
    return statement.attribute, 1 if middle > typical else -1


def _refuse(tokens: Sequence[str], phrases: Sequence[str], is_request: bool) -> LatentError:
    """Return the grammar's error for a clause, with the known phrases of nearest meaning."""
    nearest = ", ".join(f"'{phrase}'" for phrase in list(dict.fromkeys(phrases))[:NEAREST])
    try:
        read_clause(tokens, 0, len(tokens), is_request)
    except LatentError as error:
        hint = f"no known phrase says the same as '{' '.join(tokens)}'; the nearest ones are {nearest}; {error.hint}"
        return LatentError(error.message, hint)
    raise AssertionError(f"the grammar reads '{' '.join(tokens)}'")


def _list_paraphrases(*, is_request: bool) -> tuple[_Paraphrase, ...]:
    """Return everything that a clause is compared with."""
    found = [_Paraphrase(thing, "", frozenset(), frozenset()) for thing in OTHER_THINGS]
    for phrase, texts in PARAPHRASES.items():
        meaning = parse(phrase, is_request=is_request)
        if is_request or not any(isinstance(statement, Change) for statement in meaning):
            directions = frozenset(map(direction_of, meaning))
            for tokens in map(tokenize, (phrase, *texts)):
                found.append(_Paraphrase(" ".join(tokens), phrase, frozenset(tokens), directions))
    return tuple(found)


def _strip_introduction(text: str) -> str:
    """Return a text without the words at its start that only introduce it, as in 'make her look'."""
    words = text.split()
    while len(words) > 1 and words[0] in FILLERS - _KEPT:
        words = words[1:]
    return " ".join(words)


def _may_mean(tokens: Sequence[str], said: frozenset[tuple[str, int]], paraphrase: _Paraphrase) -> bool:
    """Return whether a clause may be compared with a paraphrase: the words do not contradict each other."""
    words = frozenset(tokens)
    numbers = {word for word in words if is_number(word) or word in FRACTIONS}
    return (
        said <= paraphrase.directions
        and numbers <= paraphrase.words
        and _negates_alike(words, paraphrase.words)
        and not any(
            (words & one and paraphrase.words & other) or (words & other and paraphrase.words & one)
            for one, other in OPPOSITES
        )
    )


def _negates_alike(words: frozenset[str], others: frozenset[str]) -> bool:
    """Return whether a clause and a paraphrase negate the same words, or nothing."""
    stems = [stem[:4] for stem in map(_negated_stem, words - others) if stem]
    if any(other.startswith(stem) for other in others - words for stem in stems):
        return False  # 'hairless' and 'hair on the chin'
    negations, others_negations = _negations(words), _negations(others)
    if not negations and not others_negations:
        return True
    content = others - others_negations - FILLERS
    return len(negations) == len(others_negations) and content <= words


def _negations(words: frozenset[str]) -> frozenset[str]:
    return frozenset(word for word in words if word in _NEGATING or word.endswith("n't"))


def _negated_stem(word: str) -> str:
    """Return what a word such as 'unhappy' and 'hairless' negates; empty for another word."""
    for prefix in _PREFIXES:
        if word.startswith(prefix) and len(word) >= len(prefix) + 4:
            return word.removeprefix(prefix)
    for suffix in _SUFFIXES:
        if word.endswith(suffix) and len(word) >= len(suffix) + 3:
            return word.removesuffix(suffix)
    return ""


def _is_opposite(a: _Paraphrase, b: _Paraphrase) -> bool:
    """Return whether two paraphrases ask for different ends of an attribute."""
    return any(name == other and sign != end for name, sign in a.directions for other, end in b.directions)
