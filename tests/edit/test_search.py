"""Finding people: the nearest of many, refined until what is wanted is met. A fake analyzer reads colours."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor

from faceloom.edit import search as module
from faceloom.edit.description import Bound, parse_description
from faceloom.edit.latent_statistics import LatentStatistics, measure_latents
from faceloom.edit.search import SearchConfig, search
from faceloom.errors import LatentError
from faceloom.networks.analyzer import ATTRIBUTES, Reading
from faceloom.networks.mobilestylegan import MobileStyleGAN

FEW = SearchConfig(candidates=8, psi=1.0, steps=25)


def read(img: Tensor) -> Reading:
    """Ages are red, smiles are green, identities are the mean colours."""
    colours = img.mean((2, 3))
    traits = torch.zeros(len(img), len(ATTRIBUTES))
    traits[:, 0] = 40 + 40 * colours[:, 0]
    traits[:, 1] = 10 * colours[:, 1]
    return Reading(traits, torch.nn.functional.normalize(colours, dim=1))


@pytest.fixture
def own(tiny: MobileStyleGAN, monkeypatch: pytest.MonkeyPatch) -> LatentStatistics:
    monkeypatch.setattr(module, "READ_SIDE", 16)
    return measure_latents(tiny, 500)


def ages(G: MobileStyleGAN, own: LatentStatistics) -> list[float]:
    return [
        person.traits["age"] for person in search(G, parse_description("over 1"), read, people=own, count=8, config=FEW)
    ]


def test_candidates_that_meet_it_come_as_they_are(tiny: MobileStyleGAN, own: LatentStatistics):
    middle = sorted(ages(tiny, own))[4]
    found = search(tiny, [Bound("age", middle - 1, middle + 1, "")], read, people=own, count=1, config=FEW)
    assert (found[0].missed, found[0].steps) == (0, 0)
    assert middle - 1 < found[0].traits["age"] < middle + 1
    assert math.isnan(found[0].similarity)


def test_who_is_not_there_is_made(tiny: MobileStyleGAN, own: LatentStatistics):
    seen = sorted(ages(tiny, own))
    older = Bound("age", seen[-1] + 0.5 * (seen[-1] - seen[0]), math.inf, "")
    told: list[float] = []
    found = search(tiny, [older], read, people=own, count=2, config=FEW, callback=lambda done, _: told.append(done))
    assert found[0].missed < 0.5 * ((older.low - seen[-1]) / 4) ** 2
    assert found[0].steps > 0
    assert found[0].w_plus.shape == (1, tiny.num_ws, tiny.w_dim)
    assert torch.equal(found[0].w_plus[:, 0], found[0].w_plus[:, 7])
    assert told == sorted(told)
    assert told[-1] == 1


def test_the_same_seed_finds_the_same_people(tiny: MobileStyleGAN, own: LatentStatistics):
    wanted = parse_description("about 41")
    once, again = (search(tiny, wanted, read, people=own, count=3, config=FEW) for _ in range(2))
    assert [a.seed for a in once] == [b.seed for b in again]
    assert all(torch.equal(a.w_plus, b.w_plus) for a, b in zip(once, again, strict=True))
    other = search(tiny, wanted, read, people=own, count=3, seed=1, config=FEW)
    assert {person.seed for person in other} <= set(range(100_000, 100_008))


def test_likeness_to_a_face(tiny: MobileStyleGAN, own: LatentStatistics):
    like = torch.nn.functional.normalize(torch.tensor([[0.5, -0.5, 0.5]]), dim=1)
    drawn = search(tiny, (), read, people=own, count=8, like=like, config=SearchConfig(candidates=8, psi=1.0, steps=0))
    assert [person.similarity for person in drawn] == sorted((p.similarity for p in drawn), reverse=True)
    refined = search(tiny, (), read, people=own, count=1, like=like, config=FEW)
    assert refined[0].similarity > drawn[0].similarity


def test_wrong_requests(tiny: MobileStyleGAN, own: LatentStatistics):
    with pytest.raises(LatentError, match="whom to look for"):
        search(tiny, (), read, people=own)
    with pytest.raises(LatentError, match="fewer"):
        search(tiny, parse_description("man"), read, people=own, count=9, config=FEW)
