"""Search: the nearest of many candidates is refined until the bounds are met. A fake analyzer reads colors."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest
import torch
from torch import Tensor

from faceloom.analyze.ensemble import Opinions, to_units
from faceloom.edit import search as module
from faceloom.edit.description import Bound, parse_description
from faceloom.edit.latent_statistics import LatentStatistics, measure_latents
from faceloom.edit.search import SearchConfig, search
from faceloom.errors import LatentError
from faceloom.networks.analyzer import ATTRIBUTES, DETAILS, Reading
from faceloom.networks.mobilestylegan import MobileStyleGAN

FEW = SearchConfig(candidates=8, psi=1.0, steps=25)


def read(img: Tensor) -> Reading:
    """Ages are red, smiles are green, identities are the mean colors."""
    colors = img.mean((2, 3))
    attributes = torch.zeros(len(img), len(ATTRIBUTES))
    attributes[:, 0] = 40 + 40 * colors[:, 0]
    attributes[:, 1] = 10 * colors[:, 1]
    return Reading(attributes, torch.nn.functional.normalize(colors, dim=1))


@pytest.fixture
def statistics(tiny: MobileStyleGAN, monkeypatch: pytest.MonkeyPatch) -> LatentStatistics:
    monkeypatch.setattr(module, "READ_SIDE", 16)
    return measure_latents(tiny, 500)


def ages(G: MobileStyleGAN, statistics: LatentStatistics) -> list[float]:
    return [
        person.attributes["age"]
        for person in search(G, parse_description("over 1"), read, statistics=statistics, count=8, config=FEW)
    ]


def test_candidates_that_meet_the_bounds_are_not_refined(tiny: MobileStyleGAN, statistics: LatentStatistics):
    middle = sorted(ages(tiny, statistics))[4]
    results = search(tiny, [Bound("age", middle - 1, middle + 1, "")], read, statistics=statistics, count=1, config=FEW)
    assert (results[0].missed, results[0].steps, results[0].met) == (0, 0, True)
    assert middle - 1 < results[0].attributes["age"] < middle + 1
    assert math.isnan(results[0].similarity)


def test_a_face_beyond_the_candidates_is_refined(tiny: MobileStyleGAN, statistics: LatentStatistics):
    readings = sorted(ages(tiny, statistics))
    older = Bound("age", readings[-1] + 0.5 * (readings[-1] - readings[0]), math.inf, "")
    progress: list[float] = []
    results = search(
        tiny, [older], read, statistics=statistics, count=2, config=FEW, callback=lambda done, _: progress.append(done)
    )
    assert results[0].missed < 0.5 * ((older.low - readings[-1]) / 4) ** 2
    assert results[0].steps > 0
    assert results[0].w_plus.shape == (1, tiny.num_ws, tiny.w_dim)
    assert torch.equal(results[0].w_plus[:, 0], results[0].w_plus[:, 7])
    assert progress == sorted(progress)
    assert progress[-1] == 1


def test_the_same_seed_gives_the_same_results(tiny: MobileStyleGAN, statistics: LatentStatistics):
    bounds = parse_description("about 41")
    once, again = (search(tiny, bounds, read, statistics=statistics, count=3, config=FEW) for _ in range(2))
    assert [a.seed for a in once] == [b.seed for b in again]
    assert all(torch.equal(a.w_plus, b.w_plus) for a, b in zip(once, again, strict=True))
    other = search(tiny, bounds, read, statistics=statistics, count=3, seed=1, config=FEW)
    assert {person.seed for person in other} <= set(range(100_000, 100_008))


def test_results_resemble_a_given_face(tiny: MobileStyleGAN, statistics: LatentStatistics):
    like = torch.nn.functional.normalize(torch.tensor([[0.5, -0.5, 0.5]]), dim=1)
    drawn = search(
        tiny, (), read, statistics=statistics, count=8, like=like, config=SearchConfig(candidates=8, psi=1.0, steps=0)
    )
    assert [person.similarity for person in drawn] == sorted((p.similarity for p in drawn), reverse=True)
    refined = search(tiny, (), read, statistics=statistics, count=1, like=like, config=FEW)
    assert refined[0].similarity > drawn[0].similarity


def test_a_face_on_which_the_readings_disagree_is_not_a_hit(tiny: MobileStyleGAN, statistics: LatentStatistics):
    def doubt(img: Tensor) -> Opinions:
        reading = read(img)
        spread = torch.zeros_like(reading.attributes)
        spread[:, 0] = 20.0
        return Opinions(to_units(reading.attributes), spread, reading)

    results = search(tiny, parse_description("over 1"), read, statistics=statistics, judge=doubt, count=2, config=FEW)
    assert [(face.missed, face.met) for face in results] == [(0, False), (0, False)]
    assert results[0].spread["age"] == 20


def test_a_description_that_cannot_be_met_is_reported(tiny: MobileStyleGAN, statistics: LatentStatistics):
    config = SearchConfig(candidates=4, psi=1.0, steps=1)
    results = search(tiny, [Bound("age", 500, math.inf, "")], read, statistics=statistics, count=3, config=config)
    assert [face.met for face in results] == [False] * 3
    assert [face.missed for face in results] == sorted(face.missed for face in results)


def read_details(img: Tensor) -> Reading:
    """Beards are blue; the rest is read as by `read`."""
    details = torch.zeros(len(img), len(DETAILS))
    details[:, DETAILS.index("beard")] = 60 * img[:, 2].mean((1, 2))
    return Reading(*read(img)[:2], details)


def test_details_are_searched_for(tiny: MobileStyleGAN, statistics: LatentStatistics):
    drawn = search(
        tiny, parse_description("beard"), read_details, statistics=statistics, count=8, config=replace(FEW, steps=0)
    )
    beards = [face.attributes["beard"] for face in drawn]
    assert beards == sorted(beards, reverse=True) or all(face.missed == 0 for face in drawn)
    refined = search(tiny, parse_description("beard"), read_details, statistics=statistics, count=1, config=FEW)
    assert refined[0].missed <= drawn[0].missed
    assert refined[0].spread["beard"] == 0


def test_a_detail_that_is_not_read_is_refused(tiny: MobileStyleGAN, statistics: LatentStatistics):
    with pytest.raises(LatentError, match="read without it"):
        search(tiny, parse_description("beard"), read, statistics=statistics, config=FEW)


def test_latents_that_seem_to_meet_the_bounds_are_drawn_first(tiny: MobileStyleGAN, statistics: LatentStatistics):
    read_latents: list[int] = []

    def guess(w: Tensor) -> Tensor:
        read_latents.append(len(w))
        values = torch.full((len(w), len(ATTRIBUTES)), torch.nan)
        values[:, 1] = 100 * w[:, 0]
        return values

    config = SearchConfig(candidates=2, pool=50, psi=1.0, steps=0)
    smiling = parse_description("smiling")
    results = search(tiny, smiling, read, statistics=statistics, guess=guess, count=2, config=config)
    assert read_latents[:2] == [50, 50]
    assert all(face.w_plus[0, 0, 0] > 0 for face in results)


def test_invalid_requests_are_rejected(tiny: MobileStyleGAN, statistics: LatentStatistics):
    with pytest.raises(LatentError, match="neither a description"):
        search(tiny, (), read, statistics=statistics)
    with pytest.raises(LatentError, match="fewer"):
        search(tiny, parse_description("man"), read, statistics=statistics, count=9, config=FEW)
