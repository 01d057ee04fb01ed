"""Tests of columns of labels: classes and numbers by name, their scale, and damaged descriptions."""

from __future__ import annotations

import math

import pytest

from faceloom.errors import LatentError
from faceloom.label_columns import (
    LabelColumn,
    count_entries,
    describe_example,
    encode_values,
    example_label,
    from_json,
    measure_numbers,
    scale_vector,
    scales_of,
    to_json,
)

KIND, SIZE = LabelColumn("kind", ("dot", "star")), LabelColumn("size", mean=30.0, std=10.0)
BOTH = (KIND, SIZE)


def test_values_by_name():
    assert encode_values({"size": "40", "kind": "star"}, BOTH) == [0, 1, 1]
    assert count_entries(BOTH) == 3
    assert describe_example(BOTH) == "kind=dot,size=30"


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"kind": "star"}, "lacks size"),
        ({"kind": "star", "size": "1", "hue": "2"}, "'hue' is not in the label"),
        ({"kind": "moon", "size": "1"}, "kind 'moon' is no class"),
        ({"kind": "star", "size": "big"}, "size 'big' is not a number"),
        ({"kind": "star", "size": "nan"}, "size nan is out of range"),
        ({"kind": "star", "size": "1e7"}, "out of range"),
    ],
)
def test_wrong_values_are_refused(values: dict[str, str], message: str):
    with pytest.raises(LatentError, match=message):
        encode_values(values, BOTH)


def test_numbers_are_standardized():
    column = measure_numbers("size", [20, 30, 40])
    assert (column.mean, round(column.std, 3)) == (30, 8.165)
    assert measure_numbers("size", [5, 5]).std == 1
    assert scale_vector([0, 1, 20], BOTH) == [0, 1, -1]
    assert scales_of(BOTH) == ((0, 0, 30), (1, 1, 10))


def test_examples_show_all_classes_and_a_spread_of_numbers():
    labels = [example_label(BOTH, number) for number in range(14)]
    assert all(sum(label[:2]) == 1 for label in labels)
    assert len({tuple(label) for label in labels}) == 14
    assert math.isclose(sum(label[2] for label in labels), 0, abs_tol=1e-9)


def test_json_and_damage():
    assert from_json(to_json(BOTH)) == BOTH
    for damaged in (None, 3, "x", [1], [{"name": "a"}], [{"name": "a", "mean": 0, "std": 0}], [{"mean": 0, "std": 1}]):
        assert from_json(damaged) == ()
    assert from_json([{"name": "a", "mean": math.inf, "std": 1}]) == ()
    assert from_json(to_json([SIZE]) * 300) == ()
