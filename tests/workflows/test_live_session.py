"""The live mirror: frames play at their rate, and a real face follows a driver."""

from __future__ import annotations

import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from typer.testing import CliRunner

from faceloom.cli.main import app
from faceloom.edit.film import save_film
from faceloom.errors import FaceError, ImageError
from faceloom.faces.align import align
from faceloom.faces.track import quad_from_state
from faceloom.images import open_photo
from faceloom.networks.fused import Fused
from faceloom.workflows.live import (
    DETECTION_INTERVAL,
    LiveSession,
    at_constant_rate,
    cut_square,
    draw_stream,
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


@pytest.mark.parametrize("side", [90.0, 300.0])
def test_a_square_inside_the_picture_is_cut_as_by_alignment(side):
    rows, columns = np.mgrid[0:360, 0:480]
    waves = 127 + 60 * np.sin(columns / 9) + 60 * np.cos(rows / 13)
    picture = Image.fromarray(np.repeat(waves.astype(np.uint8)[..., None], 3, axis=2))
    inside, beyond = (quad_from_state(np.array([x, 180.0, np.log(side), 0.1])) for x in (240.0, 20.0))
    cut, aligned = (
        np.asarray(image, float) for image in (cut_square(picture, inside, 64), align(picture, inside, 64).image)
    )
    assert np.abs(cut - aligned).mean() < 3
    assert np.array_equal(cut_square(picture, beyond, 64), align(picture, beyond, 64).image)
    with pytest.raises(FaceError):
        cut_square(picture, beyond - 900, 64)


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
def test_a_stream_shows_the_same_pictures_as_single_frames():
    from faceloom import Studio
    from faceloom.assets.cache import open_asset

    photo = np.asarray(open_photo(open_asset("portraits") / "astronaut.png").image)
    puppet = make_studio_puppet(Studio(), Studio().generate(5))
    frames = [(i / 10, frame) for i, frame in enumerate([photo, photo[:, ::-1].copy(), photo, np.zeros_like(photo)])]
    drawn = list(draw_stream(LiveSession(puppet, 64), iter(frames)))
    assert [moment for moment, _ in drawn] == [moment for moment, _ in frames]
    single = LiveSession(puppet, 64)
    for (moment, frame), (_, streamed) in zip(frames, drawn, strict=True):
        alone = single.draw(frame, moment)
        assert (alone.readings is None) == (streamed.readings is None)
        assert np.abs(alone.pixels.astype(int) - streamed.pixels).max() <= 2  # sums of one thread and of several


@pytest.mark.models
def test_the_face_is_drawn_with_fused_layers_and_a_small_error():
    from faceloom import Studio

    studio = Studio()
    person = studio.generate(5)
    puppet = make_studio_puppet(studio, person)
    assert isinstance(puppet.G, Fused)
    targets = puppet.rest + np.array([10.0, 4.0, 2.0, 8.0, 0.0, 0.0])
    img = puppet.draw(targets, 256)
    whole = replace(puppet, G=studio.generator.G).draw(targets, 256)
    assert float((img - whole).square().mean()) < 4 * 10**-4.5  # 45 dB


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
