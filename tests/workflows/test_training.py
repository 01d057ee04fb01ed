"""Tests of training from Python, and of the distances that are measured during a run."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from torch import Tensor

from faceloom.errors import TrainingError
from faceloom.metrics.features import VggFeatures
from faceloom.train.distributed import Ranks
from faceloom.train.run import RunControl
from faceloom.workflows import training
from faceloom.workflows.training import NewRun, check_resumable, plan_run, resume_run, train
from faceloom.workflows.training_measures import FrechetToData, Measures, inception_facts, recorded_measures
from tests.train.tiny_run import tiny_trainer

TINY: dict[str, Any] = {"channels": (12, 8, 8), "d_channels": (12, 8, 8), "z_dim": 8, "w_dim": 8, "batch": 8}
TINY |= {"mapping_layers": 2, "precision": "fp32"}


@pytest.fixture
def pictures(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a folder of twelve pictures of 16 px; the Frechet distance is not measured."""
    monkeypatch.setattr(training, "make_measure", lambda measures, ranks, control: None)
    folder = tmp_path / "pictures"
    folder.mkdir()
    for i in range(12):
        levels = np.random.default_rng(i).integers(0, 255, (16, 16, 3), np.uint8)
        Image.fromarray(levels).save(folder / f"{i:02d}.png")
    return folder


def test_training_from_python_starts_and_resumes(pictures: Path, tmp_path: Path):
    messages: list[str] = []
    control = RunControl(on_message=messages.append)
    outcome = train(pictures, tmp_path / "run", kimg=0.016, control=control, **TINY)
    assert outcome.nimg == 16
    assert (outcome.snapshot / "card.json").exists()
    again = train(pictures, tmp_path / "run", kimg=0.032, gamma=5.0, control=control, **TINY)
    assert again.nimg == 32
    options = json.loads((tmp_path / "run" / "options.json").read_text())
    assert options["gamma"] == 5
    assert any("gamma" in message and "5.0" in message for message in messages)
    with pytest.raises(TrainingError, match="batch cannot change"):
        train(pictures, tmp_path / "run", **TINY | {"batch": 4})
    with pytest.raises(TrainingError, match="preset"):
        train(pictures, tmp_path / "run", preset="faces")
    (tmp_path / "other").mkdir()
    with pytest.raises(TrainingError, match="another folder"):
        train(tmp_path / "other", tmp_path / "run")


def test_a_run_goes_on_in_another_precision_and_says_when_its_own_is_slow_here(
    pictures: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(training, "fast_precision", lambda: "fp32")
    messages: list[str] = []
    control = RunControl(on_message=messages.append)
    train(pictures, tmp_path / "run", kimg=0.008, control=control, **TINY | {"precision": "bf16"})
    assert any("no fast bf16" in message for message in messages)
    messages.clear()
    assert train(pictures, tmp_path / "run", kimg=0.016, control=control, precision="fp32").nimg == 16
    assert not any("no fast bf16" in message for message in messages)
    assert any("precision bf16 -> fp32" in message for message in messages)


def test_a_new_discriminator_learns_alone_at_first(pictures: Path, tmp_path: Path):
    outcome = train(pictures, tmp_path / "run", kimg=0.016, **TINY)
    start = NewRun(pictures, tmp_path / "next")
    without = plan_run(start, Ranks(), source=str(outcome.snapshot), kimg=100.0)
    assert without.config.wait_kimg == 2
    assert any(advice.name == "wait_kimg" and "no discriminator" in advice.why for advice in without.advice)
    assert plan_run(start, Ranks(), source=str(tmp_path / "run")).config.wait_kimg == 0
    assert plan_run(start, Ranks(), source=str(outcome.snapshot), wait_kimg=0.0).config.wait_kimg == 0


def test_a_time_limit_ends_training(pictures: Path, tmp_path: Path):
    outcome = train(pictures, tmp_path / "run", minutes=0, **TINY)
    assert (outcome.reason, outcome.nimg) == ("minutes", 8)


@pytest.mark.parametrize(("before", "p"), [("none", 0.3), ("ada", 0.25)])
def test_fixed_augmentation_continues_from_the_probability_so_far(
    before: str, p: float, pictures: Path, tmp_path: Path
):
    train(pictures, tmp_path / "run", kimg=0.008, augment=before, **TINY | ({"p": 0.25} if before == "ada" else {}))
    resume_run(tmp_path / "run", training.Ranks(), RunControl(), augment="fixed", kimg=0.016)
    options = json.loads((tmp_path / "run" / "options.json").read_text())
    assert options["p"] == p
    last = [json.loads(line) for line in (tmp_path / "run" / "stats.jsonl").read_text().splitlines()]
    assert [line["p"] for line in last if "p" in line][-1] == p


def test_settings_that_belong_to_the_networks_cannot_change():
    check_resumable({"gamma": 1.0, "mirror": True, "augment": "none"})
    for name in ("batch", "part", "seed", "family", "channels", "w_dim", "loss", "source"):
        with pytest.raises(TrainingError, match=f"{name} cannot change"):
            check_resumable({name: 1})


class CountingFeatures(VggFeatures):
    """Features that are the mean color, of a network that counts its pictures."""

    name, frechet_name, kernel_name, dim = "color", "color", "color", 3

    def __init__(self) -> None:
        self.net, self.count = torch.nn.Identity(), 0

    def prepare(self, img: Tensor) -> Tensor:
        return img

    def __call__(self, prepared: Tensor) -> Tensor:
        self.count += len(prepared)
        return prepared.mean((2, 3))


def test_a_resumed_run_measures_the_same_distances(tmp_path: Path):
    measures = Measures(False, tmp_path / "weights.pt", "ab12", 5000)
    options = {"metrics": False, **inception_facts(measures)}
    assert recorded_measures(json.loads(json.dumps(options))) == measures
    assert recorded_measures({}) == Measures()


@pytest.mark.parametrize(("mirror", "reals"), [(False, 20), (True, 40)])
def test_fid_compares_with_all_training_images_and_their_mirror_images(mirror: bool, reals: int):
    trainer, features = tiny_trainer(mirror=mirror), CountingFeatures()
    net: Any = features
    measure = FrechetToData(net, "fid30_full", 30, uses_all_images=True)
    measured = measure(trainer.G_ema, trainer)
    assert list(measured) == ["fid30_full"]
    assert features.count == 30 + reals
    measure(trainer.G_ema, trainer)
    assert features.count == 60 + reals  # the real features are computed once


def test_distance_without_inception_weights_uses_equally_many_images():
    trainer, features = tiny_trainer(), CountingFeatures()
    net: Any = features
    FrechetToData(net, "frechet_vgg16", 8)(trainer.G_ema, trainer)
    assert features.count == 16
