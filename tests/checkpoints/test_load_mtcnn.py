"""Loading of the face detector: weights are restored, damaged or wrong files are named."""

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
    """Return the folder of an asset with seeded weights."""
    torch.manual_seed(0)
    for name, net in Mtcnn().named_children():
        save_file(net.state_dict(), tmp_path / f"{name}.safetensors")
    monkeypatch.setattr(load, "open_asset", lambda name: {"mtcnn": tmp_path}[name])
    return tmp_path


def test_weights_are_loaded(folder: Path) -> None:
    torch.manual_seed(0)
    expected = Mtcnn().state_dict()
    net = load.load_mtcnn()
    assert not net.training
    assert all(not parameter.requires_grad for parameter in net.parameters())
    assert all(tensor.equal(expected[name]) for name, tensor in net.state_dict().items())


def test_damaged_file_is_named(folder: Path) -> None:
    path = folder / "rnet.safetensors"
    path.write_bytes(path.read_bytes()[:1000])
    with pytest.raises(CorruptFile, match=r"rnet.safetensors.*models pull"):
        load.load_mtcnn()


def test_weights_of_another_network_are_named(folder: Path) -> None:
    (folder / "onet.safetensors").write_bytes((folder / "pnet.safetensors").read_bytes())
    with pytest.raises(WrongShape, match=r"onet.safetensors"):
        load.load_mtcnn()
