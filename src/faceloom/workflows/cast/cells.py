"""Cells of a cast: the joint groups of a plan, how many people each holds, and which person is in which.

Numbers of people are whole, and shares rarely are: `apportion` rounds so that the joint groups and the groups of every
single attribute stay within one person of their shares wherever that is possible.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Int

from faceloom.errors import PlanError
from faceloom.workflows.cast.plan import MAX_CELLS, Plan, ranges_of
from faceloom.workflows.cast.ranges import Range, parse_range

WHATEVER = "anybody"
"""The name of a cell without ranges."""


@dataclass(frozen=True)
class Cell:
    """A joint group of people: their ranges, and how many they are."""

    ranges: tuple[Range, ...]
    share: float
    count: int = 0

    @property
    def name(self) -> str:
        """The name of the cell, as 'age 20-35, gender woman'."""
        return ", ".join(f"{part.attribute} {part.text}" for part in self.ranges) or WHATEVER

    def facts(self) -> dict[str, Any]:
        """Return the cell as plain data."""
        return {"cell": self.name, "share": round(self.share, 6), "people": self.count}


@dataclass(frozen=True, eq=False)
class Assignment:
    """The cell and the split of every person, by their index from 0."""

    cells: Sequence[Cell]
    cell_of: Int[np.ndarray, " people"]
    split_of: Int[np.ndarray, " people"]
    splits: tuple[str, ...]


def make_cells(plan: Plan) -> list[Cell]:
    """Return the joint groups of a plan with their numbers of people, which sum to `plan.people`.

    Raises PlanError for more than MAX_CELLS groups, and for a group whose attributes exclude each other.
    """
    groups = [([parse_range(*item) for item in cell.attributes.items()], cell.share) for cell in plan.cells]
    options = [ranges_of(plan, name) for name in plan.attributes]
    number = max(len(groups), 1) * int(np.prod([len(option) for option in options], dtype=float))
    if number > MAX_CELLS:
        raise PlanError(f"the plan has {number:,} cells", f"at most {MAX_CELLS:,}: give fewer attributes or ranges")
    cells = []
    for ranges, share in groups or [([], 1.0)]:
        for combination in itertools.product(*options):
            parts = (*ranges, *(part for part, _ in combination))
            total = share * float(np.prod([part_share for _, part_share in combination]))
            cells.append(Cell(tuple(parts), total))
    for cell in cells:
        _check(cell)
    counts = apportion([cell.share for cell in cells], plan.people, [_values(cell) for cell in cells])
    return [Cell(cell.ranges, cell.share, count) for cell, count in zip(cells, counts, strict=True)]


def apportion(shares: Sequence[float], people: int, values: Sequence[Mapping[str, str]]) -> list[int]:
    """Round shares of `people` to whole numbers that sum to it.

    Each group gets the whole part. The people who are left go, one by one, where the joint group and the groups of its
    single attributes, `values`, lack most.
    """
    exact = np.array(shares, float) / sum(shares) * people
    counts = np.floor(exact + 1e-9).astype(int)
    groups: dict[tuple[str, str], list[int]] = {}
    for index, cell in enumerate(values):
        for item in cell.items():
            groups.setdefault(item, []).append(index)
    members = [np.array(cells) for cells in groups.values()]
    groups_of = _number_groups(list(groups.values()), len(shares))  # [cells, attributes]
    lacks = exact - counts
    lacks_of_groups = np.array([*(lacks[cells].sum() for cells in members), 0.0])
    for _ in range(people - int(counts.sum())):
        total = lacks.copy()
        for column in groups_of.T:
            total += lacks_of_groups[column]
        total[lacks <= 1e-9] = -np.inf
        chosen = int(total.argmax())
        counts[chosen] += 1
        lacks[chosen] = exact[chosen] - counts[chosen]
        for group in groups_of[chosen]:
            if group < len(members):
                lacks_of_groups[group] = lacks[members[group]].sum()
    return [int(count) for count in counts]


def _number_groups(members: Sequence[Sequence[int]], cells: int) -> Int[np.ndarray, "cells attributes"]:
    """Return the numbers of each cell's groups. Rows are filled up with the number of groups."""
    lists: list[list[int]] = [[] for _ in range(cells)]
    for group, indices in enumerate(members):
        for index in indices:
            lists[index].append(group)
    width = max(map(len, lists), default=0)
    return np.array([row + [len(members)] * (width - len(row)) for row in lists], int).reshape(cells, width)


def assign(plan: Plan) -> Assignment:
    """Assign every person to a cell, in a random order that the plan's seed fixes, and to a split.

    The splits have their shares of every cell as nearly as possible.
    """
    cells = make_cells(plan)
    ordered = np.repeat(np.arange(len(cells)), [cell.count for cell in cells])
    order = np.random.RandomState(plan.seed).permutation(plan.people)
    shares = np.array(list(plan.splits.values())) / sum(plan.splits.values())
    cell_of, split_of = np.empty(plan.people, np.int32), np.empty(plan.people, np.int32)
    cell_of[order], split_of[order] = ordered, _spread(shares, plan.people)
    return Assignment(cells, cell_of, split_of, tuple(plan.splits))


def _spread(shares: Int[np.ndarray, " splits"] | Any, people: int) -> Int[np.ndarray, " people"]:
    """Return the split of each of `people` in a row, so that every stretch of the row has about the shares."""
    if len(shares) == 1:
        return np.zeros(people, np.int32)
    given = np.zeros(len(shares))
    result = np.empty(people, np.int32)
    for index in range(people):
        result[index] = int((shares * (index + 1) - given).argmax())
        given[result[index]] += 1
    return result


def _values(cell: Cell) -> dict[str, str]:
    return {part.attribute: part.text for part in cell.ranges}


def _check(cell: Cell) -> None:
    """Raise PlanError when ranges of one attribute are disjoint, or when attributes exclude each other."""
    by_name: dict[str, Range] = {}
    for part in cell.ranges:
        if other := by_name.get(part.attribute):
            raise PlanError(f"'{other.text}' and '{part.text}' are both {part.attribute}", "leave one of them out")
        by_name[part.attribute] = part
    age, beard = by_name.get("age"), by_name.get("beard")
    if age and beard and age.high <= MIN_BEARD_AGE and beard.low > 0:
        raise PlanError(f"no person of age {age.text} has a beard", "leave the beard out, or give older ages")


MIN_BEARD_AGE = 14.0  # years before which no face has a beard
