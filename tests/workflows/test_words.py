"""Requests in other words: with a stand-in for the embedding, without it, and on the command line."""

from __future__ import annotations

import json
import logging
from types import SimpleNamespace

import pytest
from typer.testing import CliRunner

from faceloom.cli.main import app
from faceloom.edit.paraphrase import Paraphraser
from faceloom.errors import AssetError, LatentError, MissingExtra
from faceloom.likeness import Likeness
from faceloom.workflows import editing, words
from faceloom.workflows.editing import Editor
from tests.edit.test_paraphrase import embed


@pytest.fixture
def _stand_in(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(words, "load_paraphraser", lambda *, is_request: Paraphraser(embed, is_request=is_request))


def _refuse(*_: object, **__: object) -> None:
    raise AssetError("no studio in this test", "")


def test_known_words_load_nothing(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(words, "load_paraphraser", None)
    assert words.reword("ten years older, no glasses", is_request=True).rewordings == ()


@pytest.mark.parametrize("missing", [MissingExtra("comparing words", "words"), AssetError("minilm was not pulled", "")])
def test_without_the_embedding_the_hint_names_what_would_help(missing, monkeypatch: pytest.MonkeyPatch):
    def refuse(*, is_request: bool) -> None:
        raise missing

    monkeypatch.setattr(words, "load_paraphraser", refuse)
    with pytest.raises(LatentError) as caught:
        words.reword("older, glum", is_request=True)
    assert caught.value.message == "the text holds an unknown word: 'glum'"
    assert "known phrases are age 40" in caught.value.hint
    assert "pip install 'faceloom[words]' and faceloom models pull minilm" in caught.value.hint


@pytest.mark.usefixtures("_stand_in")
def test_python_logs_what_was_taken_for_what(monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture):
    monkeypatch.setattr(editing, "resolve_request", lambda request, shown: {each.attribute: 0.5 for each in request})
    editor = SimpleNamespace(measure=lambda person: {})
    with caplog.at_level(logging.WARNING):
        values = Editor.values_from_words(editor, object.__new__(Likeness), "older, glum")
    assert values == {"age": 0.5, "smile": 0.5}
    assert '"glum" is taken as "serious"' in caplog.text


@pytest.mark.usefixtures("_stand_in")
@pytest.mark.models
def test_json_says_what_was_taken_for_what(tmp_path):
    request = ["edit", "seed:1", "--say", "glum", "--size", "64", "--json", "-o", str(tmp_path / "a.png")]
    facts = json.loads(CliRunner().invoke(app, request).stdout)
    assert facts["reworded"] == [{"clause": "glum", "phrase": "serious", "similarity": 1.0}]


@pytest.mark.usefixtures("_stand_in")
@pytest.mark.parametrize("command", [["edit", "no.likeness", "--say"], ["search", "--like", "no.likeness"]])
def test_the_commands_say_what_was_taken_for_what(command, tmp_path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("faceloom.cli.edit.open_studio", _refuse)
    monkeypatch.setattr("faceloom.cli.search.open_studio", _refuse)
    result = CliRunner().invoke(app, [*command, "glum", "-o", str(tmp_path / "a.png")])
    assert '"glum" is taken as "serious" (1.00)' in result.stderr


@pytest.mark.usefixtures("_stand_in")
@pytest.mark.parametrize("command", [["edit", "seed:1", "--say"], ["search"]])
def test_a_refusal_comes_before_networks_are_loaded(command, tmp_path):
    result = CliRunner().invoke(app, [*command, "earrings", "-o", str(tmp_path / "a.png")])
    assert isinstance(result.exception, LatentError)
    assert "the nearest ones are" in str(result.exception)
