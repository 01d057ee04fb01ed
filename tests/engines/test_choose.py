"""The choice of an engine: measured once, stored, computed for every job, robust against damaged files."""

from __future__ import annotations

import json
import math
from pathlib import Path

import pytest

from faceloom.checkpoints.load import GeneratorModel
from faceloom.engines import Choice, choose_engine
from faceloom.engines import choose as choosing
from faceloom.errors import EngineError
from tests.checkpoints import foreign_files

Speed = choosing.Speed

SPEEDS = {"torch": Speed(0.1, 1.0), "compile": Speed(5.0, 0.2), "onnx": Speed(2.0, 1.5), "openvino": Speed(2.0, 0.5)}


@pytest.fixture
def measured(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Replace measurements by known speeds; return the list of measured engines."""
    measured_engines: list[str] = []

    def measure(model: GeneratorModel, choice: Choice) -> Speed:
        measured_engines.append(choice.engine)
        return SPEEDS[choice.engine]

    monkeypatch.setenv("FACELOOM_HOME", str(tmp_path))
    monkeypatch.setattr(choosing, "available_engines", lambda device="cpu": tuple(SPEEDS))
    monkeypatch.setattr(choosing, "measure", measure)
    return measured_engines


MODEL = GeneratorModel(foreign_files.make_stylegan2(), "tiny", "stylegan2", "0" * 64, "CC0")


def test_a_short_job_measures_only_torch(measured):
    assert choose_engine(MODEL, 2) == Choice("torch")
    assert measured == ["torch"]


def test_a_long_job_measures_all_and_stores_the_speeds(measured):
    notes: list[str] = []
    assert choose_engine(MODEL, 500, note=notes.append) == Choice("compile")
    assert measured == ["torch", "compile", "onnx", "openvino"]
    assert len(notes) == 4
    assert notes[-1] == "the engine 'compile' generates 500 images in about 105 s, torch in 500 s"
    assert choose_engine(MODEL, 500) == Choice("compile")
    assert len(measured) == 4
    assert choose_engine(MODEL, 1) == Choice("torch")
    assert choose_engine(MODEL, 7) == Choice("openvino")
    assert choose_engine(MODEL, 500, precision="bf16") == Choice("compile", "bf16")
    assert len(measured) == 8


@pytest.mark.parametrize("damage", ["", "{", "[]", '{"KEY": 3}', '{"KEY": {"torch": {"start": "x"}}}', "[" * 99999])
def test_a_damaged_cache_is_measured_again(measured, tmp_path: Path, damage: str):
    choose_engine(MODEL, 500)
    file = tmp_path / "engines" / "speeds.json"
    (key,) = json.loads(file.read_text())
    file.write_text(damage.replace("KEY", key))
    assert choose_engine(MODEL, 500) == Choice("compile")
    assert len(measured) == 8
    assert key in json.loads(file.read_text())


def test_other_versions_are_measured_again(measured, monkeypatch: pytest.MonkeyPatch):
    choose_engine(MODEL, 1)
    monkeypatch.setattr(choosing, "version", lambda name: "99")
    choose_engine(MODEL, 1)
    assert measured == ["torch", "torch"]


def test_an_engine_that_fails_is_not_chosen(measured, monkeypatch: pytest.MonkeyPatch):
    def measure(model: GeneratorModel, choice: Choice) -> Speed:
        if choice.engine == "compile":
            raise EngineError("broken")
        return SPEEDS[choice.engine]

    monkeypatch.setattr(choosing, "measure", measure)
    assert choose_engine(MODEL, 500) == Choice("openvino")
    assert (
        choosing.SpeedCache().load(next(iter(json.loads(choosing.SpeedCache().path.read_text()))))["compile"].start
        == math.inf
    )


def test_a_real_measurement(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("FACELOOM_HOME", str(tmp_path))
    monkeypatch.setattr(choosing, "available_engines", lambda device="cpu": ("torch",))
    assert choose_engine(MODEL, 10**6) == Choice("torch")
    (entry,) = json.loads((tmp_path / "engines" / "speeds.json").read_text()).values()
    assert 0 < entry["torch"]["image"] < 60
