"""Removal of other people beside a turned head, on regions that a latent's numbers switch on and off."""

from __future__ import annotations

import pytest
import torch

from faceloom.analyze.attributes import REGIONS
from faceloom.edit.bystanders import Clearing, find_bystanders, find_clearing, shows_bystander
from faceloom.edit.directions import Direction
from faceloom.edit.regions import BasePicture, RegionalEdit
from tests.web.tiny_booth import tiny_generator

NUM_WS, W_DIM = 4, 8
HAIR, SKIN, CLOTHES = (REGIONS.index(name) for name in ("hair", "skin", "clothes"))
BASIS = (Direction("yaw", torch.eye(W_DIM)[0], 0.01, "degree", 10.0, "hash", "tiny"),)


def draw_regions(bystander: float, joined: bool = False) -> torch.Tensor:
    """Return logits of a face in the middle, and of hair at the edge, as probable as its logit says."""
    logits = torch.zeros(1, len(REGIONS), 64, 64)
    logits[:, REGIONS.index("background")] = 5.0
    logits[:, SKIN, 16:48, 16:48] = 10.0
    logits[:, CLOTHES, 56:] = 10.0
    logits[:, HAIR, 20:40, 52:60] = bystander
    if joined:
        logits[:, HAIR, 24:28, 44:56] = 10.0
    return logits


def read(w_plus: torch.Tensor) -> tuple[list[torch.Tensor], torch.Tensor]:
    """Show a second person when the first number of the latent is large; the second is the color of the face."""
    logits = draw_regions(0.0)
    shown = 100.0 * (w_plus[:, :, 0].mean() - 0.05)
    mask = torch.zeros(1, len(REGIONS), 64, 64)
    mask[:, HAIR, 20:40, 52:60] = 1
    face = torch.ones(1, 3, 64, 64) * (1 + w_plus[:, :, 1].mean())
    return [face], logits + mask * shown


@pytest.mark.parametrize(("bystander", "joined", "found"), [(10, False, True), (10, True, False), (0, False, False)])
def test_only_heads_that_do_not_join_the_middle_are_other_people(bystander: float, joined: bool, found: bool):
    regions = draw_regions(bystander, joined).softmax(1)
    assert shows_bystander(regions) == found
    where = find_bystanders(regions)
    assert where.shape == (1, 1, 64, 64)
    assert bool(where[..., 20:40, 52:60].all()) == found
    assert not where[..., 16:48, 16:48].any()


def test_the_descent_removes_the_second_person_and_keeps_the_face():
    w_plus = torch.full((1, NUM_WS, W_DIM), 0.2)
    clearing = find_clearing(read, w_plus, {"yaw": 20.0})
    assert clearing is not None
    assert not shows_bystander(read(w_plus + clearing.change)[1].softmax(1))
    assert clearing.change[..., 1].abs().max() < 0.02
    assert not clearing.change.requires_grad
    assert find_clearing(read, torch.zeros(1, NUM_WS, W_DIM), {"yaw": 20.0}) is None


@pytest.mark.parametrize(("yaw", "share"), [(20, 1), (10, 0.5), (40, 1), (-20, 0), (0, 0)])
def test_the_change_grows_with_the_turn(yaw: float, share: float):
    clearing = Clearing(torch.ones(1, NUM_WS, W_DIM), {"yaw": 20.0})
    assert torch.equal(clearing.for_turn({"yaw": yaw}), torch.full((1, NUM_WS, W_DIM), float(share)))


def turn(photo_shows_one: bool = False) -> tuple[RegionalEdit, torch.Tensor]:
    w_plus = torch.zeros(1, NUM_WS, W_DIM)
    w_plus[..., 0] = 1.0 if photo_shows_one else 0.0
    picture = BasePicture(tiny_generator(), lambda G, w: read(w)[1].softmax(1), w_plus)
    return RegionalEdit(picture, w_plus, ["yaw"], basis=BASIS), w_plus


def test_a_turn_that_draws_a_second_person_is_drawn_without():
    edit, _ = turn()
    cleared = edit.without_bystanders({"yaw": 20.0}, lambda G, w: read(w))
    assert cleared is not edit
    _, before = edit.draw_with({"yaw": 20.0})
    _, after = cleared.draw_with({"yaw": 20.0})
    assert shows_bystander(read(before)[1].softmax(1))
    assert not shows_bystander(read(after)[1].softmax(1))
    assert edit.without_bystanders({"yaw": 20.0}, None) is edit
    assert edit.without_bystanders({"yaw": 20.0}, lambda G, w: pytest.fail("read again")) is not edit


def test_the_answer_for_a_turn_is_remembered():
    edit, _ = turn()
    first = edit.without_bystanders({"yaw": 20.0}, lambda G, w: read(w))
    again = edit.without_bystanders({"yaw": 20.0}, lambda G, w: pytest.fail("computed twice"))
    assert again.clearing is first.clearing


def test_somebody_in_the_photo_stays():
    edit, _ = turn(photo_shows_one=True)
    assert edit.without_bystanders({"yaw": 20.0}, lambda G, w: read(w)) is edit


def test_an_edit_that_does_not_turn_the_head_is_not_searched():
    edit, _ = turn()
    assert edit.without_bystanders({"age": 2.0}, lambda G, w: pytest.fail("read")) is edit
