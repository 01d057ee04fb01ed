"""Encoders imported together with a generator: import, loading by name, and errors."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch

from faceloom.checkpoints.face_encoder import load_imported_encoder
from faceloom.checkpoints.importing import convert_checkpoint, import_checkpoint
from faceloom.checkpoints.library import read_imported_cards
from faceloom.checkpoints.load import load_generator
from faceloom.errors import AssetError, CorruptFile
from faceloom.networks.psp_encoder import PspEncoder, PspEncoderConfig
from tests.checkpoints import foreign_files

G = foreign_files.make_stylegan2()
TINY = PspEncoderConfig(head_depths=(4,) * 8, width=16, w_dim=8)


@pytest.fixture(autouse=True)
def _home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FACELOOM_HOME", str(tmp_path / "home"))
    load_generator.cache_clear()


def save_checkpoint(path: Path, network: PspEncoder, **more: Any) -> Path:
    state = {f"encoder.{name}": tensor for name, tensor in network.state_dict().items()}
    state |= {f"decoder.{name}": tensor for name, tensor in foreign_files.rosinality_names(G).items()}
    return foreign_files.save_torch(
        path, {"state_dict": state, "opts": {"encoder_type": "GradualStyleEncoder"}, **more}
    )


def make_encoder(**changes: Any) -> PspEncoder:
    torch.manual_seed(1)
    return PspEncoder(PspEncoderConfig(**{**vars(TINY), **changes})).eval().requires_grad_(False)


def test_encoder_is_imported_with_its_generator(tmp_path: Path):
    network, mean, img = make_encoder(), torch.randn(8, 8), torch.randn(1, 3, 256, 256)
    path = save_checkpoint(tmp_path / "psp.pt", network, latent_avg=mean)
    import_checkpoint(path, "a")
    assert read_imported_cards()["a"]["encoder"] == "read"
    assert not any("encoder" in key for key in read_imported_cards()["a"]["unused_keys"])
    torch.testing.assert_close(load_imported_encoder("a").encode(img), mean + network(img))
    import_checkpoint(convert_checkpoint(path, tmp_path / "out"), "b")
    torch.testing.assert_close(load_imported_encoder("b").encode(img), mean + network(img))


def test_e4e_without_a_mean_uses_the_generators(tmp_path: Path):
    network, img = make_encoder(progressive=True), torch.randn(1, 3, 256, 256)
    opts = {"encoder_type": "Encoder4Editing", "start_from_latent_avg": True}
    import_checkpoint(save_checkpoint(tmp_path / "e4e.pt", network, opts=opts), "a")
    torch.testing.assert_close(load_imported_encoder("a").encode(img), load_generator("a").G.w_avg + network(img))


def test_restyle_iterates(tmp_path: Path):
    network, img = make_encoder(in_channels=6), torch.randn(1, 3, 256, 256)
    mean = G.w_avg.expand(8, -1)
    opts = {"encoder_type": "BackboneEncoder"}
    import_checkpoint(save_checkpoint(tmp_path / "r.pt", network, opts=opts, latent_avg=mean), "a")
    w_plus = load_imported_encoder("a").encode(img)
    assert w_plus.shape == (1, 8, 8)
    assert not torch.allclose(w_plus, mean)


def test_unsupported_encoder_does_not_prevent_the_import(tmp_path: Path):
    import_checkpoint(
        save_checkpoint(tmp_path / "r.pt", make_encoder(), opts={"encoder_type": "ResNetBackboneEncoder"}), "a"
    )
    assert read_imported_cards()["a"]["encoder"].startswith("not read: the encoder is a ResNetBackboneEncoder")
    with pytest.raises(AssetError, match="without an encoder"):
        load_imported_encoder("a")
    broken = make_encoder()
    broken.styles[3].linear.weight.fill_(torch.nan)
    import_checkpoint(save_checkpoint(tmp_path / "n.pt", broken), "b")
    assert "not finite" in read_imported_cards()["b"]["encoder"]


def test_damaged_encoder_is_refused(tmp_path: Path):
    folder = import_checkpoint(save_checkpoint(tmp_path / "p.pt", make_encoder()), "a")
    path = folder / "encoder.safetensors"
    path.write_bytes(path.read_bytes()[:-100])
    with pytest.raises(CorruptFile, match="is damaged"):
        load_imported_encoder("a")
