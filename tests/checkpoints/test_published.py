"""Conversion of published archives with small stand-ins and real weights, and download of published generators."""

from __future__ import annotations

import json
import os
import pickle
import re
import subprocess
import sys
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors import safe_open

from faceloom.assets import MANIFEST, open_asset
from faceloom.checkpoints import published
from faceloom.checkpoints.library import read_imported_cards, remove_model
from faceloom.checkpoints.load import load_generator
from faceloom.errors import AssetError
from tests.checkpoints import foreign_files


def read_shapes(path: Path) -> dict[str, list[int]]:
    with safe_open(path, "pt") as file:
        return {key: file.get_slice(key).get_shape() for key in file.keys()}  # noqa: SIM118 (no dict)


def test_converters_belong_to_manifest_assets() -> None:
    assert set(published.CONVERTERS) == set(MANIFEST) - {"portraits", "minilm"}


def test_default_assets() -> None:
    assert published.DEFAULT_ASSETS == ("mobilestylegan-ffhq", "lpips", "mtcnn")


def test_mtcnn_keeps_names_and_values(tmp_path: Path) -> None:
    state = {"conv1.weight": torch.arange(24.0).reshape(2, 3, 4).mT, "prelu1.weight": torch.ones(2)}
    for net in ("pnet", "rnet", "onet"):
        torch.save(state, tmp_path / f"{net}.pt")
    converted = published.convert_mtcnn(tmp_path)
    assert list(converted) == ["pnet.safetensors", "rnet.safetensors", "onet.safetensors"]
    for tensors in converted.values():
        assert list(tensors) == list(state)
        assert all(tensors[key].is_contiguous() and torch.equal(tensors[key], state[key]) for key in state)


def test_mtcnn_files_cannot_run_code(tmp_path: Path) -> None:
    canary = tmp_path / "canary"

    class Malice:
        def __reduce__(self) -> Any:
            return os.mkdir, (str(canary),)

    for net in ("pnet", "rnet", "onet"):
        torch.save({"conv1.weight": Malice()}, tmp_path / f"{net}.pt")
    with pytest.raises(pickle.UnpicklingError):
        published.convert_mtcnn(tmp_path)
    assert not canary.exists()


def test_unknown_names_are_refused_before_any_download(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FACELOOM_HOME", str(tmp_path / "home"))
    with pytest.raises(AssetError, match="no asset is called 'vgg19'"):
        published.pull_assets(["mtcnn", "vgg19"])
    assert not (tmp_path / "home").exists()


def test_torch_is_loaded_lazily() -> None:
    code = "import sys, faceloom.checkpoints.published; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


@pytest.mark.models
@pytest.mark.parametrize("name", published.DEFAULT_ASSETS)
def test_real_files_have_card_and_license(name: str) -> None:
    folder = open_asset(name)
    text = (folder / "LICENSE").read_text(encoding="utf-8")
    assert re.search(rf"Licen[cs]e: {re.escape(MANIFEST[name].license)}", text)
    for file in MANIFEST[name].files:
        with safe_open(folder / file, "pt") as tensors:
            card = json.loads(tensors.metadata()["faceloom"])
        assert card["licence"] == MANIFEST[name].license
        assert card["sources"][0]["sha256"] == MANIFEST[name].archives[0].sha256


@pytest.mark.models
@pytest.mark.parametrize(
    ("net", "convs", "first", "heads"),
    [
        ("vgg16", 13, [64, 3, 3, 3], [64, 128, 256, 512, 512]),
        ("alexnet", 5, [64, 3, 11, 11], [64, 192, 384, 256, 256]),
    ],
)
def test_real_lpips(net: str, convs: int, first: list[int], heads: list[int]) -> None:
    shapes = read_shapes(open_asset("lpips") / f"{net}.safetensors")
    assert len(shapes) == 2 * convs + 5
    assert shapes["conv0.weight"] == first
    assert [shapes[f"lin{k}.weight"] for k in range(5)] == [[1, c, 1, 1] for c in heads]


@pytest.mark.models
def test_real_heads_have_no_negative_weights() -> None:
    """Check that LPIPS's heads have weights >= 0, as they are trained (Zhang et al. 2018, section 3)."""
    for net in ("vgg16", "alexnet"):
        with safe_open(open_asset("lpips") / f"{net}.safetensors", "pt") as file:
            assert all(file.get_tensor(f"lin{k}.weight").min() >= 0 for k in range(5))


@pytest.mark.models
def test_real_mtcnn() -> None:
    folder = open_asset("mtcnn")
    assert read_shapes(folder / "pnet.safetensors")["conv4_1.weight"] == [2, 32, 1, 1]
    assert read_shapes(folder / "rnet.safetensors")["dense5_1.weight"] == [2, 128]
    assert read_shapes(folder / "onet.safetensors")["dense6_3.weight"] == [10, 256]


@pytest.mark.models
def test_real_generator() -> None:
    shapes = read_shapes(open_asset("mobilestylegan-ffhq") / "generator.safetensors")
    assert shapes["mapping_network.fc.7.weight"] == [512, 512]
    assert 8_000_000 < sum(int(torch.tensor(shape).prod()) for shape in shapes.values()) < 12_000_000


def test_published_generator_is_downloaded_and_remembered(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    content = foreign_files.save_nvidia_torch(
        tmp_path / "g.pkl",
        G_ema=foreign_files.make_persistent(foreign_files.ada_names(foreign_files.make_stylegan2()), "G"),
    ).read_bytes()
    monkeypatch.setenv("FACELOOM_HOME", str(tmp_path / "home"))

    def serve(url: str, target: Path, report: Any) -> str:
        assert url.startswith("https://")
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(content)
        return sha256(content).hexdigest()

    monkeypatch.setattr(published, "download", serve)
    name = "stylegan2-afhqcat-512x512"
    steps: list[str] = []
    pulled = published.pull_remote_model(name, lambda step: steps.append(step["phase"]))
    card = read_imported_cards()[name]
    assert not pulled.was_there
    assert (card["sha256_was_known"], card["download_sha256"]) == (False, sha256(content).hexdigest())
    assert "CC BY-NC 4.0" in card["licence"]
    assert load_generator(name).G.img_resolution == 32
    assert published.pull_remote_model(name).was_there
    remove_model(name)
    published.pull_remote_model(name)
    assert read_imported_cards()[name]["sha256_was_known"]
    remove_model(name)
    content += b"changed"
    with pytest.raises(AssetError, match="differs from the known file"):
        published.pull_remote_model(name)
    assert name not in read_imported_cards()
