"""Anonymised films, with the real weights: every frame that shows the face is changed, and one person stands in."""

from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("av")

from bench.moving import camera_frame, render_shot, write_video
from faceloom import Studio
from faceloom.images import open_photo
from faceloom.images.clip import Clip, open_clip
from faceloom.workflows.anonymise import BLURRED, REPLACED, AnonymiseConfig, Anonymiser
from faceloom.workflows.anonymise_film import plan_film, render_film

COUNT = 4


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Clip:
    from faceloom.assets.cache import open_asset

    still = open_photo(open_asset("portraits") / "astronaut.png").image
    frames = [np.asarray(render_shot(still, camera_frame(i / 12))) for i in range(COUNT)]
    return open_clip(write_video(tmp_path_factory.mktemp("film") / "moving.mp4", frames, 12, sound=True))


@pytest.mark.models
@pytest.mark.parametrize("blur", [False, True])
def test_every_frame_is_changed_in_the_face_only(clip: Clip, blur: bool):
    config = AnonymiseConfig(seed=3, candidates=4, finalists=2, attempts=1, max_similarity=1.0, blur=blur)
    anonymiser = Anonymiser(Studio(), config)
    plan = plan_film(anonymiser, clip)
    assert [face.how for face in plan.faces] == [BLURRED if blur else REPLACED]
    assert plan.faces[0].rows == tuple(range(COUNT))
    assert not plan.notes
    frames = list(render_film(anonymiser, clip, plan))
    assert len(frames) == COUNT
    for before, after, quad in zip(clip.frames(), frames, plan.faces[0].quads, strict=True):
        x, y = quad.mean(0).astype(int)
        changed = np.abs(before.astype(float) - after).max(-1) > 8
        assert changed[y - 10 : y + 20, x - 15 : x + 15].mean() > 0.3
        assert not changed[:, :5].any()
