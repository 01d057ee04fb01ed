"""Directions near a person: the library's file, the weights, and fits that follow the neighborhood."""

from __future__ import annotations

import dataclasses
from operator import attrgetter
from pathlib import Path

import pytest
import torch

from faceloom.edit.directions import Direction
from faceloom.edit.nearby import EFFECTIVE, Library, closeness, load_library, localize, read_library, save_library
from faceloom.errors import CorruptFile

W_DIM = 8
BASE = Direction("age", torch.eye(W_DIM)[0], 0.1, "years", 15.0, "hash", "tiny", (1, 2), "notes")


@pytest.fixture(scope="module")
def library() -> Library:
    """Return people whose age grows along the first axis where the last one is positive, else along the second."""
    random = torch.Generator().manual_seed(0)
    w = torch.randn(3000, W_DIM, generator=random)
    w[:, -1] += torch.where(w[:, -1] > 0, 8.0, -8.0)
    age = 10 * torch.where(w[:, -1] > 0, w[:, 0], w[:, 1])
    labels = torch.stack((age, w[:, 2]), 1)
    return Library(w, labels, w[:, 3:5], ("age", "smile"), {"age": ("smile",)}, {"age": 0.0})


def at(place: float) -> torch.Tensor:
    """Return the latent of a person on one side of the library."""
    w_plus = torch.zeros(1, 4, W_DIM)
    w_plus[..., -1] = place
    return w_plus


@pytest.mark.parametrize(("place", "axis"), [(8.0, 0), (-8.0, 1)])
def test_a_direction_follows_the_neighborhood(library: Library, place: float, axis: int):
    (direction,) = localize([BASE], at(place), library)
    assert int(direction.vector.abs().argmax()) == axis
    assert direction.vector[axis] > 0.9
    assert direction.vector.norm() == pytest.approx(1, abs=1e-5)


def test_all_but_the_vector_stays(library: Library):
    (direction,) = localize([BASE], at(8.0), library)
    others = attrgetter("name", "unit", "per_unit", "sigma", "layers", "notes", "generator_hash", "generator_name")
    assert others(direction) == others(BASE)


def test_unknown_directions_stay(library: Library):
    other = dataclasses.replace(BASE, name="gaze")
    assert localize([other], at(8.0), library) == (other,)


def test_the_stated_number_of_people_counts(library: Library):
    weights = closeness(library, at(8.0))
    count = float(weights.sum().square() / weights.square().sum())
    assert count == pytest.approx(EFFECTIVE, rel=0.02)
    assert weights.max() == 1


def test_a_library_is_read_as_it_was_written(library: Library, tmp_path: Path):
    save_library(library, tmp_path / "people.safetensors")
    again = read_library(tmp_path / "people.safetensors")
    torch.testing.assert_close(again.w, library.w, atol=5e-3, rtol=1e-3)
    assert (again.names, again.held, again.suppression) == (library.names, library.held, library.suppression)


def test_a_damaged_library_is_refused(library: Library, tmp_path: Path):
    path = tmp_path / "people.safetensors"
    save_library(library, path)
    path.write_bytes(path.read_bytes()[:1000])
    with pytest.raises(CorruptFile):
        read_library(path)


def test_the_shipped_library_knows_the_shipped_directions():
    library = load_library()
    assert library.w.shape == (6000, 512)
    assert library.labels.shape == (6000, len(library.names))
    assert {"age", "smile", "skin_tone", "hair_lightness"} <= set(library.held)
    assert all(set(held) < set(library.names) for held in library.held.values())
