"""Styles: files, strengths, and the likenesses that are drawn in one."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from faceloom.errors import CorruptFile, LatentError
from faceloom.likeness import Likeness
from faceloom.style import Style
from faceloom.tensorfile import save

DELTA = {"conv.weight.left": torch.randn(4, 2), "conv.weight.right": torch.randn(2, 3), "conv.bias": torch.randn(4)}


def make_style(**fields) -> Style:
    facts = {"name": "ink", "delta": DELTA, "generator_hash": "0" * 64, "generator_name": "tiny"}
    return Style(**(facts | {"provenance": {"steps": 3}} | fields))


def test_a_file_keeps_the_style_to_bf16(tmp_path: Path):
    make_style(strength=0.5).save(tmp_path / "ink.style")
    back = Style.load(tmp_path / "ink.style")
    assert back.card == make_style(strength=0.5).card
    for name, change in DELTA.items():
        torch.testing.assert_close(back.delta[name], change.bfloat16().float())


@pytest.mark.parametrize("strength", [-0.1, 1.6, float("nan")])
def test_a_strength_out_of_range_is_refused(strength: float):
    with pytest.raises(LatentError, match="strength"):
        make_style().with_strength(strength)


def test_numbers_that_are_not_finite_are_refused():
    with pytest.raises(LatentError, match="finite"):
        make_style(delta={"conv.bias": torch.tensor([torch.inf])})


def test_a_likeness_keeps_its_style(tmp_path: Path):
    person = Likeness(torch.randn(1, 8, 16), "0" * 64, "tiny", delta={"conv.bias": torch.ones(4)}, style=make_style())
    person.save(tmp_path / "me.likeness")
    back = Likeness.load(tmp_path / "me.likeness")
    assert back.style is not None
    assert back.style.card == make_style().card
    assert back.style.delta.keys() == DELTA.keys()
    assert back.delta.keys() == {"conv.bias"}
    assert back.made_by.style == "ink 1"
    assert back.unedited.style is None


def test_a_card_without_a_generator_is_damaged(tmp_path: Path):
    save(tmp_path / "ink.style", "style", 1, DELTA, {"name": "ink", "strength": 1, "provenance": {}})
    with pytest.raises(CorruptFile, match="generator"):
        Style.load(tmp_path / "ink.style")
