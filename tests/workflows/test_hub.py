"""Tests of the exchange with the Hugging Face Hub, with a stand-in for huggingface_hub that keeps files in a folder."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Callable
from fnmatch import fnmatchcase
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest
import torch

from faceloom.errors import AssetError, MissingExtra, StoreError
from faceloom.workflows import hub
from faceloom.workflows.hub import download, from_pretrained, model_card, push_to_hub
from faceloom.workflows.verify import verify_folder
from tests.train.tiny_run import tiny_run

FakeHub = SimpleNamespace


@pytest.fixture
def fake_hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> FakeHub:
    """A module that stores each repository in a folder, with the parts of the API that faceloom uses."""
    monkeypatch.setenv("FACELOOM_HOME", str(tmp_path / "home"))
    root = tmp_path / "hub"
    state = SimpleNamespace(root=root, private=None, downloaded=[], extra_bytes=0, revision=None)

    class HfApi:
        def __init__(self, token: str | None = None) -> None:
            state.token = token

        def create_repo(self, repo: str, *, repo_type: str, private: bool, exist_ok: bool) -> None:
            state.private = private
            (root / repo).mkdir(parents=True, exist_ok=exist_ok)

        def upload_folder(self, *, repo_id: str, folder_path: str, **_: Any) -> str:
            shutil.copytree(folder_path, root / repo_id, dirs_exist_ok=True)
            return f"https://example.org/{repo_id}/commit/1"

        def model_info(self, repo: str, *, revision: str | None, files_metadata: bool) -> Any:
            if not (root / repo).exists():
                raise RuntimeError(f"404: {repo}\nmore")
            state.revision = revision
            files = [path for path in (root / repo).rglob("*") if path.is_file()]
            siblings = [
                SimpleNamespace(
                    rfilename=str(path.relative_to(root / repo)), size=path.stat().st_size + state.extra_bytes
                )
                for path in files
            ]
            return SimpleNamespace(sha="0123abcd", siblings=siblings)

    def snapshot_download(repo: str, *, allow_patterns: list[str], local_dir: str, **_: Any) -> str:
        for path in (root / repo).rglob("*"):
            name = str(path.relative_to(root / repo))
            if path.is_file() and any(fnmatchcase(name, pattern) for pattern in allow_patterns):
                state.downloaded.append(name)
                (Path(local_dir) / name).parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(path, Path(local_dir) / name)
        return local_dir

    module: Any = ModuleType("huggingface_hub")
    module.HfApi, module.snapshot_download = HfApi, snapshot_download
    monkeypatch.setitem(sys.modules, "huggingface_hub", module)
    return state


@pytest.fixture
def snapshot(tmp_path: Path) -> Path:
    """Return the snapshot of a tiny run, with a file that must not be uploaded."""
    folder = tiny_run(tmp_path / "run").train().snapshot
    (folder / "private.txt").write_text("notes")
    return folder


def test_a_generator_returns_from_the_hub_unchanged(fake_hub: FakeHub, snapshot: Path):
    assert push_to_hub(snapshot, "me/small").endswith("commit/1")
    assert fake_hub.private is True
    there = fake_hub.root / "me/small"
    names = {"card.json", "generator.safetensors", "README.md", "small.signature.json"}
    assert {path.name for path in there.iterdir()} == names
    (there / "weights.pkl").write_bytes(b"code")
    model = from_pretrained("me/small", revision="v1")
    assert fake_hub.revision == "v1"
    assert sorted(fake_hub.downloaded) == ["card.json", "generator.safetensors", "small.signature.json"]
    from faceloom.checkpoints.load import load_generator

    original = load_generator(str(snapshot))
    assert (model.hash, model.name) == (original.hash, "small")
    w_plus = model.G.w_avg.expand(1, model.G.num_ws, -1)
    assert torch.equal(model.G.synthesis(w_plus), original.G.synthesis(w_plus))


def test_an_upload_is_signed_with_its_directions_and_read_back(fake_hub: FakeHub, snapshot: Path):
    direction = snapshot / "directions" / "age.safetensors"
    direction.parent.mkdir()
    direction.write_bytes(b"a direction")
    push_to_hub(snapshot, "me/small")
    folder = download("me/small")
    (found,) = verify_folder(folder)
    assert (Path(found.name).name, found.verdict) == ("small.signature.json", "marked")
    (folder / "directions" / "age.safetensors").write_bytes(b"another one")
    (found,) = verify_folder(folder)
    assert (found.verdict, found.layers[0].detail) == ("tampered", "directions/age.safetensors changed")


def test_what_the_hub_refuses_is_one_line(fake_hub: FakeHub, snapshot: Path):
    with pytest.raises(AssetError, match="404: me/none") as refused:
        from_pretrained("me/none")
    assert "more" not in refused.value.message
    (fake_hub.root / "me/empty").mkdir(parents=True)
    with pytest.raises(AssetError, match=r"card\.json"):
        from_pretrained("me/empty")
    push_to_hub(snapshot, "me/large")
    fake_hub.extra_bytes = 8 << 30
    with pytest.raises(StoreError, match="GiB"):
        from_pretrained("me/large")
    assert fake_hub.downloaded == []


def test_without_the_library_the_extra_is_named(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setitem(sys.modules, "huggingface_hub", None)
    calls: list[Callable[[], object]] = [
        lambda: push_to_hub("open-faces", "me/small"),
        lambda: from_pretrained("me/small"),
    ]
    for call in calls:
        with pytest.raises(MissingExtra, match="hub"):
            call()


def test_the_model_card_states_license_and_training():
    card = {
        "family": "stylegan2",
        "licence": "CC0-1.0",
        "img_resolution": 64,
        "training": {"kimg": 400, "data": "a|b.zip"},
    }
    text = model_card("faces", card)
    assert 'license: "cc0-1.0"' in text
    assert "| kimg | 400 |" in text
    assert "a\\|b.zip" in text
    assert 'license: "other"' in model_card("faces", {"licence": "mine\n---\nlicense: mit"})
    assert model_card("faces", {"licence": "mine\n---\nlicense: mit"}).count("\n---\n") == 1


@pytest.mark.parametrize("name", ["..", "../../x", "a/b", "", "~"])
def test_folders_stay_inside_the_user_folder(name: str):
    assert "/" not in hub._folder_name(name)
    assert "." not in hub._folder_name(name)
