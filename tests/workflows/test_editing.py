"""Steps, mixes and moves of people who were edited in some regions, on a tiny generator."""

from __future__ import annotations

import pytest
import torch

from faceloom.analyze.attributes import REGIONS
from faceloom.edit.mix import mix
from faceloom.latents import parse_layers
from faceloom.likeness import Likeness
from tests.web.tiny_booth import TinyStudio

EDGE = 32  # column of the mask at which the skin begins


def read_halves(G, w_plus: torch.Tensor) -> torch.Tensor:
    """Return background in the left half of the picture and skin in the right half."""
    regions = torch.zeros(1, len(REGIONS), 64, 64)
    regions[:, REGIONS.index("background"), :, :EDGE] = 1
    regions[:, REGIONS.index("skin"), :, EDGE:] = 1
    return regions


@pytest.fixture(scope="module")
def studio() -> TinyStudio:
    studio = TinyStudio()
    studio.read_regions = read_halves
    return studio


def edited(studio: TinyStudio, seed: int) -> Likeness:
    person = studio.generate(seed)
    change = studio.regional_edit(person, ["smile"])
    return change.move(person, {"smile": 2.0})


def pictures(studio: TinyStudio, *people: Likeness) -> list[torch.Tensor]:
    G = studio.generator
    return [studio.person_generator(person, G).synthesis(person.w_plus)[0] for person in people]


def test_a_step_moves_what_earlier_edits_left_unchanged(studio):
    person = edited(studio, 1)
    moved = studio.step(person, {"yaw": 10})
    plain = studio.step(studio.generate(1), {"yaw": 10})
    torch.testing.assert_close(moved.base, plain.w_plus)
    assert torch.equal(moved.mask, person.mask)
    assert moved.regions == person.regions
    left, right = (picture[..., : EDGE // 4] for picture in pictures(studio, moved, plain))
    torch.testing.assert_close(left, right, atol=1e-4, rtol=1e-4)


def test_steps_of_an_edited_person_return_and_are_undone(studio):
    person = edited(studio, 1)
    back = studio.step(studio.step(person, {"yaw": 10}), {"yaw": -10})
    torch.testing.assert_close(back.w_plus, person.w_plus, atol=1e-4, rtol=1e-4)
    torch.testing.assert_close(back.base, person.base, atol=1e-4, rtol=1e-4)
    assert torch.equal(back.unedited.w_plus, studio.generate(1).w_plus)
    assert back.unedited.mask is None


def test_a_mix_of_edited_people_draws_the_rest_from_the_unedited_ones(studio):
    a, b = edited(studio, 1), edited(studio, 2)
    layers = parse_layers("fine", studio.generator.G.layer_resolutions)
    mixed = studio.mix(a, b, "fine")
    assert torch.equal(mixed.w_plus, mix(a.w_plus, b.w_plus, layers, 0.5))
    assert torch.equal(mixed.base, mix(a.base, b.base, layers, 0.5))
    assert mixed.mask is not None
    plain = studio.mix(studio.generate(1), studio.generate(2), "fine")
    assert plain.mask is None
    left, right = (picture[..., : EDGE // 4] for picture in pictures(studio, mixed, plain))
    torch.testing.assert_close(left, right, atol=1e-4, rtol=1e-4)
    whole, part = pictures(studio, plain, mixed)
    assert (whole - part)[..., EDGE // 2 + 4 :].abs().max() > 1e-3


def test_all_layers_give_the_other_person(studio):
    mixed = studio.mix(edited(studio, 1), studio.generate(2), "coarse,middle,fine")
    assert torch.equal(mixed.w_plus, studio.generate(2).w_plus)
    assert mixed.mask is None


def test_other_generators_without_regions_mix_the_whole_picture():
    studio = TinyStudio()
    assert studio.read_regions is None
    mixed = studio.mix(edited(studio, 1), edited(studio, 2), "fine")
    assert mixed.mask is None


def test_words_become_values_of_the_attributes_that_the_person_shows(studio):
    person = studio.generate(1)
    shown = studio.measure(person)
    assert studio.values_from_words(person, "age 60")["age"] == pytest.approx(60 - shown["age"])
    assert studio.values_from_words(person, "ten years older, a broad smile") == {"age": 10, "smile": 0.97}
