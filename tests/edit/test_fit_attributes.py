"""Directions in an analyzer's units, for a generator that nobody labelled."""

from __future__ import annotations

from dataclasses import dataclass

import pytest
import torch
from torch import Tensor

from faceloom.edit import seen
from faceloom.edit.seen import SEEN, Trait
from faceloom.errors import LatentError
from faceloom.networks.analyzer import TRAITS, Reading
from faceloom.networks.mobilestylegan import MobileStyleGAN


@dataclass(frozen=True)
class Named:
    name: str = "small"
    hash: str = "0123456789abcdef"


def halves(img: Tensor) -> Reading:
    """A fake analyzer: years are how much redder the upper half is, a smile how much greener its own left is."""
    traits = torch.zeros(len(img), len(TRAITS))
    middle = img.shape[-1] // 2
    traits[:, TRAITS.index("age")] = 30_000 * (img[:, 0, :middle] - img[:, 0, middle:]).mean((1, 2))
    traits[:, TRAITS.index("smile")] = 6_000 * (img[:, 1, :middle, :middle] - img[:, 1, :middle, middle:]).mean((1, 2))
    return Reading(traits, torch.nn.functional.normalize(img.flatten(1)[:, ::997], dim=1))


@pytest.fixture
def found(tiny: MobileStyleGAN, monkeypatch: pytest.MonkeyPatch) -> seen.Found:
    monkeypatch.setattr(seen, "READ_SIDE", 32)
    monkeypatch.setattr("faceloom.edit.discover.READ_SIDE", 32)
    monkeypatch.setattr(seen, "SEEN", SEEN | {name: Trait(SEEN[name].unit, 1.0) for name in ("age", "smile")})
    people = seen.look_at(tiny, seen.invented(tiny, 400), halves)
    return seen.fit(tiny, people, seen.invented(tiny, 8, seed=1), halves, generator=Named())


def test_a_unit_is_what_is_seen_and_the_other_holds(found: seen.Found):
    assert [direction.name for direction in found.directions] == ["age", "smile"]
    assert [direction.unit for direction in found.directions] == ["years", "logit"]
    torch.testing.assert_close(found.moved.diagonal(), torch.ones(2), atol=1e-4, rtol=0)
    assert found.moved.fill_diagonal_(0).abs().max() < 0.3
    assert {direction.generator_hash for direction in found.directions} == {Named.hash}


def test_what_hardly_varies_is_missing_and_said(found: seen.Found):
    assert set(found.missing) == set(SEEN) - {"age", "smile"}
    assert "hardly differ" in found.missing["glasses"]


def test_a_generator_in_which_nothing_is_seen(tiny: MobileStyleGAN):
    def blind(img: Tensor) -> Reading:
        return Reading(torch.zeros(len(img), len(TRAITS)), torch.ones(len(img), 4))

    people = seen.look_at(tiny, seen.invented(tiny, 20), blind)
    with pytest.raises(LatentError, match="nothing that the analyzer sees"):
        seen.fit(tiny, people, seen.invented(tiny, 2, seed=1), blind, generator=Named())
