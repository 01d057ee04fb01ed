"""Walks reach targets by the shortest way and hold the rest, on faces that are simple functions of the latent."""

from __future__ import annotations

from itertools import pairwise

import pytest
import torch

from faceloom.edit.bounds import Bounds
from faceloom.edit.walk import Look, Walk, WalkConfig, WalkSpace, limits_of, measure_space, point_on
from tests.web.tiny_booth import tiny_generator

NAMES = ("yaw", "age", "smile")
SPACE = WalkSpace(torch.eye(6), ((0, 1), (2,)), 4)
BOUNDS = Bounds({"age": 4.0, "smile": 0.15}, min_identity=0.5)


def read(change: torch.Tensor) -> Look:
    """Return a face whose turn makes it older, less similar and paler; each has an axis that undoes it."""
    x = change[0, :3].mean(0)
    turned = torch.tanh(x[0] / 3)
    values = torch.stack([30 * turned, 40 + 12 * turned + 6 * x[1], 0.5 + x[2]])
    identity = torch.stack([torch.ones(()), 2 * turned + x[3], x[4]])
    return Look(values, identity, torch.stack([60 + 20 * turned + 5 * x[5], 10 + 0 * turned, 12 + 0 * turned]))


def walk_to(yaw: float, bounds: Bounds = BOUNDS, config: WalkConfig | None = None) -> tuple[Walk, list[torch.Tensor]]:
    walk = Walk(SPACE, NAMES, read(torch.zeros(1, 4, 6)), {"yaw": yaw}, bounds, config)
    return walk, walk.go(read, SPACE.start, 12)


def test_a_walk_reaches_its_target_and_holds_the_rest():
    walk, trail = walk_to(20.0)
    end = read(SPACE.to_change(trail[-1]))
    assert walk.miss(end) <= 1
    assert float(end.values[0]) == pytest.approx(20.0, abs=1.1)
    assert limits_of(walk.measure_use(end, BOUNDS), 1.0) == ()
    assert abs(float(end.color[0]) - 60) < 5.5
    assert walk.looks <= 16


def test_a_step_is_no_longer_than_allowed():
    config = WalkConfig(first_step=0.3, longest_step=0.3)
    _, trail = walk_to(20.0, config=config)
    assert max(float((after - before).norm()) for before, after in pairwise(trail)) <= 0.301


def test_an_attribute_that_may_rise_is_not_brought_back():
    free = Bounds({"age": 4.0}, min_identity=0.5, free_signs={"age": 1})
    held, freed = (read(SPACE.to_change(walk_to(20.0, bounds)[1][-1])) for bounds in (BOUNDS, free))
    assert float(freed.values[1]) > 44 > float(held.values[1])


def test_a_probability_counts_from_its_target_on():
    walk = Walk(SPACE, NAMES, read(torch.zeros(1, 4, 6)), {"smile": 2.2}, Bounds())
    beyond = Look(torch.tensor([0.0, 40.0, 4.0]), torch.tensor([1.0, 0.0, 0.0]), torch.zeros(3))
    assert walk.miss(beyond) <= 1
    assert walk.miss(walk.before) > 1


def test_layers_that_draw_colors_stay():
    space = measure_space(tiny_generator())
    assert space.groups == (tuple(range(8)),) or max(map(max, space.groups)) < 8
    change = SPACE.to_change(torch.ones(2, 6))
    assert torch.equal(change[0, :3], torch.ones(3, 6))
    assert not change[0, 3].any()


def test_a_part_of_a_walk_lies_on_its_lines():
    trail = [torch.full((1, 1), value) for value in (0.0, 1.0, 3.0)]
    assert [float(point_on(trail, share)) for share in (0, 0.25, 0.5, 0.75, 1)] == [0, 0.5, 1, 2, 3]
    assert float(point_on(trail[:1], 0.5)) == 0


def test_the_tightest_limit_comes_first():
    assert limits_of({"age": 1.1, "identity": 1.5, "smile": 0.4}, 1.0) == ("identity", "age")


def test_hair_does_not_grow_beside_the_neck():
    def growing(change: torch.Tensor) -> Look:
        look = read(change)
        return look._replace(low_hair=0.1 + 0.2 * look.values[0] / 30 + 0.1 * change[0, :3].mean(0)[4])

    ends = []
    for reader in (growing, read):
        walk = Walk(SPACE, NAMES, reader(torch.zeros(1, 4, 6)), {"yaw": 20.0}, BOUNDS)
        trail = walk.go(reader, SPACE.start, 12)
        ends.append(growing(SPACE.to_change(trail[-1])))
        assert walk.miss(ends[-1]) <= 1
    held, free = (float(end.low_hair) - 0.1 for end in ends)
    assert held < 0.04 < free
