"""Unsupervised directions: SeFa by its definition, PCA, and naming by what is seen to move."""

from __future__ import annotations

from dataclasses import dataclass

import pytest
import torch
from torch import Tensor

from faceloom.edit import discover
from faceloom.edit.discover import name_direction, pca, plain_directions, sefa, shifts, style_weights, trait_sigmas
from faceloom.edit.generate import generate_latents
from faceloom.edit.latent_statistics import LatentStatistics, measure_latents
from faceloom.errors import LatentError
from faceloom.networks.analyzer import ATTRIBUTES, Reading
from faceloom.networks.mobilestylegan import MobileStyleGAN


@dataclass(frozen=True)
class Named:
    name: str = "small"
    hash: str = "0123456789abcdef"


@pytest.fixture
def own(tiny: MobileStyleGAN) -> LatentStatistics:
    return measure_latents(tiny, 500)


def test_style_weights_are_the_affines_own(tiny: MobileStyleGAN):
    torch.testing.assert_close(style_weights(tiny, 0), tiny.first.affine.weight, atol=1e-6, rtol=1e-5)
    with pytest.raises(LatentError, match="0 to 7"):
        style_weights(tiny, 8)


def test_sefa_finds_what_the_styles_answer_to_most(tiny: MobileStyleGAN, own: LatentStatistics):
    found = sefa(tiny, own, 16)
    rows = torch.cat([style_weights(tiny, layer) for layer in range(tiny.num_ws)])
    rows = rows / rows.norm(dim=1, keepdim=True)
    answers = [float((rows @ component.vector).square().sum()) for component in found]
    assert answers == sorted(answers, reverse=True)
    assert sum(component.explained for component in found) == pytest.approx(1)
    assert answers[0] / sum(answers) == pytest.approx(found[0].explained, rel=1e-4)
    assert found[0].sigma == pytest.approx(own.sigma(found[0].vector))


def test_layers_are_chosen_and_kept(tiny: MobileStyleGAN, own: LatentStatistics):
    first, last = sefa(tiny, own, 1, layers=[0]), sefa(tiny, own, 1, layers=[7])
    assert abs(float(first[0].vector @ last[0].vector)) < 0.99
    assert last[0].direction(Named()).layers == (7,)


def test_pca_explains_w(tiny: MobileStyleGAN, own: LatentStatistics):
    found = pca(own, 3)
    assert found[0].explained > found[1].explained > found[2].explained
    assert found[0].sigma == pytest.approx(float(own.variances[0]) ** 0.5, rel=1e-5)
    direction = found[1].direction(Named(), notes="why")
    assert (direction.name, direction.unit, direction.per_unit) == ("pca-2", "sigma", found[1].sigma)
    for wrong in (0, 17):
        with pytest.raises(LatentError, match="1 to 16"):
            pca(own, wrong)


def red_is_age(img: Tensor) -> Reading:
    """A fake analyzer: twenty years are one step of red, and nothing else is seen."""
    traits = torch.zeros(len(img), len(ATTRIBUTES))
    traits[:, 0] = 20 * img[:, 0].mean((1, 2))
    return Reading(traits, torch.ones(len(img), 1))


def test_a_direction_is_named_by_what_it_moves(tiny: MobileStyleGAN, own: LatentStatistics, monkeypatch):
    monkeypatch.setattr(discover, "READ_SIDE", 32)
    people = generate_latents(tiny, range(4), 1.0)
    readings = discover.read_people(tiny, people, red_is_age)
    assert readings.shape == (4, len(ATTRIBUTES))
    sigmas = trait_sigmas(readings)
    direction = pca(own, 1)[0].direction(Named())
    moved = shifts(tiny, direction, people, red_is_age, sigmas * 1e-3)
    assert {name for name, by in moved.items() if by} == {"age"}
    assert name_direction(moved) in ("age +", "age -")


def test_names():
    assert name_direction({"age": 0.9, "mouth_open": -0.5, "yaw": 0.1}) == "age +, mouth open -"
    assert name_direction({"age": 3.0, "smile": 0.5}) == "age +"  # a sixth of the first
    assert name_direction({"age": 0.1, "smile": -0.2}) == "nothing the analyzer knows"


def test_plain_directions_raise_their_trait(tiny: MobileStyleGAN, own: LatentStatistics, monkeypatch):
    monkeypatch.setattr(discover, "READ_SIDE", 32)
    (age,) = plain_directions(tiny, ["age"], red_is_age, people=own, generator=Named(), count=30)
    people = generate_latents(tiny, range(4), 1.0)
    sigmas = trait_sigmas(discover.read_people(tiny, people, red_is_age)) * 1e-3
    assert age.name == "age"
    assert shifts(tiny, age, people, red_is_age, sigmas)["age"] > 0
