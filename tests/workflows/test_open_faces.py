"""The generator that comes with faceloom: usable without a download, free for any use, and editable."""

from __future__ import annotations

from pathlib import Path

import pytest

from faceloom import likeness
from faceloom.checkpoints.library import find_free_folder, locate_generator, read_shipped_cards, remove_model
from faceloom.checkpoints.load import load_generator
from faceloom.edit.search import SearchConfig
from faceloom.errors import AssetError
from faceloom.workflows.studio import Studio

NAME = "open-faces"


@pytest.fixture
def studio(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Studio:
    monkeypatch.setenv("FACELOOM_HOME", str(tmp_path))  # no model was pulled
    return Studio(NAME)


def test_its_card_states_the_license():
    card = read_shipped_cards()[NAME]
    assert str(card["licence"]).startswith("Apache-2.0")
    assert load_generator(NAME).hash == card["hash"]
    assert sum(file.stat().st_size for file in locate_generator(NAME).rglob("*") if file.is_file()) < 20e6


def test_it_generates_faces_without_a_download(studio: Studio):
    size = studio.generator.G.img_resolution
    one, other = (studio.render(studio.generate(seed)) for seed in (1, 2))
    assert one.size == (size, size)
    assert one.tobytes() != other.tobytes()


def test_its_attributes_can_be_edited(studio: Studio):
    assert {"age", "smile", "gender"} <= {direction.name for direction in studio.basis}
    done = studio.edit(studio.generate(3), {"smile": 0.9})
    assert done.after["smile"] == pytest.approx(0.9, abs=0.1)
    older = studio.edit(studio.generate(3), {"age": 10})
    assert older.after["age"] - older.before["age"] == pytest.approx(10, abs=4)


def test_its_name_is_reserved_and_it_cannot_be_removed():
    with pytest.raises(AssetError, match="published"):
        find_free_folder(NAME)
    with pytest.raises(AssetError, match="comes with faceloom"):
        remove_model(NAME)


def test_a_typo_is_reported_with_a_suggestion():
    with pytest.raises(AssetError) as caught:
        locate_generator("open-face")
    assert "open-faces" in str(caught.value.hint)


def test_search_returns_generated_faces_like_a_given_one(studio: Studio):
    config = SearchConfig(candidates=4, steps=0)
    results = studio.search("over 1", like=studio.generate(1), count=2, config=config)
    assert [result.provenance["method"] for result in results] == ["find", "find"]
    similarities = [result.provenance["similarity"] for result in results]
    assert similarities == sorted(similarities, reverse=True)
    assert {"age", "smile"} <= results[0].provenance["traits"].keys()


def test_a_child_names_its_parents(studio: Studio):
    parents = studio.generate(1), studio.generate(2)
    child = studio.child(*parents, 3)
    assert child.provenance["parents"] == [likeness.digest(parent) for parent in parents]
    assert child.w_plus.shape == parents[0].w_plus.shape
