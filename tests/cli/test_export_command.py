"""`faceloom export`: usage, arrays of a direction, and a generator with its figures."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from typer.testing import CliRunner

from faceloom.checkpoints.readers.latent_files import read_latents
from faceloom.cli.main import app
from faceloom.likeness import Likeness


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


def test_a_person_who_was_edited_in_some_regions_keeps_them(tmp_path: Path):
    w_plus = torch.randn(1, 8, 16)
    person = Likeness(w_plus, "0" * 64, "tiny").with_w_plus(w_plus + 1, w_plus, torch.ones(1, 1, 64, 64), {"skin": 1.0})
    person.save(tmp_path / "me.likeness")
    run = CliRunner().invoke(app, ["export", str(tmp_path / "me.likeness"), "-o", str(tmp_path / "me.npz"), "--json"])
    assert run.exit_code == 0, run.output
    assert "'base'" in run.stderr
    with np.load(tmp_path / "me.npz") as file:
        assert np.array_equal(file["base"], w_plus.numpy())
        assert file["mask"].shape == (1, 1, 64, 64)
        assert np.array_equal(file["w_plus"], person.w_plus.numpy())
    read = read_latents(tmp_path / "me.npz", num_ws=8, w_dim=16)
    assert torch.equal(read, person.w_plus)
