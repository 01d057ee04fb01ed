"""The loop: what is learned is the textbook's, repeats itself bit by bit, and does not depend on who computes it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file
from tiny_run import differences, tiny_config, tiny_trainer

from faceloom.errors import TrainingError
from faceloom.train import ada, checkpoint
from faceloom.train.loop import MAIN, Trainer

FAMILIES = pytest.mark.parametrize("family", ["stylegan2", "mobilestylegan"])


def steps(trainer: Trainer, count: int) -> Trainer:
    for _ in range(count):
        trainer.step()
    return trainer


def test_one_drawing_serves_both_sides_as_two_would():
    """The gradients are those of the two losses, each computed for itself."""
    trainer = tiny_trainer(part=8)
    trainer._clear()
    trainer._play(next(trainer._parts(MAIN)))
    kept = [[weight.grad.clone() for weight in side if weight.grad is not None] for side in sides(trainer)]

    for side in (0, 1):
        trainer._clear()
        part = next(trainer._parts(MAIN))
        real, _ = trainer._real(part)
        fake = trainer._drawn(trainer._styles(part, None))
        if side == 0:
            loss = trainer.game.generator(trainer._judged(fake, None, part), None)
        else:
            loss = trainer.game.discriminator(
                trainer._judged(real, None, part), trainer._judged(fake.detach(), None, part)
            )
        loss.mean().backward()
        again = [weight.grad for weight in sides(trainer)[side] if weight.grad is not None]
        assert len(again) == len(kept[side]) > 10
        for ours, textbook in zip(kept[side], again, strict=True):
            torch.testing.assert_close(ours, textbook, rtol=1e-4, atol=1e-6)


def sides(trainer: Trainer) -> tuple[list[torch.nn.Parameter], list[torch.nn.Parameter]]:
    return trainer.g_weights, trainer.d_weights


@FAMILIES
@pytest.mark.parametrize("precision", ["fp32", "bf16"])
def test_a_resumed_run_is_the_same_bit_by_bit(family: str, precision: str, tmp_path: Path):
    settings = {"family": family, "precision": precision, "mirror": True}
    settings |= {"augment": "ada", "ada_kimg": 0.1, "target": -1.0}  # p rises whatever D says
    straight = steps(tiny_trainer(**settings), 5)
    checkpoint.save(straight, tmp_path / checkpoint.FILE)
    resumed = tiny_trainer(**settings)
    checkpoint.load(resumed, tmp_path / checkpoint.FILE)
    assert differences(straight, resumed) == []
    assert differences(steps(straight, 4), steps(resumed, 4)) == []
    assert straight.p > 0


@FAMILIES
def test_two_processes_learn_what_one_learns_of_twice_the_share(family: str, tmp_path: Path):
    """To rounding: sums over two processes are rounded in another order."""
    alone = steps(tiny_trainer(family=family, augment="ada"), 4)
    together = tmp_path / "together.safetensors"
    launch = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2"]
    program = [str(Path(__file__).with_name("tiny_run.py")), str(together), "4", family]
    environment = os.environ | {"OMP_NUM_THREADS": "1"}
    result = subprocess.run([*launch, *program], capture_output=True, text=True, check=False, env=environment)
    assert result.returncode == 0, result.stderr[-3000:]
    there = load_file(together)
    for name, tensor in checkpoint.tensors(alone):
        if name != "means":  # each process has its own until they are asked for
            torch.testing.assert_close(
                there[name], tensor.detach(), rtol=2e-3, atol=2e-4, msg=lambda m, n=name: f"{n}: {m}"
            )


def test_labels_are_learned_and_the_relativistic_game_is_played():
    trainer = steps(tiny_trainer(c_dim=3, loss="relativistic", augment="diffaugment"), 4)
    assert trainer.means.taken(trainer.ranks)["penalty"] > 0


def test_stylegan3_is_trained_by_the_same_loop(tmp_path: Path):
    """And goes on bit by bit: its average magnitudes are buffers, and part of what is kept."""
    settings = {"family": "stylegan3", "channel_base": 128, "channel_max": 8, "path_weight": 0.0, "style_mixing": 0.0}
    straight, before = tiny_trainer(**settings), tiny_trainer(**settings).g_weights
    steps(straight, 1)
    assert all(torch.isfinite(weight).all() for weight in straight.g_weights)
    assert not any(torch.equal(old, new) for old, new in zip(before, straight.g_weights, strict=True))
    checkpoint.save(straight, tmp_path / checkpoint.FILE)
    resumed = tiny_trainer(**settings)
    checkpoint.load(resumed, tmp_path / checkpoint.FILE)
    assert differences(steps(straight, 2), steps(resumed, 2)) == []


def test_images_need_not_be_square():
    trainer = steps(tiny_trainer(height=16, width=24), 2)
    assert trainer.G.synthesis(torch.zeros(1, trainer.G.num_ws, 8)).shape == (1, 3, 16, 24)


def test_the_average_follows_slowly():
    trainer = tiny_trainer(ema_kimg=1000, ema_ramp=1000)
    first = [weight.clone() for weight in trainer.G_ema.parameters()]
    steps(trainer, 2)
    far = sum((a - b).abs().sum() for a, b in zip(trainer.G.parameters(), first, strict=True))
    near = sum((a - b).abs().sum() for a, b in zip(trainer.G_ema.parameters(), first, strict=True))
    assert 0 < near < far / 100


def test_frozen_blocks_do_not_move():
    trainer = tiny_trainer(freeze_d=1)
    before = {name: value.clone() for name, value in trainer.D.state_dict().items()}
    steps(trainer, 3)
    moved = {name for name, value in trainer.D.state_dict().items() if not torch.equal(value, before[name])}
    assert moved
    assert not any(name.startswith("b16.") for name in moved)


def test_a_step_of_bad_numbers_leaves_the_weights_finite():
    trainer = tiny_trainer()
    with torch.no_grad():
        trainer.G.synthesis.b4.const.mul_(1e30)
    steps(trainer, 1)
    assert all(weight.isfinite().all() for weight in trainer.d_weights)


@pytest.mark.parametrize(
    ("sign", "p", "after"), [(0.9, 0.5, 0.52), (0.1, 0.5, 0.48), (0.6, 0.5, 0.5), (0.9, 1, 1), (0, 0, 0)]
)
def test_ada_moves_towards_its_target_at_its_own_speed(sign: float, p: float, after: float):
    assert ada.corrected(p, sign, target=0.6, images=2000, ada_kimg=100) == pytest.approx(after)


def test_a_run_can_be_kept_before_its_first_step(tmp_path: Path):
    straight = tiny_trainer()
    checkpoint.save(straight, tmp_path / checkpoint.FILE)
    resumed = tiny_trainer(seed=1)
    checkpoint.load(resumed, tmp_path / checkpoint.FILE)
    assert differences(straight, resumed) == []


def test_a_checkpoint_of_another_run_is_refused(tmp_path: Path):
    checkpoint.save(steps(tiny_trainer(), 1), tmp_path / checkpoint.FILE)
    with pytest.raises(TrainingError, match=r"cannot go on|of another run"):
        checkpoint.load(tiny_trainer(channels=(16, 12, 12)), tmp_path / checkpoint.FILE)
    (tmp_path / checkpoint.FILE).write_bytes(b"cut")
    with pytest.raises(TrainingError, match="cannot go on"):
        checkpoint.load(tiny_trainer(), tmp_path / checkpoint.FILE)


@pytest.mark.parametrize("wrong", [{"part": 3}, {"family": "dcgan"}, {"gamma": -1}, {"kimg": 0}, {"augment": "more"}])
def test_what_cannot_be_is_said_at_once(wrong: dict[str, object]):
    with pytest.raises(TrainingError):
        tiny_config(**wrong)
