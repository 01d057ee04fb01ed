"""Reading of attributes in the units of the table."""

from __future__ import annotations

import pytest
import torch

from faceloom.analyze.reading import read_attributes, similarity
from faceloom.networks.analyzer import ATTRIBUTES, DETAILS, Analyzer, Reading


class Fixed(Analyzer):
    """An analyzer with fixed outputs."""

    def __init__(self, **values: float) -> None:
        super().__init__()
        self.row = torch.tensor([values.get(name, 0.0) for name in ATTRIBUTES])

    def forward(self, img: torch.Tensor) -> Reading:
        return Reading(self.row.repeat(len(img), 1), torch.ones(len(img), 128))


def test_logits_become_probabilities_and_sharpness_becomes_pixels():
    (attributes,) = read_attributes(
        Fixed(age=31.26, smile=0.0, glasses=-1000.0, sharpness=7.0), torch.zeros(1, 3, 64, 64)
    )
    assert attributes.age == pytest.approx(31.26)
    assert attributes.smile == 0.5
    assert 0 <= attributes.glasses < 1e-6
    assert attributes.sharpness == pytest.approx(128)
    assert attributes.rounded()["age"] == 31.3


def test_details_are_read_where_the_network_reads_them():
    (without,) = read_attributes(Fixed(), torch.zeros(1, 3, 64, 64))
    (attributes,) = read_attributes(Analyzer().eval(), torch.zeros(1, 3, 64, 64))
    assert set(DETAILS).isdisjoint(without.rounded())
    assert set(DETAILS) < set(attributes.rounded())
    assert 0 < attributes.beard < 1


def test_the_skin_tone_is_measured():
    assert read_attributes(Fixed(), torch.ones(1, 3, 64, 64))[0].skin_tone == pytest.approx(90, abs=0.1)


def test_ages_are_not_negative():
    assert read_attributes(Fixed(age=-3.0), torch.zeros(1, 3, 64, 64))[0].age == 0


def test_similarity_is_a_cosine():
    a, b = torch.eye(128)[:2]
    assert similarity(torch.stack([a, a]), torch.stack([a, b])).tolist() == [1, 0]
