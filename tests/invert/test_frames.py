"""Inversion of a film's frames: every frame single per inverter, from its neighbor, and smooth within its run."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from faceloom.invert.frames import SequenceConfig, encode_frames, smooth_runs, split_outward


def frame(level: float) -> np.ndarray:
    return np.full((256, 256, 3), round(level), dtype=np.uint8)


class HalfwayInverter:
    """An inverter whose latents are the image's brightness: it goes half the way there."""

    def __init__(self) -> None:
        self.starts: list[float] = []
        self.seconds: list[float] = []

    def __call__(self, img: torch.Tensor, start: torch.Tensor, seconds: float) -> torch.Tensor:
        self.starts.extend(start[:, 0, 0].tolist())
        self.seconds.append(seconds)
        return start.lerp(img.mean((1, 2, 3))[:, None, None].expand_as(start), 0.5)


PERSON = torch.zeros(1, 3, 2)


@pytest.mark.parametrize("best_frame", [0, 4, 10, 99])
def test_batches_go_outward_and_cover_the_run(best_frame: int):
    batches = list(split_outward(range(2, 13), best_frame, SequenceConfig(batch=4)))
    covered = sorted(i for part, _ in batches for i in part)
    assert covered == list(range(2, 13))
    done: set[int] = set()
    for part, neighbor in batches:
        assert not done or neighbor in done or neighbor == part[0]
        assert min(abs(neighbor - i) for i in part) <= 1
        done.update(part)


def test_frames_converge_with_every_inverter_and_runs_stay_apart():
    frames = [frame(128 + 2 * i) for i in range(10)] + [frame(30)] * 5
    runs = [range(10), range(10, 15)]
    progress: list[float] = []
    single = encode_frames([HalfwayInverter()], frames, runs, PERSON, 3, callback=progress.append)
    assert single.shape == (15, 3, 2)
    assert progress[-1] == 1.0
    assert sorted(progress) == progress
    inverters = [HalfwayInverter(), HalfwayInverter(), HalfwayInverter()]
    w_plus = encode_frames(inverters, frames, runs, PERSON, 3)
    truth = torch.tensor([float(f[0, 0, 0]) / 127.5 - 1 for f in frames])
    assert (w_plus[:, 0, 0] - truth).abs().mean() < 0.5 * (single[:, 0, 0] - truth).abs().mean()
    assert w_plus[9, 0, 0] > 0.05 > -0.5 > w_plus[10, 0, 0]  # no smoothing across the cut
    assert len(inverters[1].starts) == 15


def test_the_seconds_are_divided(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("faceloom.invert.frames.time.perf_counter", lambda: 5.0)  # the clock stands still
    inverter = HalfwayInverter()
    encode_frames([inverter], [frame(9)] * 8, [range(8)], PERSON, 0, config=SequenceConfig(seconds=16, batch=4))
    assert inverter.seconds == [8, 16]  # the first 8 were not used
    inverter = HalfwayInverter()
    encode_frames([inverter], [frame(9)] * 4, [range(4)], PERSON, 0, config=SequenceConfig(seconds=0))
    assert inverter.seconds == [0, 0]


def test_smoothing_removes_flicker_within_each_run():
    torch.manual_seed(0)
    w_plus = torch.randn(20, 3, 2)
    w_plus[10:] += 50
    smoothed = smooth_runs(w_plus, [range(10), range(10, 20)], 2.0)
    for part in (slice(0, 10), slice(10, 20)):
        assert smoothed[part].diff(n=2, dim=0).std() < 0.3 * w_plus[part].diff(n=2, dim=0).std()
        torch.testing.assert_close(smoothed[part].mean(0), w_plus[part].mean(0), atol=1e-4, rtol=1e-5)
