"""The ensemble: means and spreads over two networks and several views."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from faceloom.analyze.ensemble import (
    CALIBRATION,
    LATENT_ATTRIBUTES,
    SECOND_WEIGHT,
    correct_ages,
    read_both,
    read_latents,
    read_opinions,
    to_units,
)
from faceloom.checkpoints.shipped import load_latent_reader
from faceloom.errors import ShapeError
from faceloom.networks.analyzer import ATTRIBUTES, DETAILS, Analyzer, Reading
from faceloom.networks.second_analyzer import SECOND_ATTRIBUTES, SecondAnalyzer

AGE, YAW, GLASSES = (ATTRIBUTES.index(name) for name in ("age", "yaw", "glasses"))


class First(Analyzer):
    """An analyzer whose ages are the mean color, and whose yaw is the difference of the halves."""

    def forward(self, img: Tensor) -> Reading:
        attributes = torch.zeros(len(img), len(ATTRIBUTES))
        attributes[:, AGE] = 40 + 20 * img.mean((1, 2, 3))
        half = img.shape[-1] // 2
        attributes[:, YAW] = img[..., :half].mean((1, 2, 3)) - img[..., half:].mean((1, 2, 3))
        return Reading(attributes, torch.nn.functional.normalize(torch.ones(len(img), 128), dim=1))


class Second(SecondAnalyzer):
    """A network that reads `age` years in every picture."""

    def __init__(self, age: float) -> None:
        super().__init__()
        self.age = age

    def forward(self, img: Tensor) -> Tensor:
        return torch.cat((torch.full((len(img), 1), self.age), torch.zeros(len(img), len(SECOND_ATTRIBUTES) - 1)), 1)


def test_networks_that_agree_have_no_spread():
    same = (40.0 - CALIBRATION["age"][0]) / CALIBRATION["age"][1]
    opinions = read_opinions(First(), Second(same), torch.zeros(2, 3, 100, 100))
    assert opinions.mean.shape == opinions.spread.shape == (2, len(ATTRIBUTES))
    assert opinions.mean[:, AGE].tolist() == pytest.approx([40, 40], abs=0.5)
    assert float(opinions.spread[0, AGE]) < 0.5
    assert 0.5 <= float(opinions.mean[0, GLASSES]) < 0.6
    assert opinions.agree(("age", "glasses")).tolist() == [True, True]


def test_networks_that_disagree_have_a_spread():
    opinions = read_opinions(First(), Second(70.0), torch.zeros(1, 3, 100, 100))
    assert 45 < float(opinions.mean[0, AGE]) < 65
    assert float(opinions.spread[0, AGE]) > 15
    assert not opinions.agree(("age",))
    assert opinions.agree(("glasses",))


def test_mirroring_a_face_changes_the_sign_of_its_yaw():
    img = torch.randn(1, 3, 100, 100)
    straight, mirrored = (read_opinions(First(), Second(40.0), view).reading.attributes for view in (img, img.flip(3)))
    assert float(straight[0, YAW]) == pytest.approx(-float(mirrored[0, YAW]), abs=0.05)


def test_both_networks_read_once_with_gradients():
    img = torch.zeros(1, 3, 100, 100, requires_grad=True)
    reading = read_both(First(), Second(60.0), img)
    assert reading.attributes[0, AGE].item() == pytest.approx(
        40 + SECOND_WEIGHT * (CALIBRATION["age"][0] + CALIBRATION["age"][1] * 60 - 40)
    )
    assert torch.autograd.grad(reading.attributes[0, AGE], [img])[0].abs().sum() > 0


def test_ages_of_children_are_corrected_and_others_stay():
    values = torch.zeros(4, len(ATTRIBUTES))
    values[:, AGE] = torch.tensor([-3.0, 7.3, 19.999, 50.0])
    values.requires_grad_()
    ages = correct_ages(values)[:, AGE]
    assert ages.tolist() == pytest.approx([-3 * 2.9 / 4, 5.0, 20.0, 50.0], abs=1e-2)
    assert (torch.autograd.grad(ages.sum(), [values])[0][:, AGE] > 0).all()


def test_latents_are_read_where_they_tell_something():
    values = read_latents(load_latent_reader(), torch.zeros(2, 512))
    known = [name for name, value in zip(ATTRIBUTES, values[0].tolist(), strict=True) if value == value]
    assert set(known) == set(LATENT_ATTRIBUTES)
    with pytest.raises(ShapeError, match="expected"):
        read_latents(load_latent_reader(), torch.zeros(2, 16))


def test_logits_become_probabilities_and_sharpness_pixels():
    values = to_units(torch.zeros(len(ATTRIBUTES)))
    assert values[AGE] == 0
    assert values[GLASSES] == 0.5
    assert values[ATTRIBUTES.index("sharpness")] == 1


def test_details_are_the_mean_of_the_views_with_their_spread():
    class WithDetails(First):
        def forward(self, img: Tensor) -> Reading:
            details = torch.zeros(len(img), len(DETAILS))
            details[:, 0] = img.mean((1, 2, 3))
            return super().forward(img)._replace(details=details)

    img = torch.linspace(-1, 1, 100).expand(1, 3, 100, 100)
    opinions = read_opinions(WithDetails(), Second(40.0), img)
    assert opinions.reading.details.shape == opinions.details_spread.shape == (1, len(DETAILS))
    assert float(opinions.details_spread[0, 0]) > 0
    assert opinions.details_spread[0, 1:].tolist() == [0] * (len(DETAILS) - 1)
    assert read_opinions(First(), Second(40.0), img).details_spread.numel() == 0
