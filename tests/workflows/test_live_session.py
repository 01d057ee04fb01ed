"""The live mirror: frames play at their rate, and a real face follows a driver."""

from __future__ import annotations

import time
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from faceloom.cli.main import app
from faceloom.edit.film import save_film
from faceloom.errors import ImageError
from faceloom.images import open_photo
from faceloom.workflows.live import (
    DETECTION_INTERVAL,
    LiveSession,
    at_constant_rate,
    in_real_time,
    make_studio_puppet,
)

FRAME = np.zeros((8, 8, 3), np.uint8)


def test_a_film_plays_in_real_time():
    begin = time.monotonic()
    times = [moment for moment, _ in in_real_time([FRAME] * 4, 50)]
    assert time.monotonic() - begin >= 3 / 50
    assert times == pytest.approx([0, 0.02, 0.04, 0.06])


def test_frames_of_any_times_play_at_a_constant_rate():
    drawn = [(5.0, FRAME), (5.4, FRAME + 1), (5.5, FRAME + 2), (6.0, FRAME + 3)]
    played = [int(frame[0, 0, 0]) for frame in at_constant_rate(drawn, 5)]
    assert len(played) == 6  # one second, both ends included
    assert played == sorted(played)


@pytest.mark.models
def test_a_face_follows_a_real_driver_and_returns_to_rest():
    from faceloom import Studio
    from faceloom.assets.cache import open_asset

    studio = Studio()
    photo = np.asarray(open_photo(open_asset("portraits") / "astronaut.png").image)
    session = LiveSession(make_studio_puppet(studio, studio.generate(5)), 64)
    first = session.draw(photo, 0.0)
    assert first.readings is not None
    assert first.pixels.shape == (64, 64, 3)
    turned = session.draw(photo[:, ::-1].copy(), 0.1)
    assert turned.readings is not None
    assert not np.array_equal(first.pixels, turned.pixels)
    nobody = np.full_like(photo, 127)
    gone = [session.draw(nobody, 9.0 + i) for i in range(DETECTION_INTERVAL + 1)]
    assert gone[-1].readings is None
    assert np.allclose(session.targets, session.puppet.rest)


@pytest.mark.models
def test_the_command_makes_a_film_of_a_film(tmp_path: Path):
    from faceloom.assets.cache import open_asset

    photo = np.asarray(open_photo(open_asset("portraits") / "astronaut.png").image)
    driver = save_film((photo[:, i : 480 + i] for i in range(4)), tmp_path / "driver.mp4", 10)
    command = ["live", str(driver), "--person", "seed:5", "-o", str(tmp_path / "out.mp4"), "--size", "64", "--json"]
    result = CliRunner().invoke(app, command)
    assert result.exit_code == 0, result.stderr
    assert '"with_face": 4' in result.stdout
    missing = CliRunner().invoke(app, ["live", "no.mp4", "--person", "seed:5", "-o", str(tmp_path / "x.mp4")])
    assert isinstance(missing.exception, ImageError)
