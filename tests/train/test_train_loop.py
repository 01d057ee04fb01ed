"""Tests of the training loop: gradients match the textbook, runs are reproducible and independent of processes."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from faceloom.errors import TrainingError
from faceloom.train import ada, checkpoint
from faceloom.train.config import from_json, to_json
from faceloom.train.data import TrainingImages
from faceloom.train.distributed import Ranks
from faceloom.train.loop import MAIN, Trainer
from tests.train.tiny_run import differences, tiny_config, tiny_trainer

FAMILIES = pytest.mark.parametrize("family", ["stylegan2", "mobilestylegan"])


def steps(trainer: Trainer, count: int) -> Trainer:
    for _ in range(count):
        trainer.step()
    return trainer


def test_shared_fakes_give_the_gradients_of_two_separate_passes():
    """Compare with the gradients of the two losses, each computed separately."""
    trainer = tiny_trainer(part=8)
    trainer._zero_gradients()
    trainer._accumulate_gradients(next(trainer._parts(MAIN)))
    combined = [[weight.grad.clone() for weight in side if weight.grad is not None] for side in sides(trainer)]

    for side in (0, 1):
        trainer._zero_gradients()
        part = next(trainer._parts(MAIN))
        real, _ = trainer._real_images(part)
        fake = trainer._synthesize(trainer._random_styles(part, None))
        if side == 0:
            loss = trainer.loss.generator(trainer._discriminate(fake, None, part, [trainer.D])[0], None)
        else:
            loss = trainer.loss.discriminator(
                trainer._discriminate(real, None, part, [trainer.D])[0],
                trainer._discriminate(fake.detach(), None, part, [trainer.D])[0],
            )
        loss.mean().backward()
        separate = [weight.grad for weight in sides(trainer)[side] if weight.grad is not None]
        assert len(separate) == len(combined[side]) > 10
        for ours, textbook in zip(combined[side], separate, strict=True):
            torch.testing.assert_close(ours, textbook, rtol=1e-4, atol=1e-6)


def sides(trainer: Trainer) -> tuple[list[torch.nn.Parameter], list[torch.nn.Parameter]]:
    return trainer.g_weights, trainer.d_weights


@FAMILIES
@pytest.mark.parametrize("precision", ["fp32", "bf16"])
def test_resumed_run_is_bit_identical(family: str, precision: str, tmp_path: Path):
    settings = {"family": family, "precision": precision, "mirror": True}
    settings |= {"augment": "ada", "ada_kimg": 0.1, "target": -1.0}  # p always rises
    straight = steps(tiny_trainer(**settings), 5)
    checkpoint.save(straight, tmp_path / checkpoint.FILE)
    resumed = tiny_trainer(**settings)
    checkpoint.load(resumed, tmp_path / checkpoint.FILE)
    assert differences(straight, resumed) == []
    assert differences(steps(straight, 4), steps(resumed, 4)) == []
    assert straight.p > 0


@FAMILIES
def test_two_processes_match_one_process(family: str, tmp_path: Path):
    """Compare up to rounding, because sums over two processes are rounded in another order."""
    alone = steps(tiny_trainer(family=family, augment="ada"), 4)
    together = tmp_path / "together.safetensors"
    launch = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2"]
    program = [str(Path(__file__).with_name("tiny_run.py")), str(together), "4", family]
    environment = os.environ | {"OMP_NUM_THREADS": "1"}
    result = subprocess.run([*launch, *program], capture_output=True, text=True, check=False, env=environment)
    assert result.returncode == 0, result.stderr[-3000:]
    there = load_file(together)
    for name, tensor in checkpoint.tensors(alone):
        if name != "means":  # each process has its own until they are summed
            torch.testing.assert_close(
                there[name], tensor.detach(), rtol=2e-3, atol=2e-4, msg=lambda m, n=name: f"{n}: {m}"
            )


def test_conditional_training_with_the_relativistic_loss():
    trainer = steps(tiny_trainer(c_dim=3, loss="relativistic", augment="diffaugment"), 4)
    assert trainer.means.pop(trainer.ranks)["penalty"] > 0


@pytest.mark.models
def test_a_critic_teaches_the_generator_and_is_part_of_the_checkpoint(tmp_path: Path):
    trainer = steps(tiny_trainer(critic="alexnet"), 3)
    assert trainer.critic
    checkpoint.save(trainer, tmp_path / checkpoint.FILE)
    resumed = tiny_trainer(critic="alexnet")
    checkpoint.load(resumed, tmp_path / checkpoint.FILE)
    assert differences(steps(trainer, 2), steps(resumed, 2)) == []
    without = steps(tiny_trainer(), 1)
    assert not torch.equal(steps(tiny_trainer(critic="alexnet"), 1).g_weights[0], without.g_weights[0])
    names = [name for name, _ in checkpoint.tensors(trainer) if name.startswith("critic.")]
    assert names
    assert all(".heads." in f".{name}" for name in names)  # the frozen network is not in the file


def test_stylegan3_trains_and_resumes_bit_identically(tmp_path: Path):
    """Check that its average magnitudes, which are buffers, are part of the checkpoint."""
    settings = {"family": "stylegan3", "channel_base": 128, "channel_max": 8, "path_weight": 0.0, "style_mixing": 0.0}
    straight, before = tiny_trainer(**settings), tiny_trainer(**settings).g_weights
    steps(straight, 1)
    assert all(torch.isfinite(weight).all() for weight in straight.g_weights)
    assert not any(torch.equal(old, new) for old, new in zip(before, straight.g_weights, strict=True))
    checkpoint.save(straight, tmp_path / checkpoint.FILE)
    resumed = tiny_trainer(**settings)
    checkpoint.load(resumed, tmp_path / checkpoint.FILE)
    assert differences(steps(straight, 2), steps(resumed, 2)) == []


def test_images_may_be_rectangular():
    trainer = steps(tiny_trainer(height=16, width=24), 2)
    assert trainer.G.synthesis(torch.zeros(1, trainer.G.num_ws, 8)).shape == (1, 3, 16, 24)


def test_averaged_generator_follows_slowly():
    trainer = tiny_trainer(ema_kimg=1000, ema_ramp=1000)
    start = [weight.clone() for weight in trainer.G_ema.parameters()]
    steps(trainer, 2)
    far = sum((a - b).abs().sum() for a, b in zip(trainer.G.parameters(), start, strict=True))
    near = sum((a - b).abs().sum() for a, b in zip(trainer.G_ema.parameters(), start, strict=True))
    assert 0 < near < far / 100


def test_frozen_blocks_do_not_change():
    trainer = tiny_trainer(freeze_d=1)
    before = {name: value.clone() for name, value in trainer.D.state_dict().items()}
    steps(trainer, 3)
    moved = {name for name, value in trainer.D.state_dict().items() if not torch.equal(value, before[name])}
    assert moved
    assert not any(name.startswith("b16.") for name in moved)


def test_only_the_discriminator_learns_while_the_generator_waits():
    trainer = tiny_trainer(wait_kimg=2 * tiny_trainer().config.batch / 1000, path_every=1)
    generator = {name: value.clone() for name, value in trainer.G.named_parameters()}
    discriminator = {name: value.clone() for name, value in trainer.D.named_parameters()}
    steps(trainer, 2)
    assert all(torch.equal(value, generator[name]) for name, value in trainer.G.named_parameters())
    assert not all(torch.equal(value, discriminator[name]) for name, value in trainer.D.named_parameters())
    steps(trainer, 1)
    assert not all(torch.equal(value, generator[name]) for name, value in trainer.G.named_parameters())


def test_weights_stay_finite_after_a_step_with_infinities():
    trainer = tiny_trainer()
    with torch.no_grad():
        trainer.G.synthesis.b4.const.mul_(1e30)
    steps(trainer, 1)
    assert all(weight.isfinite().all() for weight in trainer.d_weights)


@pytest.mark.parametrize(
    ("sign", "p", "after"), [(0.9, 0.5, 0.52), (0.1, 0.5, 0.48), (0.6, 0.5, 0.5), (0.9, 1, 1), (0, 0, 0)]
)
def test_ada_moves_p_toward_its_target_at_a_fixed_speed(sign: float, p: float, after: float):
    assert ada.adjust_probability(p, sign, target=0.6, nimg=2000, ada_kimg=100) == pytest.approx(after)


def test_checkpoint_before_the_first_step(tmp_path: Path):
    straight = tiny_trainer()
    checkpoint.save(straight, tmp_path / checkpoint.FILE)
    resumed = tiny_trainer(seed=1)
    checkpoint.load(resumed, tmp_path / checkpoint.FILE)
    assert differences(straight, resumed) == []


def test_checkpoint_of_another_run_is_refused(tmp_path: Path):
    checkpoint.save(steps(tiny_trainer(), 1), tmp_path / checkpoint.FILE)
    with pytest.raises(TrainingError, match=r"cannot resume|of another run"):
        checkpoint.load(tiny_trainer(channels=(16, 12, 12)), tmp_path / checkpoint.FILE)
    (tmp_path / checkpoint.FILE).write_bytes(b"cut")
    with pytest.raises(TrainingError, match="cannot resume"):
        checkpoint.load(tiny_trainer(), tmp_path / checkpoint.FILE)


@pytest.mark.parametrize(
    "wrong",
    [
        {"part": 3},
        pytest.param({"family": "dcgan"}, marks=pytest.mark.wrong_types),
        {"gamma": -1},
        {"kimg": 0},
        pytest.param({"augment": "more"}, marks=pytest.mark.wrong_types),
    ],
)
def test_invalid_settings_are_refused(wrong: dict[str, object]):
    with pytest.raises(TrainingError):
        from_json(to_json(tiny_config()) | wrong)


class RecordingImages:
    """Images that record which indices were loaded and which were announced as the next ones."""

    def __init__(self, images: TrainingImages) -> None:
        self.images, self.labels = images, images.labels
        self.calls: list[tuple[list[int], list[int]]] = []

    def __len__(self) -> int:
        return len(self.images)

    def load(self, indices: Sequence[int], upcoming: Sequence[int] = ()) -> torch.Tensor:
        self.calls.append((list(indices), list(upcoming)))
        return self.images.load(indices, upcoming)


class SilentRanks(Ranks):
    """A rank whose sums leave out the other processes."""

    def add(self, tensors: Sequence[torch.Tensor]) -> None:
        return


@pytest.mark.parametrize(("size", "batch"), [(1, 8), (2, 8), (2, 16), (4, 16)])
def test_announced_images_are_the_next_ones_of_the_same_process(size: int, batch: int):
    loaded: list[list[int]] = []
    for rank in range(size):
        trainer = tiny_trainer(SilentRanks(rank, size), batch=batch, penalty_every=2)
        trainer.images = images = RecordingImages(trainer.images)
        steps(trainer, 4)
        for (_, announced), (indices, _) in pairwise(images.calls):
            assert announced == indices
        loaded += [indices for indices, _ in images.calls]
    shown = {index for indices in loaded for index in indices}
    assert len(shown) == 20  # every picture of the data set was loaded by some process


@pytest.mark.parametrize("family", ["stylegan2", "mobilestylegan", "stylegan3"])
def test_a_rehearsal_changes_nothing(family: str):
    more = {"channel_base": 256, "channel_max": 16, "channels": (), "d_channels": (), "path_weight": 0.0}
    more = more | {"style_mixing": 0.0} if family == "stylegan3" else {}
    plain, rehearsed = (tiny_trainer(family=family, augment="ada", **more) for _ in range(2))
    for trainer in (plain, rehearsed):
        trainer.step()
    rehearsed.rehearse()
    assert differences(plain, rehearsed) == []
    plain.step()
    rehearsed.step()
    assert differences(plain, rehearsed) == []
