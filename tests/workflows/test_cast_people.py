"""People of a cast: labels, edits towards a cell, backgrounds."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from faceloom.analyze.attributes import REGIONS
from faceloom.edit.attributes import load_shipped_basis
from faceloom.errors import PlanError
from faceloom.workflows.cast.approach import Approach, miss, wanted_change
from faceloom.workflows.cast.background import cut_out, guided_filter, keep_one_person
from faceloom.workflows.cast.draw import drawn_side
from faceloom.workflows.cast.guesses import load_guesses
from faceloom.workflows.cast.labels import LABELED, Labels
from faceloom.workflows.cast.people import region_mask, seeds_of
from faceloom.workflows.cast.plan import Plan
from faceloom.workflows.cast.ranges import parse_range


def make_labels(**values: float) -> Labels:
    spreads = {name.removesuffix("_spread"): value for name, value in values.items() if name.endswith("_spread")}
    plain = {name: value for name, value in values.items() if not name.endswith("_spread")}
    return Labels(dict.fromkeys(LABELED, 0.5) | plain, spreads, torch.zeros(128))


def test_labels_meet_a_cell_when_the_readings_agree():
    woman = (parse_range("gender", "woman"), parse_range("age", "20-35"))
    assert make_labels(gender=0.1, age=30).meet(woman)
    assert not make_labels(gender=0.1, age=36.5).meet(woman)
    assert not make_labels(gender=0.1, age=30, age_spread=7).meet(woman)


def test_pictures_are_drawn_no_larger_than_needed():
    assert [drawn_side(size, 1024) for size in (64, 256, 300, 512, 1024, 2048)] == [256, 256, 512, 512, 1024, 1024]
    assert drawn_side(512, 128) == 128


def test_confidence_falls_with_the_spread():
    sure, unsure = make_labels(smile=0.9, smile_spread=0.1), make_labels(smile=0.9, smile_spread=0.4)
    assert sure.confidence("smile") > 0.99 > unsure.confidence("smile") > 0.8
    assert make_labels(smile=0.5).facts()["smile_confidence"] == 0.5


def test_an_approach_follows_faces_whose_attributes_fall_with_each_other():
    basis = [direction for direction in load_shipped_basis() if direction.name in ("age", "gender")]
    cell = (parse_range("age", "60-70"), parse_range("gender", "woman"))
    approach = Approach(basis, cell)
    reached = False
    for edits in approach.steps():  # of the age, 0.7 arrives, and years make a face more masculine
        age = 40 + 0.7 * edits.get("age", 0.0)
        gender = -0.2 + edits.get("gender", 0.0) + 0.05 * (age - 40)
        labels = make_labels(age=age, gender=1 / (1 + math.exp(-gender)))
        approach.take(labels)
        reached = reached or labels.meet(cell)
    assert reached


def test_an_approach_gives_up_when_nothing_changes():
    basis = [direction for direction in load_shipped_basis() if direction.name == "age"]
    approach = Approach(basis, (parse_range("age", "60-70"),))
    count = 0
    for _ in approach.steps():
        approach.take(make_labels(age=30))
        count += 1
    assert count <= 5


def test_distances_are_measured_from_the_ends_of_a_range():
    part = parse_range("age", "60-70")
    assert miss(make_labels(age=65), (part,)) == 0
    assert miss(make_labels(age=56), (part,)) == 4
    assert wanted_change(make_labels(age=56), part) == 6
    assert wanted_change(make_labels(age=65), part) == 0


def test_guesses_tell_likely_latents():
    guesses = load_guesses()
    age = next(direction for direction in load_shipped_basis() if direction.name == "age")
    w = torch.stack((guesses.mean, guesses.mean + 30 * age.vector))  # 30 years older
    old = (parse_range("age", "over 60"),)
    likely = guesses.log_likelihood(w, old)
    assert likely[1] > likely[0]
    lengths = guesses.edit_length(w, old, load_shipped_basis())
    assert lengths[1] < lengths[0]


def test_every_person_has_seeds_of_their_own():
    plan = Plan(10)
    first, second, again = (list(seeds_of(plan, *key))[:50] for key in ((0, 0), (1, 0), (0, 1)))
    assert not set(first) & set(second)
    assert not set(first) & set(again)
    assert first == list(seeds_of(plan, 0, 0))[:50]


def test_a_guided_filter_follows_the_edges_of_the_guide():
    guide = torch.zeros(1, 1, 64, 64)
    guide[..., 30:] = 1
    rough = torch.zeros(1, 1, 64, 64)
    rough[..., 32:] = 1
    fine = guided_filter(guide, rough, 4)
    assert fine[0, 0, 32, 24] < 0.1
    assert fine[0, 0, 32, 31] > 0.5


def test_a_second_head_at_the_edge_goes():
    person = torch.zeros(1, 1, 64, 64)
    person[..., 10:, 20:45] = 1
    person[..., 40:, 55:] = 1
    kept = keep_one_person(person)
    assert torch.equal(kept[..., :50], person[..., :50])
    assert kept[..., 50:].sum() == 0


def test_backgrounds_are_cut_out():
    regions = torch.zeros(1, len(REGIONS), 64, 64)
    regions[:, REGIONS.index("background"), :, :32] = 1
    regions[:, REGIONS.index("skin"), :, 32:] = 1
    pixels = np.full((128, 128, 3), 90, np.uint8)
    plain, opacity = cut_out(pixels, regions, "white")
    assert opacity is None
    assert plain.getpixel((5, 64)) == (255, 255, 255)
    assert plain.getpixel((120, 64)) == (90, 90, 90)
    _, opacity = cut_out(pixels, regions, "transparent")
    assert opacity is not None
    assert (opacity.getpixel((5, 64)), opacity.getpixel((120, 64))) == (0, 255)
    assert region_mask(regions, 128)[64].tolist() == [0] * 64 + [3] * 64
    with pytest.raises(PlanError):
        cut_out(pixels, None, "green")
