"""Import, conversion, loading and removal of generators of every family."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
import torch

from faceloom.checkpoints.importing import convert_checkpoint, import_checkpoint
from faceloom.checkpoints.library import locate_imported_generator, read_imported_cards, remove_model
from faceloom.checkpoints.load import load_generator
from faceloom.edit.generate import generate_latents
from faceloom.errors import AssetError, CorruptFile, StoreError, UnknownFormat
from tests.checkpoints import foreign_files

FAMILIES: dict[str, Callable[[], Any]] = {
    "stylegan1": foreign_files.make_stylegan1,
    "stylegan2": foreign_files.make_stylegan2,
    "stylegan3": foreign_files.make_stylegan3,
}


def write_checkpoint(family: str, path: Path) -> Path:
    G = FAMILIES[family]()
    return foreign_files.save_torch(
        path, foreign_files.genforce_stylegan1_names(G, False) if family == "stylegan1" else foreign_files.ada_names(G)
    )


@pytest.fixture(autouse=True)
def models(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the models folder of an empty user folder."""
    monkeypatch.setenv("FACELOOM_HOME", str(tmp_path / "home"))
    load_generator.cache_clear()
    return tmp_path / "home" / "models"


@pytest.mark.parametrize("family", FAMILIES)
def test_load_by_name_and_by_file(family: str, tmp_path: Path):
    G, path = FAMILIES[family](), write_checkpoint(family, tmp_path / "file.pt")
    import_checkpoint(path, "mine", license="by me")
    by_name, by_file = load_generator("mine"), load_generator(str(path))
    assert (by_name.name, by_name.family, by_name.license) == ("mine", family, "by me")
    assert (by_file.name, by_file.hash) == ("file", by_name.hash)
    w_plus = generate_latents(by_name.G, [1, 2])
    torch.testing.assert_close(by_name.G.synthesis(w_plus), G.synthesis(w_plus))
    half = load_generator("mine", "bf16").G.synthesis(w_plus)
    assert 0 < (half - G.synthesis(w_plus)).abs().mean() < 0.05 * half.abs().mean() + 0.05


def test_card_of_an_import(tmp_path: Path):
    folder = import_checkpoint(write_checkpoint("stylegan2", tmp_path / "g.pt"), "a")
    card = read_imported_cards()["a"]
    assert [card[k] for k in ("family", "img_resolution", "num_ws", "w_dim", "c_dim")] == ["stylegan2", 32, 8, 8, 0]
    assert card["parameters"] == sum(p.numel() for p in foreign_files.make_stylegan2().parameters())
    assert card["hash"] == load_generator("a").hash
    assert any("resample_filter" in key for key in card["unused_keys"])
    assert "ask the author" in card["licence"]
    assert folder == locate_imported_generator("a")


def test_concurrent_imports_leave_one_complete_model(tmp_path: Path, models: Path):
    path = write_checkpoint("stylegan2", tmp_path / "g.pt")

    def attempt(_: int) -> str:
        try:
            return str(import_checkpoint(path, "a"))
        except AssetError as error:
            return error.message

    with ThreadPoolExecutor(3) as pool:
        outcomes = list(pool.map(attempt, range(3)))
    assert sorted(outcome.startswith("there is a model") for outcome in outcomes) == [False, True, True]
    assert {path.name for path in models.iterdir()} == {"a", ".lock-a"}
    load_generator("a")


@pytest.mark.parametrize("name", ["../x", "a/b", ".hidden", "", "a" * 65, "lpips", "a\\b", "a\n"])
def test_invalid_names_are_refused(name: str, tmp_path: Path, models: Path):
    with pytest.raises(AssetError):
        import_checkpoint(write_checkpoint("stylegan2", tmp_path / "g.pt"), name)
    assert not models.exists()


def test_failed_import_leaves_nothing(tmp_path: Path, models: Path):
    D = {"D": foreign_files.make_persistent(foreign_files.ada_names(foreign_files.make_discriminator()), "D")}
    for path, error in (
        (foreign_files.save_torch(tmp_path / "d.pt", {"D": 1}), UnknownFormat),
        (foreign_files.save_nvidia_torch(tmp_path / "d.pkl", **D), UnknownFormat),
        (tmp_path / "absent.pkl", CorruptFile),
    ):
        with pytest.raises(error):
            import_checkpoint(path, "a")
    assert not models.exists() or not list(models.glob("*"))


def test_unknown_names_and_removal(tmp_path: Path):
    import_checkpoint(write_checkpoint("stylegan2", tmp_path / "g.pt"), "cats")
    with pytest.raises(AssetError, match=r"no generator 'cat'.*did you mean cats"):
        load_generator("cat")
    remove_model("cats")
    with pytest.raises(AssetError, match="mobilestylegan-ffhq"):
        load_generator("zzz")
    with pytest.raises(AssetError, match="no generator 'lpips'"):
        remove_model("lpips")


def test_convert_into_a_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    path = write_checkpoint("stylegan3", tmp_path / "g.pt")
    folder = convert_checkpoint(path, tmp_path / "out")
    assert sorted(p.name for p in folder.iterdir()) == ["card.json", "generator.safetensors"]
    assert load_generator(str(folder)).hash == load_generator(str(path)).hash
    monkeypatch.chdir(tmp_path)
    assert load_generator("out").name == "out"
    import_checkpoint(write_checkpoint("stylegan1", tmp_path / "other.pt"), "out")
    load_generator.cache_clear()
    assert (load_generator("out").family, load_generator("./out").family) == ("stylegan1", "stylegan3")
    import_checkpoint(folder, "again")
    with pytest.raises(StoreError, match="is there already"):
        convert_checkpoint(path, folder)
