"""What a run is told by its data, and what its measurements say."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
import torch
from tiny_run import tiny_config, tiny_pictures

from faceloom.errors import ImageError, TrainingError
from faceloom.train.build import base_of
from faceloom.train.config import from_json, to_json
from faceloom.train.data import open_pictures, order, seed_of
from faceloom.train.health import examine
from faceloom.train.plan import PRESETS, Facts, plan
from faceloom.train.plots import Curve, plot, steps

FACES = Facts("faces.zip", images=3438, height=64, width=64, has_bf16=True)


@pytest.mark.parametrize("preset", PRESETS)
def test_every_preset_is_a_config(preset: str):
    config = plan(FACES, preset).config
    assert from_json(to_json(config)) == config


def test_what_is_asked_for_stays_and_is_not_explained():
    chosen = plan(FACES, gamma=3.0, batch=16)
    assert (chosen.config.gamma, chosen.config.batch) == (3.0, 16)
    assert not {"gamma", "batch"} & {item.name for item in chosen.advice}


def test_gamma_follows_pixels_batch_and_the_number_of_pictures():
    assert plan(FACES).config.gamma == pytest.approx(0.0002 * 64 * 64 / 32 * 4, rel=0.01)
    many = Facts("many.zip", images=70_000, height=256, width=256, on_gpu=True)
    assert plan(many).config.gamma == pytest.approx(0.0002 * 256 * 256 / 16, rel=0.01)
    why = {item.name: item.why for item in plan(FACES).advice}
    assert "3438 pictures are few" in why["gamma"]
    assert "faster" in why["precision"]


def test_processes_share_the_batch_evenly():
    config = plan(Facts("d", 100, 64, 64, processes=3)).config
    assert config.batch % 12 == 0
    assert config.batch // 3 % config.part == 0
    with pytest.raises(TrainingError, match="does not split"):
        plan(Facts("d", 100, 64, 64, processes=3), batch=16)


@pytest.mark.parametrize(
    ("size", "base", "levels"), [((64, 64), (4, 4), 4), ((128, 192), (4, 6), 5), ((48, 80), (6, 10), 3)]
)
def test_first_features_have_the_images_shape(size: tuple[int, int], base: tuple[int, int], levels: int):
    assert base_of(*size) == (base, levels)


def test_a_size_that_cannot_be_halved_is_told_what_to_become():
    with pytest.raises(TrainingError, match="make the dataset at 64x48"):
        base_of(50, 66)


def test_every_picture_is_shown_once_before_any_is_shown_twice():
    shown = order(10, seed=3, first=0, many=20)
    assert sorted(shown[:10]) == sorted(shown[10:]) == list(range(10))
    assert shown[:10] != shown[10:]
    assert order(10, 3, 7, 5) == shown[7:12]
    assert seed_of(1, 2, 3) != seed_of(1, 3, 2)


class Numbered:
    """A dataset of 4 x 4 px pictures that are as bright as their number."""

    resolution = (4, 4)

    def __len__(self) -> int:
        return 6

    def __getitem__(self, index: int) -> Any:
        if index == 5:
            raise ImageError("picture 5 is damaged")
        return torch.full((4, 4, 3), index, dtype=torch.uint8).numpy(), None


def test_pictures_are_the_same_kept_or_streamed(monkeypatch: pytest.MonkeyPatch):
    with pytest.raises(TrainingError, match="picture 5"):
        open_pictures(Numbered())
    monkeypatch.setattr(Numbered, "__len__", lambda self: 5)
    kept, streamed = open_pictures(Numbered()), open_pictures(Numbered(), fits=0)
    for numbers, then in (([0, 3], [2, 1]), ([2, 1], [4, 0])):
        assert torch.equal(kept.take(numbers), streamed.take(numbers, then))
    assert kept.take([3])[0, 0, 0, 0] == 3
    assert len(tiny_pictures()) == 20


def ticks(count: int, **values: Any) -> list[dict[str, Any]]:
    usual = {"p": 0.2, "sign_real": 0.5, "logits_real": 1.0, "logits_fake": -1.0, "loss_d": 1.0, "loss_g": 1.0}
    return [{"nimg": 1000 * i, "kimg": i, **usual, **values} for i in range(101, count + 101)]


def codes(lines: list[dict[str, Any]], **config: Any) -> list[str]:
    return [finding.code for finding in examine(lines, tiny_config(**config))]


def test_a_healthy_run_is_left_alone():
    assert codes(ticks(20)) == []
    assert codes([]) == []


def test_overfitting_is_told_by_ds_signs():
    assert codes(ticks(9, sign_real=0.97)) == ["overfits"]
    assert codes([line | {"kimg": line["kimg"] - 90} for line in ticks(9, sign_real=0.97)]) == []  # G is bad yet
    assert codes(ticks(9, sign_real=0.97), augment="ada") == []  # ADA is at it
    assert codes(ticks(9, sign_real=0.97, p=1.0), augment="ada") == ["overfits"]


def test_divergence_and_a_blind_discriminator():
    assert codes(ticks(9, loss_d=None)) == ["diverged"]
    assert codes(ticks(9, logits_real=900.0)) == ["diverged"]
    assert codes(ticks(9, logits_real=0.001, logits_fake=0.0)) == ["weak_d"]


def test_collapse_is_told_by_the_sheets_spread():
    lines = [{"nimg": i, "kimg": i, "spread": spread} for i, spread in enumerate((0.3, 0.2, 0.25, 0.24, 0.05))]
    assert codes(lines) == ["collapsed"]
    assert codes(lines[:-1]) == []


def test_standing_still_names_the_best_snapshot():
    lines = [
        {"nimg": i, "kimg": i, "frechet_vgg16": d}
        for i, d in zip(range(0, 140, 20), (9, 5, 3, 4, 4, 4, 4), strict=True)
    ]
    (finding,) = examine(lines, tiny_config())
    assert finding.code == "stands_still"
    assert "network-snapshot-000040" in finding.advice
    assert codes(lines[:4]) == []


def test_plots_show_round_numbers_and_every_curve():
    assert steps(0, 10, 5) == [0, 2, 4, 6, 8, 10]
    drawn = plot("D & G", [Curve("a", [(0, 1), (1, 2)]), Curve("b", [(0, 3)])], level=1.5)
    assert drawn.count("<polyline") == 1
    assert "D &amp; G" in drawn
    assert plot("none", []) == ""


@pytest.mark.parametrize(
    ("side", "preset", "part"), [(64, "auto", 32), (128, "auto", 8), (256, "auto", 4), (128, "faces", 32)]
)
def test_a_pass_on_a_processor_holds_fewer_large_features(side, preset, part):
    assert plan(replace(FACES, height=side, width=side), preset).config.part == part
