"""Unlabeled directions: SeFa by its definition, PCA, and names by the attributes that change."""

from __future__ import annotations

from dataclasses import dataclass

import pytest
import torch
from torch import Tensor

from faceloom.edit import discover
from faceloom.edit.discover import (
    attribute_sigmas,
    fit_plain_directions,
    measure_shifts,
    name_direction,
    pca,
    sefa,
    style_weights,
)
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
def statistics(tiny: MobileStyleGAN) -> LatentStatistics:
    return measure_latents(tiny, 500)


def test_style_weights_are_the_affines(tiny: MobileStyleGAN):
    torch.testing.assert_close(style_weights(tiny, 0), tiny.first.affine.weight, atol=1e-6, rtol=1e-5)
    with pytest.raises(LatentError, match="0 to 7"):
        style_weights(tiny, 8)


def test_sefa_orders_directions_by_the_response_of_the_styles(tiny: MobileStyleGAN, statistics: LatentStatistics):
    components = sefa(tiny, statistics, 16)
    rows = torch.cat([style_weights(tiny, layer) for layer in range(tiny.num_ws)])
    rows = rows / rows.norm(dim=1, keepdim=True)
    responses = [float((rows @ component.vector).square().sum()) for component in components]
    assert responses == sorted(responses, reverse=True)
    assert sum(component.explained for component in components) == pytest.approx(1)
    assert responses[0] / sum(responses) == pytest.approx(components[0].explained, rel=1e-4)
    assert components[0].sigma == pytest.approx(statistics.sigma(components[0].vector))


def test_components_keep_their_layers(tiny: MobileStyleGAN, statistics: LatentStatistics):
    first, last = sefa(tiny, statistics, 1, layers=[0]), sefa(tiny, statistics, 1, layers=[7])
    assert abs(float(first[0].vector @ last[0].vector)) < 0.99
    assert last[0].to_direction(Named()).layers == (7,)


def test_pca_explains_w(tiny: MobileStyleGAN, statistics: LatentStatistics):
    components = pca(statistics, 3)
    assert components[0].explained > components[1].explained > components[2].explained
    assert components[0].sigma == pytest.approx(float(statistics.variances[0]) ** 0.5, rel=1e-5)
    direction = components[1].to_direction(Named(), notes="a note")
    assert (direction.name, direction.unit, direction.per_unit) == ("pca-2", "sigma", components[1].sigma)
    for wrong in (0, 17):
        with pytest.raises(LatentError, match="1 to 16"):
            pca(statistics, wrong)


def red_is_age(img: Tensor) -> Reading:
    """Read a picture as a fake analyzer: twenty years are one step of red."""
    attributes = torch.zeros(len(img), len(ATTRIBUTES))
    attributes[:, 0] = 20 * img[:, 0].mean((1, 2))
    return Reading(attributes, torch.ones(len(img), 1))


def test_a_direction_is_named_by_the_attributes_that_it_changes(
    tiny: MobileStyleGAN, statistics: LatentStatistics, monkeypatch
):
    monkeypatch.setattr(discover, "READ_SIDE", 32)
    people = generate_latents(tiny, range(4), 1.0)
    readings = discover.read_faces(tiny, people, red_is_age)
    assert readings.shape == (4, len(ATTRIBUTES))
    sigmas = attribute_sigmas(readings)
    direction = pca(statistics, 1)[0].to_direction(Named())
    shifts = measure_shifts(tiny, direction, people, red_is_age, sigmas * 1e-3)
    assert {name for name, shift in shifts.items() if shift} == {"age"}
    assert name_direction(shifts) in ("age +", "age -")


def test_names():
    assert name_direction({"age": 0.9, "mouth_open": -0.5, "yaw": 0.1}) == "age +, mouth open -"
    assert name_direction({"age": 3.0, "smile": 0.5}) == "age +"  # a sixth of the first
    assert name_direction({"age": 0.1, "smile": -0.2}) == "nothing the analyzer knows"


def test_plain_directions_raise_their_attribute(tiny: MobileStyleGAN, statistics: LatentStatistics, monkeypatch):
    monkeypatch.setattr(discover, "READ_SIDE", 32)
    (age,) = fit_plain_directions(tiny, ["age"], red_is_age, statistics=statistics, generator=Named(), count=30)
    people = generate_latents(tiny, range(4), 1.0)
    sigmas = attribute_sigmas(discover.read_faces(tiny, people, red_is_age)) * 1e-3
    assert age.name == "age"
    assert measure_shifts(tiny, age, people, red_is_age, sigmas)["age"] > 0
