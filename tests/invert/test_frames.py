"""Encoding a film's frames: everything is searched once a sweep, from the neighbour, and smooth within its run."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from faceloom.invert.frames import SequenceConfig, encode_frames, outward, smoothed


def frame(level: float) -> np.ndarray:
    return np.full((256, 256, 3), round(level), dtype=np.uint8)


class Halfway:
    """A search whose latents are the pictures' brightness: it goes half the way there."""

    def __init__(self) -> None:
        self.starts: list[float] = []
        self.seconds: list[float] = []

    def __call__(self, img: torch.Tensor, start: torch.Tensor, seconds: float) -> torch.Tensor:
        self.starts.extend(start[:, 0, 0].tolist())
        self.seconds.append(seconds)
        return start.lerp(img.mean((1, 2, 3))[:, None, None].expand_as(start), 0.5)


PERSON = torch.zeros(1, 3, 2)


@pytest.mark.parametrize("best", [0, 4, 10, 99])
def test_batches_go_outward_and_cover_the_run(best: int):
    parts = list(outward(range(2, 13), best, SequenceConfig(batch=4)))
    covered = sorted(i for part, _ in parts for i in part)
    assert covered == list(range(2, 13))
    done: set[int] = set()
    for part, neighbour in parts:
        assert not done or neighbour in done or neighbour == part[0]
        assert min(abs(neighbour - i) for i in part) <= 1
        done.update(part)


def test_frames_come_nearer_with_every_search_and_stay_apart_by_runs():
    frames = [frame(128 + 2 * i) for i in range(10)] + [frame(30)] * 5
    runs = [range(10), range(10, 15)]
    told: list[float] = []
    once = encode_frames([Halfway()], frames, runs, PERSON, 3, callback=told.append)
    assert once.shape == (15, 3, 2)
    assert told[-1] == 1.0
    assert sorted(told) == told
    searches = [Halfway(), Halfway(), Halfway()]
    codes = encode_frames(searches, frames, runs, PERSON, 3)
    truth = torch.tensor([float(f[0, 0, 0]) / 127.5 - 1 for f in frames])
    assert (codes[:, 0, 0] - truth).abs().mean() < 0.5 * (once[:, 0, 0] - truth).abs().mean()
    assert codes[9, 0, 0] > 0.05 > -0.5 > codes[10, 0, 0]  # a cut stays a cut
    assert len(searches[1].starts) == 15


def test_the_seconds_are_shared_out(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("faceloom.invert.frames.time.perf_counter", lambda: 5.0)  # nothing takes any time
    search = Halfway()
    encode_frames([search], [frame(9)] * 8, [range(8)], PERSON, 0, config=SequenceConfig(seconds=16, batch=4))
    assert search.seconds == [8, 16]  # nothing was used of the first 8
    search = Halfway()
    encode_frames([search], [frame(9)] * 4, [range(4)], PERSON, 0, config=SequenceConfig(seconds=0))
    assert search.seconds == [0, 0]


def test_smoothing_takes_flicker_out_of_each_run_alone():
    torch.manual_seed(0)
    codes = torch.randn(20, 3, 2)
    codes[10:] += 50
    found = smoothed(codes, [range(10), range(10, 20)], 2.0)
    for part in (slice(0, 10), slice(10, 20)):
        assert found[part].diff(n=2, dim=0).std() < 0.3 * codes[part].diff(n=2, dim=0).std()
        torch.testing.assert_close(found[part].mean(0), codes[part].mean(0), atol=1e-4, rtol=1e-5)
