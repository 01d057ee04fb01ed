"""The plan of a cast: how many people, of which kinds, with which pictures. A plan is read from TOML."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import math
import re
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from faceloom.analyze.attributes import EDITABLE
from faceloom.checkpoints.load import DEFAULT_GENERATOR
from faceloom.errors import PlanError, StoreError
from faceloom.files import read_regular
from faceloom.workflows.cast.ranges import Range, parse_range

MAX_PEOPLE = 5_000_000
MAX_CELLS = 5000
MAX_PICTURES = 50  # further pictures of each person
MAX_PLAN_BYTES = 1 << 20
MAX_SEED = 40_000
MAX_NAME = 80  # characters of the name of a cast or of a split
SIZES = (16, 2048)  # smallest and largest side of the pictures in pixels
FILE_TYPES = ("png", "jpg", "webp")
BACKGROUNDS = ("generated", "transparent", "white", "gray", "green")
# A key of 16 parts, as a.b.c and so on: plans have keys of two, and the time to read one grows with the square.
_LONG_KEY = re.compile(r"""(?<![\w-])(?:(?:[\w-]+|"[^"\n]*"|'[^'\n]*')[ \t]*\.[ \t]*){16}""")
SHARE_ERROR = 0.001  # by which the sum of shares may differ from 1

Value = str | Mapping[str, float]
"""The range of an attribute for all people, or shares by range."""


@dataclass(frozen=True)
class CellPlan:
    """A group of people with common attributes: its share of all people, and the ranges as text by attribute."""

    share: float
    attributes: Mapping[str, str]


@dataclass(frozen=True)
class Plan:
    """A plan of a cast.

    Convention: `attributes` hold, by name, one range for all people or a share for each of several ranges, which are
    independent of each other; `cells` are joint groups, whose shares sum to 1. `pictures` are edits for further
    pictures of each person, in the units of `Studio.edit`. `splits` are shares of the people; a person is in one split
    only. `replaced` counts how often a person, from 1, is replaced. No person of the cast resembles one in the
    photos of the folders `exclude`. `psi` is the truncation of the generator. `date` is the day that the watermarks
    state, as 2026-11-27; by default the day on which the cast begins. `credentials` need the extra 'credentials' and
    hold the time, so that files with them differ between runs, while pixels and labels are the same.
    Raises PlanError for a plan that contradicts itself.
    """

    people: int
    name: str = "cast"
    seed: int = 0
    generator: str = DEFAULT_GENERATOR
    size: int = 512
    file_type: str = "png"
    background: str = "generated"
    psi: float = 0.9
    attributes: Mapping[str, Value] = field(default_factory=dict)
    cells: Sequence[CellPlan] = ()
    pictures: Sequence[Mapping[str, float]] = ()
    splits: Mapping[str, float] = field(default_factory=lambda: {"train": 1.0})
    replaced: Mapping[int, int] = field(default_factory=dict)
    exclude: Sequence[str] = ()
    date: str = ""
    credentials: bool = True

    def __post_init__(self) -> None:
        _check_numbers(self)
        _check_attributes(self)
        _check_pictures(self)
        if self.date:
            _check_date(self.date)

    def to_json(self) -> dict[str, Any]:
        """Return the plan as plain JSON data, without the names of the folders of photos."""
        facts = dataclasses.asdict(self)
        facts["replaced"] = {str(number): count for number, count in sorted(self.replaced.items())}
        facts["exclude"] = len(self.exclude)
        return facts

    @property
    def digest(self) -> str:
        """The sha256 of the plan without its date, which names the cast."""
        facts = {name: value for name, value in self.to_json().items() if name != "date"}
        text = json.dumps(facts, sort_keys=True, ensure_ascii=False)
        return hashlib.sha256(text.encode()).hexdigest()


def restore_plan(facts: Mapping[str, Any]) -> Plan:
    """Return the plan that `Plan.to_json` described. The folders of photos are not restored."""
    cells = [CellPlan(**cell) for cell in facts["cells"]]
    replaced = {int(number): int(count) for number, count in facts["replaced"].items()}
    return Plan(**{**facts, "cells": cells, "replaced": replaced, "exclude": ()})


def read_plan(path: Path | str) -> Plan:
    """Read a plan from a TOML file.

    Raises StoreError when the file cannot be read, PlanError for another format, an unknown key and a contradiction.
    """
    path = Path(path)
    try:
        text = read_regular(path, MAX_PLAN_BYTES).decode("utf-8-sig")
    except OSError as error:
        raise StoreError(f"cannot read the plan {path}: {error.strerror or error}", "check its name") from error
    except UnicodeDecodeError as error:
        raise PlanError(f"{path.name} is not text", "a plan is a TOML file: people = 12") from error
    if _LONG_KEY.search(text):
        raise PlanError(f"{path.name} has a key of many parts", "keys of a plan are as attributes.age")
    try:
        facts = tomllib.loads(text)
    except (ValueError, RecursionError) as error:  # also for numbers of thousands of digits
        raise PlanError(f"{path.name} is not TOML: {error}", "a plan begins with: people = 12") from error
    return make_plan(facts, path.parent)


def make_plan(facts: Mapping[str, Any], folder: Path | None = None) -> Plan:
    """Make a plan from plain data, as in a TOML file or a JSON body; paths are relative to `folder`.

    Raises PlanError for an unknown key, a value of another kind, and a contradiction.
    """
    facts = dict(facts)
    _check_text(facts)
    known = {item.name for item in dataclasses.fields(Plan)}
    for key in facts:
        if key not in known:
            near = get_close_matches(str(key), known, 1, 0.5)
            hint = f"did you mean '{near[0]}'?" if near else f"a plan has {', '.join(sorted(known))}"
            raise PlanError(f"the plan has an unknown key '{str(key)[:60]}'", hint)
    try:
        cells = [dict(cell) for cell in facts.pop("cells", ())]
        if cells:
            facts["people"], facts["cells"] = _read_cells(cells, facts.get("people"))
        if "people" not in facts:
            raise PlanError("the plan does not say how many people", "add a line such as: people = 12")
        facts["replaced"] = {int(number): int(count) for number, count in dict(facts.get("replaced", {})).items()}
        exclude = facts.get("exclude", ())
        exclude = [exclude] if isinstance(exclude, str) else list(exclude)
        facts["date"] = str(facts.get("date", ""))
        facts["exclude"] = [str((folder or Path()) / str(path)) for path in exclude]
        facts["pictures"] = [dict(picture) for picture in facts.get("pictures", ())]
        return Plan(**facts)
    except (TypeError, ValueError, AttributeError, OverflowError) as error:
        raise PlanError(f"the plan cannot be read: {error}", "see docs/how-to/casts.md for an example") from error


def _check_text(facts: Mapping[str, Any]) -> None:
    """Raise PlanError for text that cannot be written, such as half of a surrogate pair, which JSON may hold."""
    try:
        json.dumps(facts, ensure_ascii=False, default=str).encode()
    except (ValueError, RecursionError) as error:
        raise PlanError("the plan holds text or numbers that cannot be written", "use plain words") from error


def _read_cells(cells: list[dict[str, Any]], people: Any) -> tuple[int, list[CellPlan]]:
    """Return the number of people and the cells, from shares or counts."""
    counts = [cell.pop("count", None) for cell in cells]
    shares = [cell.pop("share", None) for cell in cells]
    texts = [{name: _as_text(name, value) for name, value in cell.items()} for cell in cells]
    if all(isinstance(count, int) and count > 0 for count in counts) and not any(shares):
        total = sum(counts)
        if people not in (None, total):
            raise PlanError(f"the cells hold {total} people, the plan {people}", "make the counts sum to people")
        return total, [CellPlan(count / total, text) for count, text in zip(counts, texts, strict=True)]
    if any(count is not None for count in counts) or any(share is None for share in shares):
        raise PlanError("every cell needs a share, or every cell a count of at least 1", "as in: share = 0.25")
    return people, [CellPlan(float(share), text) for share, text in zip(shares, texts, strict=True)]


def _as_text(name: str, value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int | float):
        return f"{value:g}"
    if not isinstance(value, str):
        raise PlanError(f"{name} of a cell holds {str(value)[:40]}", "give one range, as age = '20-35'")
    return value


def _check_numbers(plan: Plan) -> None:
    if isinstance(plan.people, bool) or not isinstance(plan.people, int) or plan.people < 1:
        raise PlanError(f"people = {plan.people!r} is not a number of people", "give a whole number from 1")
    if plan.people > MAX_PEOPLE:
        hint = f"a plan has at most {MAX_PEOPLE:,}; make several with different seeds"
        raise PlanError(f"{plan.people:,} people are too many for one plan", hint)
    whole = (("seed", plan.seed, 0, MAX_SEED), ("size", plan.size, *SIZES))
    for name, value, low, high in whole:
        if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
            raise PlanError(f"{name} = {value!r} is out of range", f"give a whole number from {low} to {high}")
    if not 0 < plan.psi <= 1:
        raise PlanError(f"psi = {plan.psi} is out of range", "give more than 0 and at most 1; 0.9 is usual")
    if not isinstance(plan.credentials, bool):
        raise PlanError(f"credentials = {plan.credentials!r}", "give true or false")
    for name, word, words in (
        ("file_type", plan.file_type, FILE_TYPES),
        ("background", plan.background, BACKGROUNDS),
    ):
        if word not in words:
            raise PlanError(f"{name} = '{word}' is unknown", f"it is one of {', '.join(words)}")
    if plan.background == "transparent" and plan.file_type == "jpg":
        raise PlanError("JPEG has no transparent background", "use file_type = 'png' or 'webp'")
    _check_shares("splits", plan.splits)
    if not isinstance(plan.name, str) or not plan.name.isprintable() or not 1 <= len(plan.name) <= MAX_NAME:
        raise PlanError(f"'{str(plan.name)[:40]}' cannot name a cast", f"use 1 to {MAX_NAME} printable characters")
    if bad := [name for name in plan.splits if not name.isidentifier() or len(name) > MAX_NAME]:
        raise PlanError(f"'{bad[0][:40]}' cannot name a split", "use train, validation and test")
    for number, count in plan.replaced.items():
        if not 1 <= number <= plan.people or count < 1:
            raise PlanError(f"person {number} cannot be replaced", f"people have the numbers 1 to {plan.people}")


def _check_date(text: str) -> None:
    try:
        date.fromisoformat(text)
    except (TypeError, ValueError) as error:
        raise PlanError(f"date = {text!r} is not a day", "give it as '2026-11-27'") from error


def _check_attributes(plan: Plan) -> None:
    for name, value in plan.attributes.items():
        if isinstance(value, Mapping):
            _check_shares(name, value)
            for text in value:
                parse_range(name, text)
        else:
            parse_range(name, _as_text(name, value))
    if not plan.cells:
        return
    _check_shares("the cells", {str(number): cell.share for number, cell in enumerate(plan.cells, start=1)})
    for cell in plan.cells:
        for name, text in cell.attributes.items():
            parse_range(name, text)
            if name in plan.attributes:
                raise PlanError(f"{name} is given for all people and for a cell", "leave one of them out")


def _check_shares(name: str, shares: Mapping[str, float]) -> None:
    for key, share in shares.items():
        if isinstance(share, bool) or not isinstance(share, int | float) or not 0 < share <= 1 + SHARE_ERROR:
            raise PlanError(f"{name}: the share of '{key}' is {share!r}", "give more than 0 and at most 1")
    total = math.fsum(shares.values())
    if abs(total - 1) > SHARE_ERROR:
        raise PlanError(f"the shares of {name} sum to {total:.3g}", "shares sum to 1")


def _check_pictures(plan: Plan) -> None:
    if len(plan.pictures) > MAX_PICTURES:
        raise PlanError(f"{len(plan.pictures)} further pictures of each person", f"at most {MAX_PICTURES}")
    for picture in plan.pictures:
        if not picture:
            raise PlanError("a further picture changes nothing", "give edits, as in: smile = 0.95")
        for name, value in picture.items():
            if name not in EDITABLE:
                raise PlanError(f"faceloom cannot edit '{name}'", f"it edits {', '.join(EDITABLE)}")
            row = EDITABLE[name]
            low, high = (-row.limit, row.limit) if row.is_change else (0.0, 1.0)
            if isinstance(value, bool) or not isinstance(value, int | float) or not low <= value <= high:
                raise PlanError(f"{name} = {value!r} is out of range", f"give a number from {low:g} to {high:g}")


def ranges_of(plan: Plan, name: str) -> list[tuple[Range, float]]:
    """Return the ranges of an attribute that `plan.attributes` names, with their shares."""
    value = plan.attributes[name]
    if isinstance(value, Mapping):
        return [(parse_range(name, text), share) for text, share in value.items()]
    return [(parse_range(name, _as_text(name, value)), 1.0)]
