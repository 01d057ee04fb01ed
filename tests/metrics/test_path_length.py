"""Path length of a tiny generator, and the pictures that are drawn and opened for measuring."""

from __future__ import annotations

import zipfile
from pathlib import Path

import pytest
import torch
from PIL import Image
from torch import Tensor, nn

from faceloom.errors import LatentError
from faceloom.metrics import compare, extract, generate_pictures, open_pictures, path_length
from faceloom.metrics.path_length import trimmed_mean
from faceloom.networks.mobilestylegan import MobileStyleGAN


class Linear:
    """A generator whose picture is w itself, so that its path length is known."""

    z_dim = w_dim = 12
    c_dim, num_ws = 0, 1
    img_resolution, layer_resolutions = 2, (2,)
    w_avg = torch.zeros(12)

    def mapping(self, z: Tensor, c: Tensor | None = None) -> Tensor:
        return z

    def synthesis(self, w_plus: Tensor, noise_mode: str = "const") -> Tensor:
        return w_plus.view(-1, 3, 2, 2)

    def synthesis_at(self, w_plus: Tensor, resolution: int, noise_mode: str = "const") -> Tensor:
        return self.synthesis(w_plus)

    def affines(self, layer: int) -> tuple[nn.Module, ...]:
        return ()


def squared(a: Tensor, b: Tensor) -> Tensor:
    return (a - b).square().sum((1, 2, 3))


def test_the_path_length_of_the_identity_is_the_distance_in_w():
    G = Linear()
    lengths = path_length(G, squared, 400)
    assert lengths == pytest.approx(24, rel=0.15)  # E |w1 - w0|^2 = 2 * 12, of normals; float32 steps of 1e-4
    with pytest.raises(LatentError):
        path_length(G, squared, 2)


def test_outliers_are_dropped():
    values = torch.cat([torch.ones(98), torch.tensor([1e9, -1e9])]).double()
    assert trimmed_mean(values) == 1


def test_pictures_are_generated_by_their_seeds(tiny: MobileStyleGAN):
    counts: list[int] = []
    three = list(generate_pictures(tiny, 3, seed=5, callback=lambda done, _: counts.append(done)))
    assert [list(img.shape) for img in three] == [[1, 3, 32, 32]] * 3
    torch.testing.assert_close(next(iter(generate_pictures(tiny, 1, seed=6))), three[1], rtol=0, atol=0)
    assert counts == [1, 2, 3]


def test_open_pictures_skips_unreadable_files(tmp_path: Path):
    for i in range(5):
        Image.new("RGB", (20 + i, 20), (40 * i, 0, 0)).save(tmp_path / f"{i}.png")
    (tmp_path / "1.png").write_text("text")
    broken: list[str] = []
    pictures = list(open_pictures(tmp_path, 3, broken=lambda _, error: broken.append(error)))
    assert [img.shape[-1] for img in pictures] == [20, 22, 23]
    assert broken[0].startswith("1.png: ")


class MeanColor:
    """A feature network that returns the mean color."""

    name, frechet_name, kernel_name, dim = "means", "Frechet distance (means)", "kernel distance (means)", 3

    def prepare(self, img: Tensor) -> Tensor:
        return img.mean((2, 3), keepdim=True)

    def __call__(self, prepared: Tensor) -> Tensor:
        return prepared.flatten(1)


def test_compare(tmp_path: Path):
    with zipfile.ZipFile(tmp_path / "d.zip", "w") as archive:
        for i in range(8):
            Image.new("RGB", (16, 16), (30 * i, 9 * i * i % 256, 200)).save(tmp_path / "x.png")
            archive.write(tmp_path / "x.png", f"{i}.png")
    features = extract(MeanColor(), open_pictures(tmp_path / "d.zip"))
    comparison = compare(MeanColor(), features, features)
    assert comparison.counts == (8, 8)
    assert comparison.frechet == pytest.approx(0, abs=1e-9)
    assert comparison.manifolds.precision == 1
    assert "only 8 pictures" in comparison.notes[0]
