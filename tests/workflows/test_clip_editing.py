"""Edits of people by CLIP, and the command for it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from unittest.mock import Mock

import pytest
from typer.testing import CliRunner

from faceloom.cli import edit as command
from faceloom.cli.main import app
from faceloom.edit.clip_edit import ClipEdit, ClipEditConfig
from faceloom.errors import UnsafePickle
from faceloom.likeness import Likeness
from faceloom.workflows.clip_editing import ClipEditResult, edit_person_by_clip
from faceloom.workflows.editing import Editor
from tests.checkpoints.clip_files import write_clip

CONFIG = ClipEditConfig(steps=2, min_identity=-1.0, min_relevance=-1.0)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return write_clip(tmp_path / "clip")


@pytest.mark.models
def test_a_person_moves_towards_a_text_and_what_changed_is_measured(folder):
    from faceloom import Studio

    studio = Studio()
    person = studio.generate(3)
    done = studio.edit_by_clip(person, "an old face", folder, config=replace(CONFIG, step_length=1.5))
    assert done.edit.step in (1, 2)
    assert done.person.provenance["clip"] == [{"text": "an old face", "neutral": None, "weights": done.sha256}]
    assert {"age", "smile", "skin_tone"} <= done.after.keys()
    assert -1 <= done.identity <= 1.0001
    moved = done.person.w_plus - person.w_plus
    assert moved[0, 0].equal(moved[0, -1])


def test_a_pickle_is_refused(tmp_path):
    (tmp_path / "pytorch_model.bin").write_bytes(b"")
    editor = Mock(spec=Editor, generator=SimpleNamespace(hash="a", name="tiny"))
    person = Mock(spec=Likeness, generator_hash="a", generator_name="tiny")
    with pytest.raises(UnsafePickle):
        edit_person_by_clip(editor, person, "a face", tmp_path)


def result(after: float, beyond: tuple[str, ...]) -> ClipEditResult:
    edit = ClipEdit(None, 0.2, after, 0.8, 0.7, 3)  # type: ignore[arg-type]
    return ClipEditResult(
        None,  # type: ignore[arg-type]
        edit,
        {"age": 30.0, "hair_length": 0.2},
        {"age": 52.0, "hair_length": 0.9},
        0.71,
        beyond,
        "ab12",
    )


@pytest.mark.wrong_types
def test_the_command_says_whose_weights_these_are_and_what_else_changed():
    notes = list(command._clip_notes(result(0.3, ("age", "hair_length", "identity"))))
    assert notes == [
        "This is CLIP with weights of yours, under their own license (sha256 ab12).",
        "cosine of picture and text: 0.200 before, 0.300 after; identity similarity to before 0.71",
        "Changed by more than other edits may change it: age 30 to 52 and hair length 0.2 to 0.9. Look at the picture.",
    ]
    assert "did not move" in list(command._clip_notes(result(0.1, ())))[2]


@pytest.mark.parametrize(
    ("arguments", "message"), [(("--clip", "x"), "--say gives the text"), (("--neutral", "x"), "needs --clip")]
)
def test_options_that_need_each_other(arguments, message):
    done = CliRunner().invoke(app, ["edit", "seed:1", "-o", "x.png", *arguments])
    assert done.exit_code == 2
    assert message in done.output
