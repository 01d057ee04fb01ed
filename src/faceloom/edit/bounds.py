"""Bounds of an edit: how far it may change the attributes that it was not asked to change, and the identity."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

from faceloom.analyze.attributes import HELD, REGIONS, TABLE

IDENTITY = "identity"
"""Name of the identity similarity among the attributes that can limit an edit."""


@dataclass(frozen=True)
class Bounds:
    """Limits that an edit keeps.

    Convention: `changes` are the largest changes of held attributes by name, in the units of the table of attributes
    (probabilities as probabilities, not as logits); `min_identity` is the least identity similarity (cosine);
    `free_signs` are the signs of changes that have no bound, by attribute.
    """

    changes: Mapping[str, float] = field(default_factory=dict)
    min_identity: float = -1.0
    free_signs: Mapping[str, int] = field(default_factory=dict)

    def measure_use(self, before: Mapping[str, float], after: Mapping[str, float], identity: float) -> dict[str, float]:
        """Return how much of each bound an edit uses: 1 is all of it, more breaks it.

        Convention: `before` and `after` in the units of the table; attributes that are in neither are left out.
        """
        use = {
            name: self._bounded_change(name, after[name] - before[name]) / bound
            for name, bound in self.changes.items()
            if name in before and name in after
        }
        return use | {IDENTITY: (1 - identity) / max(1 - self.min_identity, 1e-6)}

    def _bounded_change(self, name: str, change: float) -> float:
        return 0.0 if change * self.free_signs.get(name, 0) > 0 else abs(change)


SHORTFALL = 0.25
"""Part of a requested change of years, degrees or points that may be missing from an edit that counts as reached."""


def tolerance(name: str, change: float) -> float:
    """Return the largest distance from its target at which an attribute counts as reached, in the table's unit.

    It is at most a part of the requested change, so that a small edit is not reached by changing nothing. `change` is
    that from the value before to the target.
    """
    row = TABLE.get(name)
    if row is None:
        return math.inf
    limit = min({"probability": 0.1, "degrees": 3.0}.get(row.unit, math.inf), HELD.get(name, math.inf))
    return min(limit, SHORTFALL * abs(change)) if row.is_change else limit


def default_bounds(
    values: Mapping[str, float], keep_identity: float | None = None, regions: Collection[str] = REGIONS
) -> Bounds:
    """Return the bounds of the table of attributes for an edit with the requested `values`.

    Attributes that an edited one changes by nature are free, as the brows of a smile, and so are those that are seen in
    other `regions` than those that the edit may change. An edited attribute may carry others in its own direction: a
    smile may open the lips, and its end may close them.
    The least identity similarity is the lowest that any edited attribute allows for its part of the whole range;
    `keep_identity` replaces it.
    """
    if keep_identity is None:
        keep_identity = min((_min_identity(name, value) for name, value in values.items()), default=1.0)
    free = {name for edited in values if edited in TABLE for name in TABLE[edited].frees} | set(values)
    changes = {
        name: bound for name, bound in HELD.items() if name not in free and TABLE[name].shown_by in (None, *regions)
    }
    return Bounds(changes, keep_identity, _free_signs(values))


def _free_signs(values: Mapping[str, float]) -> dict[str, int]:
    """Return the sign in which the attributes may change that the edited ones carry."""
    return {
        carried: 1 if value > (0.0 if TABLE[name].is_change else 0.5) else -1
        for name, value in values.items()
        if name in TABLE
        for carried in TABLE[name].carries
    }


def _min_identity(name: str, value: float) -> float:
    """Return the identity similarity that an edit keeps: it falls from 1 to the attribute's bound at its limit."""
    row = TABLE.get(name)
    if row is None or not row.limit:
        return 1.0
    if not row.is_change:
        return row.identity
    part = math.sqrt(min(abs(value) / row.limit, 1.0))
    return 1 - (1 - row.identity) * part
