"""Generated latents: a seed always gives the same face, whatever other seeds are given."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from faceloom.edit.generate import generate_latents, make_label, parse_label
from faceloom.errors import LatentError


class Mapping(nn.Module):
    """A generator with a mapping network only."""

    z_dim, c_dim, w_dim, num_ws, img_resolution = 16, 0, 8, 5, 32
    layer_resolutions = (4, 8, 8, 16, 32)

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.layer = nn.Linear(self.z_dim, self.w_dim)
        self.w_avg = torch.randn(self.w_dim)

    def mapping(self, z: Tensor, c: Tensor | None = None) -> Tensor:
        return self.layer(z).tanh()

    def synthesis(self, w_plus: Tensor, noise_mode: str = "const") -> Tensor:
        raise AssertionError("latents are generated without pictures")

    def synthesis_at(self, w_plus: Tensor, resolution: int, noise_mode: str = "const") -> Tensor:
        raise AssertionError("latents are generated without pictures")

    def affines(self, layer: int) -> list[nn.Module]:
        return []


G = Mapping()


def test_seeds_are_those_of_the_stylegan_code() -> None:
    z = torch.from_numpy(np.random.RandomState(7).randn(1, 16)).float()
    assert torch.equal(generate_latents(G, [7], psi=1)[0, 2], G.mapping(z)[0])


def test_other_seeds_change_nothing() -> None:
    together = generate_latents(G, [3, 1, 4, 1, 5])
    alone = torch.cat([generate_latents(G, [seed]) for seed in (3, 1, 4, 1, 5)])
    assert torch.equal(together, alone)
    assert not together.requires_grad


def test_psi() -> None:
    whole = generate_latents(G, [0], psi=1)
    assert torch.equal(generate_latents(G, [0], psi=0), G.w_avg.expand(1, 5, 8))
    torch.testing.assert_close(generate_latents(G, [0], psi=0.7) - G.w_avg, 0.7 * (whole - G.w_avg))
    half = generate_latents(G, [0], psi=0, cutoff=2)
    assert torch.equal(half[:, 2:], whole[:, 2:])
    assert torch.equal(half[:, :2], G.w_avg.expand(1, 2, 8))


def test_no_seed_gives_no_face() -> None:
    assert generate_latents(G, []).shape == (0, 5, 8)


@pytest.mark.parametrize("seed", [-1, 2**32])
def test_seed_out_of_range(seed: int) -> None:
    with pytest.raises(LatentError, match="out of range"):
        generate_latents(G, [seed])


@pytest.mark.parametrize("psi", [float("nan"), float("inf"), 1e308])
def test_psi_out_of_range(psi: float) -> None:
    with pytest.raises(LatentError, match="psi"):
        generate_latents(G, [0], psi=psi)


@pytest.mark.parametrize(
    ("text", "label"),
    [
        ("2", 2),
        ("0.3,1,0", (0.3, 1.0, 0.0)),
        ("1,0", (1.0, 0.0)),
        ("0.5", (0.5,)),
        ("-0.5", (-0.5,)),
        ("1e2", (100.0,)),
    ],
)
def test_labels_are_classes_or_numbers(text: str, label: Any):
    assert parse_label(text) == label


@pytest.mark.parametrize(
    "text",
    ["NaN", "nan,0", "-5", "1e308", "inf", "-inf,1", "", "red", "1,,2", "1" * 400, "9" * 5000, "0.5," * 30_000 + "1"],
)
def test_labels_that_are_not_usable_are_refused(text: str):
    with pytest.raises(LatentError):
        parse_label(text)


def test_a_label_fits_its_generator():
    assert make_label(None, 0) is None
    assert make_label(1, 3).tolist() == [[0, 1, 0]]
    assert make_label((0.25, 1, 0), 3).tolist() == [[0.25, 1, 0]]
    assert make_label((0.5,), 1).tolist() == [[0.5]]
    wrong: list[Any] = [None, 3, -5, (1.0, 2.0), (float("nan"), 0, 0), (1e308, 0, 0)]
    for label in wrong:
        with pytest.raises(LatentError):
            make_label(label, 3)
    with pytest.raises(LatentError, match="class or a number"):
        make_label(0, 1)
    with pytest.raises(LatentError, match="takes no labels"):
        make_label(0, 0)
