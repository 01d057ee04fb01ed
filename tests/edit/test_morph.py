"""Morphing: exact ends, one row a frame."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from faceloom.edit.morph import morph, morph_path, smoothstep
from faceloom.errors import LatentError, ShapeError

torch.manual_seed(0)
PEOPLE = [torch.randn(1, 5, 16) for _ in range(3)]


def test_ends_are_exact() -> None:
    a, b, _ = PEOPLE
    assert torch.equal(morph(a, b, 0.0), a)
    assert torch.equal(morph(a, b, 1.0), b)


@settings(deadline=None)
@given(st.floats(0, 1))
def test_the_path_is_straight(t: float) -> None:
    a, b, _ = PEOPLE
    torch.testing.assert_close(morph(a, b, t), a + t * (b - a), atol=1e-5, rtol=1e-5)


@settings(deadline=None)
@given(st.integers(2, 3), st.integers(1, 12))
def test_every_person_is_met_exactly(count: int, frames: int) -> None:
    people = PEOPLE[:count]
    rows = morph_path(people, frames)
    assert len(rows) == (count - 1) * frames + 1
    assert torch.equal(rows[::frames], torch.cat(people))


def test_loop_leaves_out_the_repeated_frame() -> None:
    rows = morph_path(PEOPLE, 4, loop=True)
    assert len(rows) == 12
    assert torch.equal(rows[::4], torch.cat(PEOPLE))


def test_eased_starts_slower_than_straight() -> None:
    a, b = PEOPLE[:2]
    eased, straight = morph_path([a, b], 10), morph_path([a, b], 10, ease=lambda t: t)
    assert (eased[1] - a).norm() < (straight[1] - a).norm()
    assert smoothstep(0.0) == 0.0
    assert smoothstep(1.0) == 1.0
    assert smoothstep(0.5) == 0.5


def test_too_few_people_or_frames_are_rejected() -> None:
    with pytest.raises(LatentError, match="two people"):
        morph_path(PEOPLE[:1], 5)
    with pytest.raises(LatentError, match="two people"):
        morph_path(PEOPLE, 0)


@pytest.mark.wrong_types
def test_people_of_two_generators() -> None:
    with pytest.raises(ShapeError, match="one shape"):
        morph_path([PEOPLE[0], torch.zeros(1, 6, 16)], 5)


def test_a_pull_bends_the_middle_towards_w_and_meets_every_person_exactly():
    people = [torch.randn(1, 6, 8) for _ in range(3)]
    frames = morph_path(people, 4, pull=0.4)
    for i, person in enumerate(people):
        assert torch.equal(frames[4 * i], person[0])
    straight = morph_path(people, 4)

    def away(w_plus: torch.Tensor) -> float:
        return float((w_plus - w_plus.mean(0)).norm())

    assert away(frames[2]) == pytest.approx(0.6 * away(straight[2]), rel=1e-5)
    assert torch.equal(morph(people[0], people[1], 1.5, 0.4), morph(people[0], people[1], 1.5))
