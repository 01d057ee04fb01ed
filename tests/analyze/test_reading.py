"""Traits: the units that people use."""

from __future__ import annotations

import pytest
import torch

from faceloom.analyze.reading import read_attributes, similarity
from faceloom.networks.analyzer import ATTRIBUTES, Analyzer, Reading


class Fixed(Analyzer):
    """An analyzer that says what it is told."""

    def __init__(self, **values: float) -> None:
        super().__init__()
        self.row = torch.tensor([values.get(name, 0.0) for name in ATTRIBUTES])

    def forward(self, img: torch.Tensor) -> Reading:
        return Reading(self.row.repeat(len(img), 1), torch.ones(len(img), 128))


def test_logits_are_told_as_probabilities_and_sharpness_in_pixels():
    (traits,) = read_attributes(Fixed(age=31.26, smile=0.0, glasses=-1000.0, sharpness=7.0), torch.zeros(1, 3, 64, 64))
    assert traits.age == pytest.approx(31.26)
    assert traits.smile == 0.5
    assert 0 <= traits.glasses < 1e-6
    assert traits.sharpness == pytest.approx(128)
    assert traits.rounded()["age"] == 31.3


def test_nobody_is_younger_than_nothing():
    assert read_attributes(Fixed(age=-3.0), torch.zeros(1, 3, 64, 64))[0].age == 0


def test_similarity_is_a_cosine():
    a, b = torch.eye(128)[:2]
    assert similarity(torch.stack([a, a]), torch.stack([a, b])).tolist() == [1, 0]
