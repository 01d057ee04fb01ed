"""Growing: the mean of one age in place of that of another, on a library whose latents are its labels."""

from __future__ import annotations

import pytest
import torch

from faceloom.edit.growing import CLOSENESS, grow, mean_person
from faceloom.edit.nearby import Library
from faceloom.errors import LatentError


def library(names: tuple[str, ...] = ("age", "gender")) -> Library:
    """People whose latent code holds age / 10, gender, and noise that depends on neither."""
    generator = torch.Generator().manual_seed(0)
    n = 4000
    ages, genders = torch.rand(n, generator=generator) * 80, torch.randn(n, generator=generator) * 2
    noise = torch.randn(n, 2, generator=generator)
    w = torch.cat((ages[:, None] / 10, genders[:, None].clamp(-3, 3), noise), 1)
    return Library(w, torch.stack((ages, genders), 1), torch.zeros(n, 2), names, {}, {})


@pytest.mark.parametrize(("age", "gender"), [(6.0, -2.0), (40.0, 2.0)])
def test_the_mean_person_has_the_age_and_the_gender(age, gender):
    mean = mean_person(library(), age, gender)
    assert float(mean[0]) * 10 == pytest.approx(age, abs=2)
    assert float(mean[1]) == pytest.approx(gender, abs=1)
    assert mean[2:].abs().max() < 0.3


def test_a_grown_person_keeps_a_part_of_what_is_their_own():
    people = library()
    own = torch.tensor([4.0, 1.0, 2.0, -2.0]).expand(1, 5, 4)
    grown = grow(own, people, (40.0, 1.0), (6.0, 1.0))
    assert float(grown[0, 0, 0]) * 10 == pytest.approx(6, abs=3)
    assert torch.allclose(grown[0, :, 2:], CLOSENESS * own[0, :, 2:], atol=0.3)
    assert torch.allclose(grow(own, people, (40.0, 1.0), (40.0, 1.0), closeness=1.0), own, atol=1e-5)


def test_a_library_without_ages_is_refused():
    with pytest.raises(LatentError, match="no ages"):
        mean_person(library(("smile", "glasses")), 6, 0)
