"""Edits of regions: masks, and what an edit of a person draws."""

from __future__ import annotations

import pytest
import torch

from faceloom.analyze.attributes import AROUND_LIPS, REGIONS, TABLE
from faceloom.edit.attributes import attribute_reader
from faceloom.edit.directions import Direction
from faceloom.edit.regions import FAINT, BasePicture, RegionalEdit, allowed_regions, change_mask, join_regions
from faceloom.likeness import Likeness
from faceloom.networks.analyzer import ATTRIBUTES, IDENTITY_DIM, Reading
from faceloom.networks.blended import Blended

NUM_WS, W_DIM = 8, 16
SMILE = dict.fromkeys(TABLE["smile"].regions, 1.0)


def picture_of(left: str, right: str) -> torch.Tensor:
    """Return the regions of a picture with one region in each half."""
    regions = torch.zeros(1, len(REGIONS), 64, 64)
    regions[:, REGIONS.index(left), :, :32] = 1
    regions[:, REGIONS.index(right), :, 32:] = 1
    return regions


def direction(name: str, axis: int) -> Direction:
    return Direction(name, torch.eye(W_DIM)[axis], 0.5, "unit", 1.0, "hash", "tiny")


BASIS = (direction("smile", 0), direction("yaw", 1), direction("age", 2))


@pytest.mark.parametrize(
    ("before", "after", "changes"),
    [
        (("background", "skin"), ("background", "skin"), (0, 1)),
        (("background", "hair"), ("background", "hair"), (0, 0)),
        (("background", "skin"), ("skin", "skin"), (1, 1)),  # the face grows into the background
        (("background", "skin"), ("background", "background"), (0, 1)),  # the face becomes slimmer
        (("clothes", "skin"), ("skin", "skin"), (0, 1)),  # clothes stay
        (("clothes", "skin"), ("clothes", "clothes"), (0, 0)),  # no collar on the neck
    ],
)
def test_the_mask_covers_allowed_regions_and_spares_the_others(before, after, changes):
    mask = change_mask(picture_of(*before), picture_of(*after), SMILE)
    assert mask.shape == (1, 1, 64, 64)
    assert (float(mask[..., :28].mean()), float(mask[..., 36:].mean())) == changes


def test_an_edit_that_keeps_the_outline_leaves_the_background():
    skin, slimmer = picture_of("background", "skin"), picture_of("background", "background")
    assert change_mask(skin, slimmer, SMILE, keeps_outline=True).sum() == 0
    mask = change_mask(skin, skin, SMILE, keeps_outline=True)
    assert (float(mask[..., :28].mean()), float(mask[..., 36:].mean())) == (0, 1)


def test_lips_move_the_skin_around_them_and_leave_the_forehead():
    face = torch.zeros(1, len(REGIONS), 64, 64)
    lips, skin = REGIONS.index("lips"), REGIONS.index("skin")
    face[:, skin] = 1
    face[:, :, 44:48, 26:38] = 0
    face[:, lips, 44:48, 26:38] = 1
    mask = change_mask(face, face, allowed_regions(["mouth_open"], {}))[0, 0]
    assert mask[46, 32] == 1  # lips
    assert mask[50, 32] == 1  # chin
    assert mask[:28].sum() == 0  # brows and forehead
    assert mask[:, :10].sum() == 0  # ears
    assert 0 < mask[36, 32] < 1  # a soft edge
    wholly = allowed_regions(["mouth_open", "smile"], {})
    assert AROUND_LIPS in wholly
    assert change_mask(face, face, wholly).min() == 1


def test_regions_of_earlier_edits_stay_changed():
    assert allowed_regions(["smile"], {}) == SMILE
    assert allowed_regions(["smile"], {"hair": 0.5}) == SMILE | {"hair": 0.5}
    assert allowed_regions(["age"], {})["hair"] == FAINT
    assert allowed_regions(["age"], {"hair": 1.0})["hair"] == 1


def test_a_face_that_became_slimmer_stays_so_in_the_next_edit():
    slimmer = allowed_regions(["face_fullness"], {})
    assert slimmer["background"] == 0
    assert allowed_regions(["smile"], slimmer)["background"] == 0
    assert join_regions({"background": 0.0, "skin": 0.5}, {"skin": 1.0, "background": 1.0}) == {
        "background": 1.0,
        "skin": 1.0,
    }


def edit_of(tiny, edited, **more) -> RegionalEdit:
    w_plus = torch.randn(1, NUM_WS, W_DIM, generator=torch.Generator().manual_seed(0))
    base = BasePicture(tiny, lambda G, latent: picture_of("background", "skin"), w_plus)
    return RegionalEdit(base, w_plus, edited, basis=BASIS, **more)


def test_an_edit_of_a_region_leaves_the_rest_of_the_picture(tiny):
    edit = edit_of(tiny, ["smile"])
    G, w_plus = edit.draw_with({"smile": 1.0})
    assert isinstance(G, Blended)
    change = (G.synthesis(w_plus) - tiny.synthesis(edit.w_plus)).abs().amax((0, 1, 2))
    assert change[:12].max() < 1e-4
    assert change[20:].max() > 1e-3


def test_no_picture_of_an_edit_is_read_twice(tiny):
    pictures: list[torch.Tensor] = []

    def read_face(img: torch.Tensor) -> Reading:
        pictures.append(img)
        return Reading(torch.full((1, len(ATTRIBUTES)), float(len(pictures))), torch.ones(1, IDENTITY_DIM))

    read = attribute_reader(edit_of(tiny, ["smile"]), read_face)
    values = [read(coefficients)[0] for coefficients in ({}, {"smile": 0.0}, {"smile": 1.0}, {}, {"smile": 1.0})]
    assert len(pictures) == 2
    assert torch.equal(values[0], values[1])
    assert torch.equal(values[2], values[4])
    assert not torch.equal(values[0], values[2])


def test_the_outline_is_kept_until_an_edit_moves_it(tiny):
    assert edit_of(tiny, ["smile"]).keeps_outline
    moved = edit_of(tiny, ["face_fullness"])
    assert not moved.keeps_outline
    assert "background" not in moved.changing_regions
    assert not edit_of(tiny, ["smile"], regions=moved.regions).keeps_outline


def test_a_turn_of_the_head_changes_the_whole_picture(tiny):
    edit = edit_of(tiny, ["yaw"])
    G, w_plus = edit.draw_with({"yaw": 1.0})
    assert G is tiny
    assert not torch.equal(w_plus, edit.w_plus)


def test_a_turn_moves_what_earlier_edits_left_unchanged(tiny):
    person = Likeness(edit_of(tiny, []).w_plus, "hash", "tiny")
    smiling = edit_of(tiny, ["smile"]).move(person, {"smile": 1.0})
    assert torch.equal(smiling.base, person.w_plus)
    turned = edit_of(tiny, ["yaw"], regions=smiling.regions).move(smiling, {"yaw": 1.0, "smile": 0.1})
    assert turned.regions == smiling.regions
    expected = edit_of(tiny, ["yaw"]).move(person, {"yaw": 1.0}).w_plus
    torch.testing.assert_close(turned.base, expected)


def test_without_a_reader_of_regions_the_whole_picture_changes(tiny):
    w_plus = torch.zeros(1, NUM_WS, W_DIM)
    edit = RegionalEdit(BasePicture(tiny, None, w_plus), w_plus, ["smile"], basis=BASIS)
    assert edit.draw_with({"smile": 1.0})[0] is tiny
    assert edit.move(Likeness(w_plus, "hash", "tiny"), {"smile": 1.0}).mask is None
