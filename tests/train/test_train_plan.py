"""Tests of planned settings, image order, health findings and plots."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch

from faceloom.errors import ImageError, TrainingError
from faceloom.train.build import base_size
from faceloom.train.config import LIMITS, from_json, to_json
from faceloom.train.data import derive_seed, open_training_images, shuffled_indices
from faceloom.train.health import examine
from faceloom.train.plan import PRESETS, TrainingFacts, plan
from faceloom.train.plots import Curve, axis_ticks, plot
from faceloom.train.snapshot import is_one_hot, spread_labels
from tests.train.tiny_run import tiny_config, tiny_pictures

FACES = TrainingFacts("faces.zip", images=3438, height=64, width=64, has_bf16=True)


@pytest.mark.parametrize("preset", PRESETS)
def test_every_preset_gives_a_valid_config(preset: str):
    config = plan(FACES, preset).config
    assert from_json(to_json(config)) == config


def test_requested_settings_stay_without_advice():
    chosen = plan(FACES, gamma=3.0, batch=16)
    assert (chosen.config.gamma, chosen.config.batch) == (3.0, 16)
    assert not {"gamma", "batch"} & {item.name for item in chosen.advice}


def test_gamma_depends_on_pixels_batch_and_number_of_pictures():
    assert plan(FACES).config.gamma == pytest.approx(0.0002 * 64 * 64 / 32 * 4, rel=0.01)
    many = TrainingFacts("many.zip", images=70_000, height=256, width=256, on_gpu=True)
    assert plan(many).config.gamma == pytest.approx(0.0002 * 256 * 256 / 16, rel=0.01)
    why = {item.name: item.why for item in plan(FACES).advice}
    assert "3438 pictures are few" in why["gamma"]
    assert "faster" in why["precision"]


def test_batch_splits_evenly_among_processes():
    config = plan(TrainingFacts("d", 100, 64, 64, processes=3)).config
    assert config.batch % 12 == 0
    assert config.batch // 3 % config.part == 0
    with pytest.raises(TrainingError, match="does not split"):
        plan(TrainingFacts("d", 100, 64, 64, processes=3), batch=16)


@pytest.mark.parametrize(
    ("size", "base", "levels"), [((64, 64), (4, 4), 4), ((128, 192), (4, 6), 5), ((48, 80), (6, 10), 3)]
)
def test_base_size_has_the_aspect_ratio_of_the_image(size: tuple[int, int], base: tuple[int, int], levels: int):
    assert base_size(*size) == (base, levels)


def test_indivisible_size_suggests_a_valid_one():
    with pytest.raises(TrainingError, match="make the dataset at 64x48"):
        base_size(50, 66)


def test_every_epoch_shows_each_image_once():
    shown = shuffled_indices(10, seed=3, start=0, length=20)
    assert sorted(shown[:10]) == sorted(shown[10:]) == list(range(10))
    assert shown[:10] != shown[10:]
    assert shuffled_indices(10, 3, 7, 5) == shown[7:12]
    assert derive_seed(1, 2, 3) != derive_seed(1, 3, 2)


class NumberedImages:
    """A dataset of images of 4 x 4 px whose gray level is their index; the last one is damaged."""

    resolution = (4, 4)

    def __len__(self) -> int:
        return 6

    def label(self, index: int) -> Any:
        return torch.zeros(0).numpy()

    def __getitem__(self, index: int) -> Any:
        if index == 5:
            raise ImageError("picture 5 is damaged")
        return torch.full((4, 4, 3), index, dtype=torch.uint8).numpy(), None


def test_streamed_images_equal_cached_ones(monkeypatch: pytest.MonkeyPatch):
    with pytest.raises(TrainingError, match="picture 5"):
        open_training_images(NumberedImages())
    monkeypatch.setattr(NumberedImages, "__len__", lambda self: 5)
    kept, streamed = open_training_images(NumberedImages()), open_training_images(NumberedImages(), cache_bytes=0)
    for numbers, then in (([0, 3], [2, 1]), ([2, 1], [4, 0])):
        assert torch.equal(kept.load(numbers), streamed.load(numbers, then))
    assert kept.load([3])[0, 0, 0, 0] == 3
    assert len(tiny_pictures()) == 20


def ticks(count: int, **values: Any) -> list[dict[str, Any]]:
    usual = {"p": 0.2, "sign_real": 0.5, "logits_real": 1.0, "logits_fake": -1.0, "loss_d": 1.0, "loss_g": 1.0}
    return [{"nimg": 1000 * i, "kimg": i, **usual, **values} for i in range(101, count + 101)]


def codes(lines: list[dict[str, Any]], **config: Any) -> list[str]:
    return [finding.code for finding in examine(lines, tiny_config(**config))]


def test_healthy_run_has_no_findings():
    assert codes(ticks(20)) == []
    assert codes([]) == []


def test_overfitting_is_found_in_the_signs_of_d():
    assert codes(ticks(9, sign_real=0.97)) == ["overfits"]
    assert codes([line | {"kimg": line["kimg"] - 90} for line in ticks(9, sign_real=0.97)]) == []  # G is still poor
    assert codes(ticks(9, sign_real=0.97), augment="ada") == []  # ADA is still raising p
    assert codes(ticks(9, sign_real=0.97, p=1.0), augment="ada") == ["overfits"]


def test_divergence_and_weak_discriminator_are_found():
    assert codes(ticks(9, loss_d=None)) == ["diverged"]
    assert codes(ticks(9, logits_real=900.0)) == ["diverged"]
    assert codes(ticks(9, logits_real=0.001, logits_fake=0.0)) == ["weak_d"]


def test_collapse_is_found_in_the_sheet_diversity():
    lines = [{"nimg": i, "kimg": i, "spread": spread} for i, spread in enumerate((0.3, 0.2, 0.25, 0.24, 0.05))]
    assert codes(lines) == ["collapsed"]
    assert codes(lines[:-1]) == []


def test_stagnation_names_the_best_snapshot():
    lines = [
        {"nimg": i, "kimg": i, "frechet_vgg16": d}
        for i, d in zip(range(0, 140, 20), (9, 5, 3, 4, 4, 4, 4), strict=True)
    ]
    (finding,) = examine(lines, tiny_config())
    assert finding.code == "stands_still"
    assert "network-snapshot-000040" in finding.advice
    assert codes(lines[:4]) == []


def test_plots_show_round_ticks_and_every_curve():
    assert axis_ticks(0, 10, 5) == [0, 2, 4, 6, 8, 10]
    drawn = plot("D & G", [Curve("a", [(0, 1), (1, 2)]), Curve("b", [(0, 3)])], level=1.5)
    assert drawn.count("<polyline") == 1
    assert "D &amp; G" in drawn
    assert plot("none", []) == ""


@pytest.mark.parametrize(
    ("side", "preset", "part"), [(64, "auto", 32), (128, "auto", 8), (256, "auto", 4), (128, "faces", 32)]
)
def test_part_on_a_cpu_is_smaller_for_larger_images(side, preset, part):
    assert plan(replace(FACES, height=side, width=side), preset).config.part == part


class LabeledPictures:
    """A dataset of two pictures with given labels."""

    resolution = (16, 16)

    def __init__(self, *labels: Any) -> None:
        self.labels = labels

    def __len__(self) -> int:
        return len(self.labels)

    def __getitem__(self, index: int) -> tuple[Any, Any]:
        return np.zeros((16, 16, 3), np.uint8), self.label(index)

    def label(self, index: int) -> Any:
        return np.array(self.labels[index], np.float64)


def test_numbers_are_continuous_labels():
    images = open_training_images(LabeledPictures(0.25, 31.5), with_labels=True)
    assert images.labels.tolist() == [[0.25], [31.5]]
    assert not is_one_hot(images.labels)
    assert is_one_hot(torch.eye(3))
    assert not is_one_hot(torch.tensor([[0.5, 0.5]]))
    assert spread_labels(images, 2).tolist() == [[0.25], [31.5]]


@pytest.mark.parametrize("label", [float("nan"), float("inf"), 1e308, -1e7])
def test_labels_that_are_not_usable_numbers_are_refused(label: float):
    with pytest.raises(TrainingError, match="label of picture 1"):
        open_training_images(LabeledPictures([0.5, 1.0], [0.5, label]), with_labels=True)


@pytest.mark.wrong_types
@pytest.mark.parametrize("name", LIMITS)
@pytest.mark.parametrize("value", [float("nan"), float("inf"), -2.0])
def test_settings_that_are_not_usable_numbers_are_refused(name: str, value: float):
    with pytest.raises(TrainingError, match=name):
        tiny_config(**{name: value})
