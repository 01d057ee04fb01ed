"""The face detector's weights: what is missing, damaged or of another net is said to be so."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from faceloom.checkpoints import load
from faceloom.errors import CorruptFile, WrongShape
from faceloom.networks.mtcnn import Mtcnn


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An asset with seeded weights."""
    torch.manual_seed(0)
    for name, net in Mtcnn().named_children():
        save_file(net.state_dict(), tmp_path / f"{name}.safetensors")
    monkeypatch.setattr(load, "open_asset", lambda name: {"mtcnn": tmp_path}[name])
    return tmp_path


def test_weights_come_back(folder: Path) -> None:
    torch.manual_seed(0)
    expected = Mtcnn().state_dict()
    net = load.load_mtcnn()
    assert not net.training
    assert all(not parameter.requires_grad for parameter in net.parameters())
    assert all(tensor.equal(expected[name]) for name, tensor in net.state_dict().items())


def test_damage(folder: Path) -> None:
    path = folder / "rnet.safetensors"
    path.write_bytes(path.read_bytes()[:1000])
    with pytest.raises(CorruptFile, match=r"rnet.safetensors.*models pull"):
        load.load_mtcnn()


def test_another_net(folder: Path) -> None:
    (folder / "onet.safetensors").write_bytes((folder / "pnet.safetensors").read_bytes())
    with pytest.raises(WrongShape, match=r"onet.safetensors"):
        load.load_mtcnn()
