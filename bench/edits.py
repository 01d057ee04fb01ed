"""The edits by which faceloom is judged: values, tolerances, and the checks of a result."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from faceloom.analyze.attributes import TABLE
from faceloom.edit.bounds import default_bounds
from faceloom.likeness import Likeness
from faceloom.workflows.editing import EditResult
from faceloom.workflows.studio import Studio


@dataclass(frozen=True)
class TableEdit:
    """An edit of one attribute.

    Convention: `value` as `Studio.edit` takes it, `tolerance` in the attribute's unit; a probability is reached when
    it is at most `tolerance` short of the requested value. People younger than `min_age` years are left out.
    """

    name: str  # of the files
    title: str
    attribute: str
    value: float
    tolerance: float
    min_age: float = 0.0

    @property
    def values(self) -> dict[str, float]:
        """Return the requested value by attribute."""
        return {self.attribute: self.value}


EXPRESSIONS = (
    TableEdit("smile", "smile .9", "smile", 0.9, 0.1),
    TableEdit("serious", "smile .1", "smile", 0.1, 0.1),
    TableEdit("glasses", "glasses .9", "glasses", 0.9, 0.1),
    TableEdit("lips-open", "lips .9", "mouth_open", 0.9, 0.1),
    TableEdit("lips-closed", "lips .1", "mouth_open", 0.1, 0.1),
)
AGES_AND_POSES = (
    TableEdit("older", "+20 years", "age", 20.0, 4.0),
    TableEdit("younger", "-20 years", "age", -20.0, 4.0, min_age=35.0),
    TableEdit("right", "yaw +20", "yaw", 20.0, 3.0),
    TableEdit("left", "yaw -20", "yaw", -20.0, 3.0),
    TableEdit("down", "pitch +12", "pitch", 12.0, 3.0),
    TableEdit("up", "pitch -12", "pitch", -12.0, 3.0),
)
TABLE_EDITS = EXPRESSIONS + AGES_AND_POSES


def apply_edit(studio: Studio, person: Likeness, values: Mapping[str, float], *, is_free: bool = False) -> EditResult:
    """Edit a person within the default bounds, or `is_free` of them. All benchmarks of the table's edits call this."""
    return studio.edit(person, values, force=is_free)


def is_reached(edit: TableEdit, before: Mapping[str, float], after: Mapping[str, float]) -> bool:
    """Return whether the edited attribute is within the tolerance of the requested value."""
    value = after[edit.attribute]
    if TABLE[edit.attribute].is_change:
        return abs(value - before[edit.attribute] - edit.value) <= edit.tolerance
    return value >= edit.value - edit.tolerance if edit.value >= 0.5 else value <= edit.value + edit.tolerance


def held_changes(edit: TableEdit, before: Mapping[str, float], after: Mapping[str, float]) -> dict[str, float]:
    """Return the used part of the bound of every held attribute that was read: more than 1 breaks it."""
    bounds = default_bounds(edit.values).changes
    return {
        name: abs(after[name] - before[name]) / bound
        for name, bound in bounds.items()
        if name in before and name in after
    }


def describe(
    edit: TableEdit, before: Mapping[str, float], after: Mapping[str, float], limited_by: Sequence[str]
) -> str:
    """Return the label of an edited picture: the edit, the values before and after, and the bounds that it met."""
    digits = 0 if TABLE[edit.attribute].is_change else 2
    value, result = (f"{values[edit.attribute]:.{digits}f}" for values in (before, after))
    return " ".join([f"{edit.title}: {value} > {result}", *name_limits(limited_by)])


def name_limits(limited_by: Sequence[str]) -> list[str]:
    """Return the tightest of the bounds that an edit met, and the number of the others, for the label of a picture."""
    return [limited_by[0] + (f" +{len(limited_by) - 1}" if len(limited_by) > 1 else "")] if limited_by else []
