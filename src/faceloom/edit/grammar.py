"""The grammar that descriptions and requests share: a text such as 'ten years older, no glasses' becomes statements.

Works with names and numbers only, without torch.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from math import inf
from typing import Literal

from faceloom.analyze.attributes import TABLE
from faceloom.edit.clauses import CARRYING, Item, explain_unknown, read_clause, split_clauses, stated_interval
from faceloom.edit.numbers import tokenize
from faceloom.edit.statements import Change, Interval, State, Statement, Strength
from faceloom.errors import LatentError

MAX_CHARACTERS = 400  # of a text
THINGS = ("glasses", "beard", "hat", "makeup")  # attributes whose phrases can follow 'no' as nouns
_SIGN = re.compile(r"(?:^|[^\d\s])\s*([+−-]\d+)|\s(\+\d+)")


def parse(text: str, *, is_request: bool) -> tuple[Statement, ...]:
    """Parse a text into statements about attributes, in their order.

    A phrase that can name a state or a change is taken for a change when `is_request`.
    Raises LatentError for an unknown word, naming the nearest known one, and for a text that cannot be understood.
    """
    tokens = read_tokens(text)
    statements: list[Statement] = []
    negation = ""  # of the clause before
    for start, end in split_clauses(tokens):
        separator = tokens[start - 1] if start else ""
        carried = negation if separator in CARRYING else ""
        if separator in CARRYING and not negation:
            raise LatentError(f"'{separator}' offers a choice", "say one thing, or leave one out")
        items = read_clause(tokens, start, end, is_request)
        found = list(_combine(items, tokens, carried, is_request))
        is_bare = bool(items) and items[0].kind == "phrase" and items[0].start == start
        if negation and separator == "and" and is_bare:
            _refuse_two_readings(found, negation)
        statements += found
        negation = next((item.text for item in items if item.kind == "negation"), carried)
    if not statements:
        example = "ten years older, no glasses" if is_request else "about 40, smiling, glasses"
        raise LatentError(f"'{text}' says nothing about a face", f"as in '{example}'")
    return tuple(statements)


def read_tokens(text: str) -> list[str]:
    """Return the tokens of a text. Raises LatentError for one that is too long, or holds a number with a sign."""
    if len(text) > MAX_CHARACTERS:
        raise LatentError(f"the text has {len(text)} characters", f"use at most {MAX_CHARACTERS}")
    if sign := _SIGN.search(text):
        raise LatentError(f"'{sign[1] or sign[2]}' has a sign", "say it in words, as in 'ten years older'")
    return tokenize(text)


def _combine(items: Sequence[Item], tokens: Sequence[str], carried: str, is_request: bool) -> Iterator[Statement]:
    """Yield the statements of a clause: each phrase with the words before it, and the last one with those after it."""
    groups = list[list[Item]]([[]])
    for item in items:
        groups[-1].append(item)
        if item.kind == "phrase":
            groups.append([])
    *groups, rest = groups
    has_amount = any(item.kind == "amount" for item in rest)
    fitting = ("strength", "comparative", "amount") if groups else ("negation", "amount") if has_amount else ()
    if loose := next((item for item in rest if item.kind not in fitting), None):
        raise explain_unknown(loose.text, is_request)
    if groups:
        groups[-1] += rest
    for group in groups or ([rest] if rest else []):
        text = " ".join(tokens[group[0].start : group[-1].end])
        negation = next((item.text for item in group if item.kind == "negation"), carried)
        yield from _read_group(group, text, negation, is_request)


def _refuse_two_readings(found: Sequence[Statement], negation: str) -> None:
    """Raise LatentError for 'without a beard and glasses', which may mean with glasses or without."""
    for statement in found[:1]:
        if isinstance(statement, State) and statement.level == 1 and statement.attribute in THINGS:
            hint = f"say 'and no {statement.text}', or ', with {statement.text}'"
            raise LatentError(f"'{negation} ... and {statement.text}' has two meanings", hint)


def _read_group(group: Sequence[Item], text: str, negation: str, is_request: bool) -> Iterator[Statement]:
    """Yield the statements of a phrase and the words that belong to it."""
    meaning = next((item.meaning for item in group if item.kind == "phrase"), ())
    words = _Words(text, group, negation)
    amounts = [item for item in group if item.kind == "amount"]
    taken = [item for item in amounts if any(_takes(statement, item) for statement in meaning)]
    for item in amounts:
        if item not in taken:
            yield words.negate(_amount_as_age(item, meaning, is_request))
    if len(taken) > 1:
        raise LatentError(f"'{words.text}' holds two amounts", "give one of them")
    for statement in meaning:
        yield words.apply(statement, taken[0] if taken else None, is_request)


def _takes(statement: Statement, item: Item) -> bool:
    """Return whether an amount can belong to a statement."""
    unit = TABLE[statement.attribute].unit
    if isinstance(statement, Change):
        return item.unit in ("", unit)
    return isinstance(statement, State) and statement.level != 0 and item.unit == unit


def _amount_as_age(item: Item, meaning: Sequence[Statement], is_request: bool) -> Interval:
    """Return the age that a number stands for that belongs to no phrase."""
    changes = [statement for statement in meaning if isinstance(statement, Change)]
    if item.unit not in ("", "years") or (changes and item.unit):
        unit = f"'{changes[0].text}' counts in {TABLE[changes[0].attribute].unit}" if changes else "it needs a phrase"
        raise LatentError(f"'{item.text}' says nothing here", unit)
    if is_request and (item.unit or meaning):
        number = item.text.split()[0]
        raise LatentError(f"'{item.text}' is ambiguous", f"say '{number} years old', or '{number} years older'")
    return stated_interval("age", item.value, item.text)


@dataclass(frozen=True)
class _Words:
    """The words of strength, comparison and negation of one phrase, with the text of all of it."""

    text: str
    group: Sequence[Item]
    negation: str

    def apply(self, statement: Statement, amount: Item | None, is_request: bool) -> Statement:
        """Return a statement as the words change it. Raises LatentError where they do not fit."""
        comparatives = {item.value for item in self.group if item.kind == "comparative"}
        strengths: set[Strength] = {item.strength for item in self.group if item.kind == "strength"}
        if len(strengths) > 1 or len(comparatives) > 1 or (strengths and amount):
            raise LatentError(f"'{self.text}' contradicts itself", "leave one of the words out")
        statement = replace(statement, text=self.text)
        if comparatives:
            statement = self.compare(statement, 1 if comparatives == {1.0} else -1)
        for strength in strengths:
            statement = self.strengthen(statement, strength)
        if amount:
            statement = self.measure(statement, amount)
        return self.negate(statement)

    def compare(self, statement: Statement, sign: Literal[-1, 1]) -> Statement:
        """Apply 'more' or 'less'."""
        row = TABLE[statement.attribute]
        if isinstance(statement, Change) and sign == 1:
            return statement
        if not isinstance(statement, State) or statement.level == 0 or row.is_all_or_nothing:
            raise LatentError(f"'{self.text}' says too little", "say what it should be instead")
        return Change(statement.attribute, 1 if statement.level == sign else -1, self.text)

    def strengthen(self, statement: Statement, strength: Strength) -> Statement:
        """Apply a word of strength."""
        row = TABLE[statement.attribute]
        if row.is_all_or_nothing:
            raise LatentError(f"'{self.text}' asks for too much", f"{row.name} are there or not")
        if isinstance(statement, Interval):
            return self.narrow(statement, strength)
        if isinstance(statement, State) and statement.level == 0:
            raise LatentError(f"'{self.text}' says too little", "leave the word of strength out")
        return replace(statement, strength=strength)

    def narrow(self, statement: Interval, strength: Strength) -> Interval:
        """Apply a word such as 'very' to a range that is open on one side."""
        steps = TABLE[statement.attribute].phrases.steps
        by = steps[2] - steps[1]
        if strength != 2 or statement.stated is not None or (statement.low == -inf) == (statement.high == inf):
            raise LatentError(f"'{self.text}' is not exact enough", "leave the word of strength out, or give a number")
        if statement.low == -inf:
            return replace(statement, high=statement.high - by)
        return replace(statement, low=statement.low + by)

    def measure(self, statement: Statement, amount: Item) -> Statement:
        """Apply an amount: 'older' by 20 years, a smile of 80 percent, turned left by 20 degrees."""
        if isinstance(statement, Change):
            return replace(statement, amount=amount.value)
        assert isinstance(statement, State)
        is_probability = TABLE[statement.attribute].unit == "probability"
        if is_probability and amount.value > 1:
            raise LatentError(f"'{self.text}' is more than 100 percent", "give 0 to 100 percent")
        if statement.level == 1:
            return stated_interval(statement.attribute, amount.value, self.text)
        value = 1 - amount.value if is_probability else -amount.value
        return stated_interval(statement.attribute, value, self.text)

    def negate(self, statement: Statement) -> Statement:
        """Turn a plain phrase into its opposite, if the clause has a negation and the phrase has an opposite."""
        if not self.negation:
            return statement
        has_opposite = TABLE[statement.attribute].unit == "probability"
        if not isinstance(statement, State) or statement.level == 0 or statement.strength != 1 or not has_opposite:
            raise LatentError(f"'{self.full_text}' says too little", "say what it should be instead")
        return replace(statement, level=-1 if statement.level == 1 else 1, text=self.full_text)

    @property
    def full_text(self) -> str:
        """The text with its negation, which may stand in the clause before."""
        is_inside = any(item.kind == "negation" for item in self.group)
        return self.text if is_inside or not self.negation else f"{self.negation} {self.text}"
