"""Editing of a film: a real portrait under a moving camera, with the real weights."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from typer.testing import CliRunner

pytest.importorskip("av")

from bench.moving import SIZE, camera_frame, render_shot, write_video
from bench.video import flicker
from faceloom import Studio
from faceloom.analyze.attributes import REGIONS
from faceloom.cli.main import app
from faceloom.edit.film import save_film
from faceloom.errors import NoFaceFound
from faceloom.faces.track import Track
from faceloom.images import open_photo
from faceloom.images.clip import Clip, open_clip
from faceloom.workflows import video

COUNT, HIDDEN = 8, 6  # the last frames do not show the face
VALUES = {"age": 20.0}


def test_runs_end_at_gaps_and_cuts():
    track = Track(np.zeros((9, 4)), np.array([0, 0, 0, 0, 0, 1, 1, 1, 1]))
    assert video._split_runs(track, [0, 1, 2, 4, 5, 6, 8]) == [range(3), range(3, 4), range(4, 6), range(6, 7)]


def test_the_edit_is_faded_where_the_face_appears_and_disappears_but_not_at_cuts():
    track = Track(np.zeros((40, 4)), np.repeat([0, 1], 20))
    rows = [*range(14), *range(20, 40)]
    strength = video._edit_strength(track, rows, video._split_runs(track, rows))
    assert strength[0] == 1  # the film begins
    assert 0 < strength[13] < strength[12] < 1  # the face goes
    assert strength[14] == 1  # a cut
    assert strength[33] == 1


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Clip:
    from faceloom.assets.cache import open_asset

    still = open_photo(open_asset("portraits") / "astronaut.png").image
    frames = [np.asarray(render_shot(still, camera_frame(i / 12))) for i in range(HIDDEN)]
    hidden = [np.asarray(still.crop((0, 300, 200, 450)).resize(SIZE)) for _ in range(COUNT - HIDDEN)]
    return open_clip(write_video(tmp_path_factory.mktemp("film") / "moving.mp4", [*frames, *hidden], 12, sound=True))


@pytest.fixture(scope="module")
def studio() -> Studio:
    return Studio()


@pytest.fixture(scope="module")
def encoding(studio: Studio, clip: Clip) -> video.VideoEncoding:
    return video.encode_clip(studio, clip, seconds=3)


@pytest.mark.models
def test_the_face_is_tracked_and_encoded(encoding: video.VideoEncoding, clip: Clip):
    assert encoding.rows == tuple(range(HIDDEN))
    assert (encoding.count, encoding.shots) == (COUNT, 2)
    assert encoding.codes.shape[0] == len(encoding.quads) == len(encoding.lpips) == HIDDEN
    middles = np.array([quad.mean(0) for quad in encoding.quads])
    assert np.abs(np.diff(middles, 2, axis=0)).max() < 6
    assert encoding.codes.diff(n=2, dim=0).norm() < encoding.codes.std(0).norm() * 4


@pytest.mark.models
def test_the_edit_does_not_flicker_and_the_rest_is_unchanged(studio: Studio, clip: Clip, encoding: video.VideoEncoding):
    done = studio.edit(encoding.person, VALUES)
    inputs, outputs = list(clip.frames()), list(video.render_clip(studio, clip, encoding, done.person))
    assert len(outputs) == COUNT
    for i, (before, after) in enumerate(zip(inputs, outputs, strict=True)):
        changed = np.abs(after.astype(int) - before).max(2) > 0
        assert changed.any() == (i < HIDDEN)
        assert not changed[:, :20].any()
        assert not changed[-15:].any()
    figures = flicker(inputs, outputs, encoding.quads, encoding.rows)
    assert figures["the edit"] > 1
    assert figures["flicker in the face's square"] < 0.3 * figures["the edit"]
    unchanged = video.render_clip(studio, clip, encoding, encoding.person)
    assert all(np.array_equal(a, b) for a, b in zip(inputs, unchanged, strict=True))


@pytest.mark.models
def test_an_interruption_leaves_no_file(studio: Studio, clip: Clip, encoding: video.VideoEncoding, tmp_path: Path):
    def stop(done: float, what: str) -> None:
        if what.startswith("frame 7"):
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        save_film(video.render_clip(studio, clip, encoding, encoding.person, stop), tmp_path / "a.mp4", sound=clip.path)
    assert not list(tmp_path.iterdir())


@pytest.mark.models
def test_a_film_without_a_face_is_rejected(studio: Studio, tmp_path: Path):
    film = write_video(tmp_path / "a.mp4", [np.asarray(Image.new("RGB", SIZE, "teal"))] * 2)
    with pytest.raises(NoFaceFound, match="film"):
        video.encode_clip(studio, open_clip(film))


@pytest.mark.models
def test_the_same_on_the_command_line(clip: Clip, tmp_path: Path):
    import av

    made = tmp_path / "older.mp4"
    options = ["--age", "+20", "--seconds", "1", "--max-frames", "3", "--json", "-o", str(made)]
    run = CliRunner().invoke(app, ["video", str(clip.path), *options])
    assert run.exit_code == 0, run.output
    facts = json.loads(run.stdout)
    assert (facts["frames"], facts["edited"], facts["changes"]) == (3, 3, VALUES)
    assert {"lpips", "reached", "identity", "kept"} <= facts.keys()
    assert "first 3 frames" in run.stderr
    assert b"compositeWithTrainedAlgorithmicMedia" in made.read_bytes()
    with av.open(str(made)) as film:
        assert sum(1 for _ in film.decode(video=0)) == 3
        assert film.streams.audio
    assert CliRunner().invoke(app, ["video", str(clip.path), "-o", str(made)]).exit_code == 2


def test_masks_are_smoothed_in_each_run_alone():
    steady, flickering = torch.ones(6, 1, 4, 4), torch.zeros(6, 1, 4, 4)
    flickering[::2] = 1
    masks = video.smooth_masks(torch.cat((steady, flickering)), [range(6), range(6, 12)])
    torch.testing.assert_close(masks[:6], steady)
    assert masks[6:].diff(dim=0).abs().max() < 0.4
    assert 0 <= masks.min() <= masks.max() <= 1


@pytest.mark.models
def test_background_and_clothes_do_not_change(studio: Studio, encoding: video.VideoEncoding):
    done = studio.edit(encoding.person, VALUES)
    edits = video.edit_frames(studio, encoding, done.person)
    assert torch.equal(edits.outside, encoding.codes)
    G = studio.tuned_generator(encoding.person)
    for code, mask in zip(encoding.codes.split(1), edits.masks.split(1), strict=True):
        regions = studio.read_regions(G, code)[0]
        still = regions[REGIONS.index("background")] + regions[REGIONS.index("clothes")] > 0.98
        assert still.float().mean() > 0.1
        assert mask[0, 0][still].mean() < 0.05
        assert mask[0, 0, 32, 32] > 0.9  # the nose


@pytest.mark.models
def test_a_turn_of_the_head_changes_whole_frames(studio: Studio, encoding: video.VideoEncoding):
    turned = studio.edit(encoding.person, {"yaw": 10.0})
    edits = video.edit_frames(studio, encoding, turned.person)
    assert edits.masks is None
    assert torch.equal(edits.w_plus, edits.outside)
