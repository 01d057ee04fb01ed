"""The reveal goes from the youngest to the oldest, the boomerang returns, and both have the stated length."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from typer.testing import CliRunner

from faceloom.cli.main import app
from faceloom.workflows.reveal import BOOMERANG_SECONDS, boomerang, reveal
from tests.web.tiny_booth import TinyStudio


@pytest.fixture(scope="module")
def studio() -> TinyStudio:
    return TinyStudio()


def frames_between(frames: list[np.ndarray]) -> list[float]:
    return [float(np.abs(a.astype(float) - b.astype(float)).mean()) for a, b in pairwise(frames)]


def test_the_reveal_has_its_length_and_is_in_order_of_age(studio):
    stops = [(40.0, studio.generate(1)), (5.0, studio.generate(2)), (80.0, studio.generate(3))]
    frames = list(reveal(studio, stops, fps=6, size=32, seconds=4))
    assert abs(len(frames) - 24) <= 2
    youngest, oldest = (np.asarray(studio.draw(studio.generate(seed), 32), dtype=float) for seed in (2, 3))
    assert np.abs(frames[0] - youngest).mean() < 3
    assert np.abs(frames[-1] - oldest).mean() < 3
    assert max(frames_between(frames)) < 0.5 * np.abs(youngest - oldest).mean() + 10


def test_stops_of_the_same_age_count_once(studio):
    person = studio.generate(1)
    frames = list(reveal(studio, [(20.0, person), (20.0, person), (50.0, studio.generate(2))], fps=4, size=32))
    assert len(frames) == pytest.approx(40, abs=2)


def test_one_age_alone_is_a_still(studio):
    frames = list(reveal(studio, [(20.0, studio.generate(1))], fps=4, size=32))
    assert max(frames_between(frames)) == 0


def test_the_boomerang_can_loop(studio):
    frames = list(boomerang(studio, studio.generate(1), studio.generate(2), fps=10, size=32))
    assert len(frames) == round(BOOMERANG_SECONDS * 10)
    assert np.array_equal(frames[1], frames[-1])  # there and back through the same pictures


@pytest.mark.models
def test_the_command_writes_a_loop(tmp_path):
    output = tmp_path / "smile.webp"
    result = CliRunner().invoke(app, ["reveal", "seed:5", "--boomerang", "--size", "64", "-o", str(output)])
    assert result.exit_code == 0, result.stderr
    assert output.read_bytes()[8:12] == b"WEBP"
