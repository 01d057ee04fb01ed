"""Tests of transfer: a run starts from another one's weights, also at a higher resolution."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch

from faceloom.checkpoints import rosinality_writer
from faceloom.checkpoints.detect import read_checkpoint
from faceloom.errors import TrainingError, UnknownFormat
from faceloom.networks.stylegan2 import StyleGAN2, StyleGAN2Config
from faceloom.train import run as runs
from faceloom.train.plan import TrainingFacts, plan
from faceloom.train.transfer import check_origin, copy_weights, open_origin, settings_for
from tests.train.tiny_run import tiny_run, tiny_trainer

FACTS = TrainingFacts("faces.zip", images=100, height=16, width=16)
FAMILIES = pytest.mark.parametrize("family", ["stylegan2", "mobilestylegan"])


@FAMILIES
def test_transfer_copies_all_weights_at_the_same_size(family: str, tmp_path: Path):
    old = tiny_run(tmp_path, family=family)
    old.train()
    origin = open_origin(str(tmp_path), runs.read_config)
    new = tiny_trainer(**settings_for(origin, 16, 16) | {"seed": 9})
    assert copy_weights(new, origin) == 1
    for side, source in ((new.G, old.trainer.G_ema), (new.G_ema, old.trainer.G_ema), (new.D, old.trainer.D)):
        for name, tensor in side.state_dict().items():
            assert torch.equal(tensor, source.state_dict()[name]), name


@FAMILIES
def test_transfer_to_twice_the_resolution(family: str, tmp_path: Path):
    """Check that the weights of coarse layers are copied."""
    old = tiny_run(tmp_path, family=family)
    old.train()
    origin = open_origin(str(tmp_path), runs.read_config)
    new = tiny_trainer(**settings_for(origin, 32, 32) | {"height": 32, "width": 32})
    assert 0.3 < copy_weights(new, origin) < 1
    new.step()
    assert new.G.synthesis(torch.zeros(1, new.G.num_ws, 8)).shape[-1] == 32
    coarse = next(name for name, _ in new.D.named_parameters() if name.startswith(("b8.", "blocks.1.")))
    assert coarse


def test_transfer_from_a_snapshot_has_no_discriminator(tmp_path: Path):
    outcome = tiny_run(tmp_path).train()
    origin = open_origin(str(outcome.snapshot), runs.read_config)
    assert origin.D == {}
    assert origin.settings["channels"] == (16, 12, 8)
    assert copy_weights(tiny_trainer(), origin) == 1


def test_networks_of_another_kind_are_refused(tmp_path: Path):
    tiny_run(tmp_path).train()
    origin = open_origin(str(tmp_path), runs.read_config)
    with pytest.raises(TrainingError, match="another kind"):
        copy_weights(tiny_trainer(channels=(8, 8, 8)), origin)


def weights_of(network: torch.nn.Module) -> int:
    return sum(weight.numel() for weight in network.parameters())


@FAMILIES
def test_new_discriminator_is_as_wide_as_the_generator(family: str, tmp_path: Path):
    outcome = tiny_run(tmp_path, family=family).train()
    origin = open_origin(str(outcome.snapshot), runs.read_config)
    for side in (16, 32):
        settings = settings_for(origin, side, side)
        assert settings["d_channels"] == settings["channels"]
        trainer = tiny_trainer(**settings | {"height": side, "width": side})
        assert weights_of(trainer.D) < 4 * weights_of(trainer.G)


def test_an_explicit_preset_decides_the_widths_of_the_discriminator(tmp_path: Path):
    outcome = tiny_run(tmp_path).train()
    origin = open_origin(str(outcome.snapshot), runs.read_config)
    assert "d_channels" not in settings_for(origin, 16, 16, "small")
    assert plan(FACTS, "small", **settings_for(origin, 16, 16, "small")).config.channel_max == 128


def test_a_file_with_only_a_generator_has_no_discriminator(tmp_path: Path):
    """Read rosinality's format, in which a file without 'd' holds the generator alone."""
    torch.manual_seed(0)
    G = StyleGAN2(StyleGAN2Config((16, 8, 8), z_dim=16, w_dim=16, mapping_layers=2))
    path = tmp_path / "g.pt"
    rosinality_writer.write(G, path)
    with pytest.raises(UnknownFormat, match="no discriminator"):
        read_checkpoint(path, "discriminator")
    origin = open_origin(str(path), runs.read_config)
    assert origin.D == {}
    assert settings_for(origin, 16, 16)["d_channels"] == origin.settings["channels"]


@pytest.mark.parametrize(
    ("requested", "preset"),
    [
        *(({}, "stylegan3"), ({}, "wavelet"), ({"family": "stylegan3"}, "auto"), ({"channel_max": 64}, "auto")),
        *(({"channel_base": 64}, "auto"), ({"w_dim": 16}, "auto")),
    ],
)
def test_settings_that_the_origin_decides_are_refused(requested: dict[str, Any], preset: str, tmp_path: Path):
    tiny_run(tmp_path).train()
    origin = open_origin(str(tmp_path), runs.read_config)
    used = {"w_dim": 8, "family": "stylegan2", "channels": (16, 12, 8), "d_channels": (8, 8, 8)}
    check_origin(origin, used, "small")
    with pytest.raises(TrainingError):
        check_origin(origin, requested, preset)
