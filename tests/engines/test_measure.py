"""The measurement of an engine in a process of its own."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from faceloom.checkpoints.load import GeneratorModel
from faceloom.engines import Choice
from faceloom.engines.measure import Speed, _measure_in_subprocess, measure
from faceloom.errors import EngineError
from tests.checkpoints import foreign_files

MODEL = GeneratorModel(foreign_files.make_stylegan2(), "tiny", "stylegan2", "0" * 64, "CC0")


def test_a_subprocess_measures_the_engine(tmp_path: Path):
    torch.save((MODEL, Choice("torch", "bf16"), 1), tmp_path / "job.pt")
    speed = _measure_in_subprocess(tmp_path / "job.pt")
    assert 0 <= speed.start < 60
    assert 0 < speed.image < 60


def test_an_engine_that_fails_reports_the_reason():
    with pytest.raises(EngineError, match="onnx does not compute in bf16"):
        measure(MODEL, Choice("onnx", "bf16"))


def test_a_job_takes_the_start_and_the_images():
    assert Speed(2, 0.5).job(10) == 7
