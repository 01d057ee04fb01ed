"""Tests of transfer: a run starts from another one's weights, also at a higher resolution."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from faceloom.errors import TrainingError
from faceloom.train import run as runs
from faceloom.train.transfer import copy_weights, open_origin, settings_for
from tests.train.tiny_run import tiny_run, tiny_trainer

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
