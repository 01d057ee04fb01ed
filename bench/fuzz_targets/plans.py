"""Fuzzing of casts: plan files, plans in the bodies of requests, and briefs."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from faceloom.errors import FaceloomError
from faceloom.workflows.cast.brief import parse_brief
from faceloom.workflows.cast.cells import assign, make_cells
from faceloom.workflows.cast.plan import Plan, make_plan, read_plan, restore_plan

BODY, BRIEF = b"j", b"b"
"""First byte of an input that is the plan of a request, or a brief; every other input is a plan file."""
MAX_PEOPLE = 2000  # of the plans whose people are assigned to cells

PLAN = """people = 12
name = "extras"
size = 256
background = "gray"
date = 2026-11-27
exclude = ["photos"]

[attributes]
smile = "neutral"
age = {"20-35" = 0.5, "36-60" = 0.5}
gender = {woman = 0.5, man = 0.5}

[splits]
train = 0.75
test = 0.25

[replaced]
3 = 1

[[pictures]]
smile = 0.95
age = -10
"""
COUNTS = '[[cells]]\ncount = 2\nage = "20-30"\nglasses = true\n[[cells]]\ncount = 5\nage = "over 60"\nyaw = "left"\n'
SHARES = """people = 7
psi = 0.8
cells = [{share = 0.25, age = 30, beard = "no"}, {share = 0.75, skin_tone = "light"}]
file_type = 'webp'
"""
BRIEFS = (
    "12 film extras, 20 to 70, half women, neutral",
    "1,000 smiling women, over 30, 30 % with glasses, a third without hats",
    "two thousand men, aged 40, 2 in 3 bearded; light skin",
    "a hundred teenagers, three quarters with long hair, not smiling",
)


def seeds(folder: Path) -> dict[str, bytes]:
    """Return plans of every form, briefs, and hostile inputs."""
    body = {"people": 3, "attributes": {"age": {"20-30": 0.5, "40-50": 0.5}}, "pictures": [{"smile": 0.9}]}
    texts = {
        "plan": PLAN,
        "plan with counts": COUNTS,
        "plan with shares": SHARES,
        "nested arrays": f"people = {'[' * 2000}",
        "a long number": f"people = {'9' * 5000}",
        "endless replacements": "people = 2\n[replaced]\n1 = inf",
        "dotted keys": ".".join(["a"] * 4000) + " = 1",
        "body": f"j{json.dumps(body)}",
        "body with a lone surrogate": 'j{"people": 1, "attributes": {"age": "\\ud800"}}',
        "brief of a thousand digits": f"b{'9' * 1000} men, {'9' * 1000} with glasses",
        "brief of all ages": "b900000000 men, 1 to 9000000000",
    }
    briefs = {brief: f"b{brief}" for brief in BRIEFS}
    return {name: text.encode() for name, text in (texts | briefs).items()}


def words() -> Iterable[str]:
    """Return keys of plans, words of briefs, and numbers that are hard to read."""
    return (
        "people", "name", "seed", "generator", "size", "file_type", "background", "psi", "[attributes]", "[[cells]]",
        "[[pictures]]", "[splits]", "[replaced]", "exclude", "date", "credentials", "share", "count", "age", "gender",
        "smile", "skin_tone", "beard", "yaw", "hair_length", "glasses", "half", "a third", "% with", " in ", "without",
        "not ", "women", "children", "over ", "between ", "thousand", "million", "inf", "nan", "-0", "1e999", "0xffff",
        "9" * 40, "'''", '"""', "\\ud800", "1979-05-27T07:32:00Z",
    )  # fmt: skip


@contextmanager
def reading(scratch: Path) -> Iterator[Callable[[bytes], None]]:
    """Yield a function that reads a plan or a brief; our own errors are the only ones that it may raise.

    A plan that is read can be stored and restored, its cells hold all people, and every message can be sent.
    """
    path = scratch / "plan.toml"

    def read(data: bytes) -> None:
        try:
            plan = open_plan(data, path)
            if plan is not None:
                check(plan)
        except FaceloomError as error:
            f"{error.message} {error.hint}".encode()

    yield read


def open_plan(data: bytes, path: Path) -> Plan | None:
    """Open the plan of an input, or None for a body that is not JSON."""
    if data[:1] == BRIEF:
        return parse_brief(data[1:].decode(errors="replace"))
    if data[:1] == BODY:
        body = None
        with suppress(ValueError, RecursionError):
            body = json.loads(data[1:])
        return make_plan(body) if isinstance(body, dict) else None
    path.write_bytes(data)
    return read_plan(path)


def check(plan: Plan) -> None:
    """Raise AssertionError for a plan whose people are not all in cells, or that changes when it is stored."""
    stored = json.loads(json.dumps(plan.to_json(), allow_nan=False))
    assert plan.exclude or restore_plan(stored).digest == plan.digest
    if plan.people <= MAX_PEOPLE:
        assignment = assign(plan)
        assert sum(cell.count for cell in assignment.cells) == plan.people == len(assignment.cell_of)
    else:
        make_cells(plan)
