"""Attribute directions in an analyzer's units, for a generator without labels."""

from __future__ import annotations

from dataclasses import dataclass

import pytest
import torch
from torch import Tensor

from faceloom.edit import fit_attributes
from faceloom.edit.fit_attributes import FITTED_ATTRIBUTES, FittedAttribute
from faceloom.errors import LatentError
from faceloom.networks.analyzer import ATTRIBUTES, Reading
from faceloom.networks.mobilestylegan import MobileStyleGAN


@dataclass(frozen=True)
class Named:
    name: str = "small"
    hash: str = "0123456789abcdef"


def halves(img: Tensor) -> Reading:
    """Read a picture as a fake analyzer: age is red in the upper half, a smile green in its left half."""
    attributes = torch.zeros(len(img), len(ATTRIBUTES))
    middle = img.shape[-1] // 2
    attributes[:, ATTRIBUTES.index("age")] = 30_000 * (img[:, 0, :middle] - img[:, 0, middle:]).mean((1, 2))
    attributes[:, ATTRIBUTES.index("smile")] = 6_000 * (img[:, 1, :middle, :middle] - img[:, 1, :middle, middle:]).mean(
        (1, 2)
    )
    return Reading(attributes, torch.nn.functional.normalize(img.flatten(1)[:, ::997], dim=1))


@pytest.fixture
def fit(tiny: MobileStyleGAN, monkeypatch: pytest.MonkeyPatch) -> fit_attributes.AttributeFit:
    monkeypatch.setattr(fit_attributes, "READ_SIDE", 32)
    monkeypatch.setattr("faceloom.edit.discover.READ_SIDE", 32)
    monkeypatch.setattr(
        fit_attributes,
        "FITTED_ATTRIBUTES",
        FITTED_ATTRIBUTES | {name: FittedAttribute(FITTED_ATTRIBUTES[name].unit, 1.0) for name in ("age", "smile")},
    )
    people = fit_attributes.read_generated(tiny, fit_attributes.sample_faces(tiny, 400), halves)
    return fit_attributes.fit(tiny, people, fit_attributes.sample_faces(tiny, 8, seed=1), halves, generator=Named())


def test_units_are_measured_and_the_other_attribute_is_held(fit: fit_attributes.AttributeFit):
    assert [direction.name for direction in fit.directions] == ["age", "smile"]
    assert [direction.unit for direction in fit.directions] == ["years", "logit"]
    torch.testing.assert_close(fit.moved.diagonal(), torch.ones(2), atol=1e-4, rtol=0)
    assert fit.moved.fill_diagonal_(0).abs().max() < 0.3
    assert {direction.generator_hash for direction in fit.directions} == {Named.hash}


def test_attributes_that_hardly_vary_are_missing(fit: fit_attributes.AttributeFit):
    assert set(fit.missing) == set(FITTED_ATTRIBUTES) - {"age", "smile"}
    assert "hardly differ" in fit.missing["glasses"]


def test_a_generator_that_changes_no_attribute_is_rejected(tiny: MobileStyleGAN):
    def blind(img: Tensor) -> Reading:
        return Reading(torch.zeros(len(img), len(ATTRIBUTES)), torch.ones(len(img), 4))

    people = fit_attributes.read_generated(tiny, fit_attributes.sample_faces(tiny, 20), blind)
    with pytest.raises(LatentError, match="changes no attribute"):
        fit_attributes.fit(tiny, people, fit_attributes.sample_faces(tiny, 2, seed=1), blind, generator=Named())
