"""Directions in an analyzer's units, for a generator that nobody labelled."""

from __future__ import annotations

from dataclasses import dataclass

import pytest
import torch
from torch import Tensor

from faceloom.edit import fit_attributes
from faceloom.edit.fit_attributes import SEEN, Trait
from faceloom.errors import LatentError
from faceloom.networks.analyzer import ATTRIBUTES, Reading
from faceloom.networks.mobilestylegan import MobileStyleGAN


@dataclass(frozen=True)
class Named:
    name: str = "small"
    hash: str = "0123456789abcdef"


def halves(img: Tensor) -> Reading:
    """A fake analyzer: years are how much redder the upper half is, a smile how much greener its own left is."""
    traits = torch.zeros(len(img), len(ATTRIBUTES))
    middle = img.shape[-1] // 2
    traits[:, ATTRIBUTES.index("age")] = 30_000 * (img[:, 0, :middle] - img[:, 0, middle:]).mean((1, 2))
    traits[:, ATTRIBUTES.index("smile")] = 6_000 * (img[:, 1, :middle, :middle] - img[:, 1, :middle, middle:]).mean(
        (1, 2)
    )
    return Reading(traits, torch.nn.functional.normalize(img.flatten(1)[:, ::997], dim=1))


@pytest.fixture
def found(tiny: MobileStyleGAN, monkeypatch: pytest.MonkeyPatch) -> fit_attributes.FittedDirection:
    monkeypatch.setattr(fit_attributes, "READ_SIDE", 32)
    monkeypatch.setattr("faceloom.edit.discover.READ_SIDE", 32)
    monkeypatch.setattr(fit_attributes, "SEEN", SEEN | {name: Trait(SEEN[name].unit, 1.0) for name in ("age", "smile")})
    people = fit_attributes.read_generated(tiny, fit_attributes.generated_faces(tiny, 400), halves)
    return fit_attributes.fit(tiny, people, fit_attributes.generated_faces(tiny, 8, seed=1), halves, generator=Named())


def test_a_unit_is_what_is_seen_and_the_other_holds(found: fit_attributes.FittedDirection):
    assert [direction.name for direction in found.directions] == ["age", "smile"]
    assert [direction.unit for direction in found.directions] == ["years", "logit"]
    torch.testing.assert_close(found.moved.diagonal(), torch.ones(2), atol=1e-4, rtol=0)
    assert found.moved.fill_diagonal_(0).abs().max() < 0.3
    assert {direction.generator_hash for direction in found.directions} == {Named.hash}


def test_what_hardly_varies_is_missing_and_said(found: fit_attributes.FittedDirection):
    assert set(found.missing) == set(SEEN) - {"age", "smile"}
    assert "hardly differ" in found.missing["glasses"]


def test_a_generator_in_which_nothing_is_seen(tiny: MobileStyleGAN):
    def blind(img: Tensor) -> Reading:
        return Reading(torch.zeros(len(img), len(ATTRIBUTES)), torch.ones(len(img), 4))

    people = fit_attributes.read_generated(tiny, fit_attributes.generated_faces(tiny, 20), blind)
    with pytest.raises(LatentError, match="nothing that the analyzer sees"):
        fit_attributes.fit(tiny, people, fit_attributes.generated_faces(tiny, 2, seed=1), blind, generator=Named())
