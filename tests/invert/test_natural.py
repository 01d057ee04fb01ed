"""The natural search: it comes nearer, keeps the best, and survives what is no number."""

from __future__ import annotations

import pytest
import torch

from faceloom.errors import ShapeError
from faceloom.invert.budget import EncodeConfig, invert_within
from faceloom.invert.inversion import measure
from faceloom.invert.natural import Comparison, NaturalSearch
from faceloom.networks.analyzer import Analyzer
from faceloom.networks.curvature import Curvature


@pytest.fixture(scope="module")
def comparison(tools):
    torch.manual_seed(1)
    return Comparison(tools["alexnet"], Analyzer().eval().requires_grad_(False))


def searching(tools, comparison, img=None):
    G, img = tools["G"], tools["img"] if img is None else img
    curvature = Curvature(G.num_ws, G.w_dim, stiff=1)
    curvature.scales.fill_(0.1)
    return NaturalSearch(G, comparison.to(img), G.w_avg.expand(len(img), G.num_ws, -1), curvature)


def test_it_comes_nearer_and_says_how_near(tools, comparison):
    search = searching(tools, comparison)
    search.look()
    before = search.losses()[1]
    for number in range(6):
        search.step(number, 0.0)
    w_plus, lpips, mse, _ = search.finish()
    assert search.losses()[1] < before
    expected = measure(tools["G"], w_plus, tools["img"], tools["alexnet"])
    assert (lpips[0], mse[0]) == pytest.approx((expected[0][0], expected[1][0]), abs=1e-5)


def test_everybody_has_a_best(tools, comparison):
    search = searching(tools, comparison, torch.cat((tools["img"], -tools["img"])))
    search.step(0, 0.0)
    search.w_plus = search.w_plus.detach() + torch.tensor([0.0, torch.nan])[:, None, None]  # the second is lost
    w_plus, lpips, mse, _ = search.finish()
    assert len(lpips) == len(mse) == 2
    assert torch.isfinite(w_plus).all()


def test_what_is_no_number_is_not_kept(tools, comparison):
    search = searching(tools, comparison)
    search.look()
    search.seen, search.w_plus = None, torch.full_like(search.w_plus.detach(), torch.nan)
    w_plus, lpips, _, _ = search.finish()
    assert torch.isfinite(w_plus).all()
    assert torch.isfinite(torch.tensor(lpips)).all()


def test_another_size_is_refused(tools, comparison):
    with pytest.raises(ShapeError, match="256"):
        searching(tools, comparison, torch.zeros(1, 3, 128, 128))


def within(tools, comparison, seen=None, **config):
    G = tools["G"]
    curvature = Curvature(G.num_ws, G.w_dim, stiff=1)
    return invert_within(
        G,
        tools["img"],
        alexnet=tools["alexnet"],
        first=lambda img: G.w_avg.expand(1, G.num_ws, -1),
        natural=lambda img, start: NaturalSearch(G, comparison.to(img), start, curvature),
        config=EncodeConfig(**({"seconds": None} | config)),
        callback=None if seen is None else seen.append,
    )


def test_the_clock_deals_its_steps(tools, comparison):
    seen = []
    found = within(tools, comparison, seen, steps=20)
    assert [step["phase"] for step in seen] == ["search"] * 8 + ["tune"] * 12
    assert found.steps == 20
    assert found.delta


def test_without_time_the_first_guess_counts(tools, comparison):
    found = within(tools, comparison, seconds=1e-9)
    assert found.steps == 0
    assert torch.equal(found.w_plus, tools["G"].w_avg.expand_as(found.w_plus))


def test_in_w_it_is_adams_search(tools, comparison):
    found = within(tools, comparison, steps=4, space="w")
    assert torch.equal(found.w_plus[:, :1].expand_as(found.w_plus), found.w_plus)
