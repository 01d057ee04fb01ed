"""Mixing by layer."""

from __future__ import annotations

import pytest
import torch

from faceloom.edit.mix import W_PULL_MIXING, mix, mix_grid
from faceloom.errors import LatentError, ShapeError
from faceloom.latents import broadcast

torch.manual_seed(0)
A, B = torch.randn(2, 5, 16), torch.randn(2, 5, 16)


def test_every_layer_gives_the_other_face() -> None:
    assert torch.equal(mix(A, B, range(5)), B)


def test_no_layer_changes_nothing() -> None:
    assert torch.equal(mix(A, B, []), A)


def test_chosen_layers_only() -> None:
    out = mix(A, B, [1, 3])
    assert torch.equal(out[:, [1, 3]], B[:, [1, 3]])
    assert torch.equal(out[:, [0, 2, 4]], A[:, [0, 2, 4]])


def test_one_person_into_many() -> None:
    assert torch.equal(mix(A, B[:1], [4])[1], mix(A[1:], B[:1], [4])[0])


def test_grid() -> None:
    grid = mix_grid(A, torch.cat([B, A]), [0, 1])
    assert grid.shape == (2, 4, 5, 16)
    assert torch.equal(grid[1, 0], mix(A[1:], B[:1], [0, 1])[0])
    assert torch.equal(grid[0, 2], A[0])


@pytest.mark.parametrize("layers", [[5], [-1]])
def test_layers_out_of_range_are_rejected(layers: list[int]) -> None:
    with pytest.raises(LatentError, match="0 to 4"):
        mix(A, B, layers)


@pytest.mark.wrong_types
def test_faces_of_two_generators_are_rejected() -> None:
    with pytest.raises(ShapeError, match="one shape"):
        mix(A, torch.zeros(1, 6, 16), [0])


def test_a_pull_moves_people_in_w_plus_and_leaves_the_ends_and_people_in_w():
    a, b = torch.randn(2, 1, 8, 16).unbind()
    for layers, end in (([], a), (range(8), b)):
        assert torch.equal(mix(a, b, layers, W_PULL_MIXING), end)
    mixed = mix(a, b, [0, 1, 2, 3], W_PULL_MIXING)
    torch.testing.assert_close(mixed[:, :4], b[:, :4].lerp(b.mean(1, keepdim=True), W_PULL_MIXING))
    torch.testing.assert_close(mixed[:, 4:], a[:, 4:].lerp(a.mean(1, keepdim=True), W_PULL_MIXING))
    flat = [broadcast(person[:, 0], 8) for person in (a, b)]
    torch.testing.assert_close(mix(*flat, [0, 5], W_PULL_MIXING), mix(*flat, [0, 5]))
