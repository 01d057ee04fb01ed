"""What one run learned is another's start, also at a higher resolution."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from tiny_run import tiny_run, tiny_trainer

from faceloom.errors import TrainingError
from faceloom.train import run as runs
from faceloom.train.transfer import open_origin, settings_for, take_over

FAMILIES = pytest.mark.parametrize("family", ["stylegan2", "mobilestylegan"])


@FAMILIES
def test_a_run_is_taken_over_whole(family: str, tmp_path: Path):
    old = tiny_run(tmp_path, family=family)
    old.go()
    origin = open_origin(str(tmp_path), runs.options)
    new = tiny_trainer(**settings_for(origin, 16, 16) | {"seed": 9})
    assert take_over(new, origin) == 1
    for side, source in ((new.G, old.trainer.G_ema), (new.G_ema, old.trainer.G_ema), (new.D, old.trainer.D)):
        for name, tensor in side.state_dict().items():
            assert torch.equal(tensor, source.state_dict()[name]), name


@FAMILIES
def test_a_run_grows_to_twice_the_side(family: str, tmp_path: Path):
    """Coarse layers come over, and with them what the small generator drew, for wavelets exactly where it stands."""
    old = tiny_run(tmp_path, family=family)
    old.go()
    origin = open_origin(str(tmp_path), runs.options)
    new = tiny_trainer(**settings_for(origin, 32, 32) | {"height": 32, "width": 32})
    assert 0.3 < take_over(new, origin) < 1
    new.step()
    assert new.G.synthesis(torch.zeros(1, new.G.num_ws, 8)).shape[-1] == 32
    coarse = next(name for name, _ in new.D.named_parameters() if name.startswith(("b8.", "blocks.1.")))
    assert coarse


def test_a_snapshot_is_a_start_without_a_judge(tmp_path: Path):
    outcome = tiny_run(tmp_path).go()
    origin = open_origin(str(outcome.snapshot), runs.options)
    assert origin.D == {}
    assert origin.settings["channels"] == (16, 12, 8)
    assert take_over(tiny_trainer(), origin) == 1


def test_networks_of_another_kind_are_refused(tmp_path: Path):
    tiny_run(tmp_path).go()
    origin = open_origin(str(tmp_path), runs.options)
    with pytest.raises(TrainingError, match="another kind"):
        take_over(tiny_trainer(channels=(8, 8, 8)), origin)
