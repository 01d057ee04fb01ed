"""`faceloom export`: usage, arrays of a direction, and a generator with its figures."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from faceloom.cli.main import app


def test_a_direction_as_plain_arrays(tmp_path: Path):
    run = CliRunner().invoke(app, ["export", "age", "-o", str(tmp_path / "age.npz"), "--json"])
    assert run.exit_code == 0, run.output
    assert json.loads(run.stdout)["arrays"] == ["vector"]
    with np.load(tmp_path / "age.npz") as file:
        assert np.linalg.norm(file["vector"], axis=-1).max() == pytest.approx(1, abs=1e-3)
        assert json.loads(str(file["card"]))["unit"] == "years"


@pytest.mark.parametrize("options", [[], ["--format", "keras"]])
def test_a_generator_needs_a_format(options: list[str], tmp_path: Path):
    assert CliRunner().invoke(app, ["export", "-o", str(tmp_path / "x"), *options]).exit_code == 2
    assert list(tmp_path.iterdir()) == []


@pytest.mark.models
def test_the_default_generator_as_safetensors(tmp_path: Path):
    run = CliRunner().invoke(app, ["export", "--format", "safetensors", "-o", str(tmp_path / "g"), "--json"])
    assert run.exit_code == 0, run.output
    facts = json.loads(run.stdout)
    assert {"format", "path", "bytes", "precision", "max_abs", "psnr_db", "seconds"} == facts.keys()
    assert facts["psnr_db"] == 120
