"""Edits by CLIP with a tiny generator and a tiny random CLIP."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
import torch

from faceloom.checkpoints.readers.clip import read_clip
from faceloom.checkpoints.shipped import load_analyzer
from faceloom.edit.clip_edit import ClipEdit, ClipEditConfig, edit_by_clip
from faceloom.edit.latent_statistics import measure_latents
from faceloom.errors import LatentError
from tests.checkpoints.clip_files import write_clip

CONFIG = ClipEditConfig(steps=6, step_length=0.5, min_identity=-1.0, min_relevance=-1.0)


@pytest.fixture
def run(tiny, tmp_path) -> Any:
    clip = read_clip(write_clip(tmp_path / "clip"))
    w_plus = tiny.w_avg.expand(1, tiny.num_ws, -1).clone()

    def edit(text: str = "an old face", **arguments: Any) -> ClipEdit:
        return edit_by_clip(
            tiny,
            w_plus,
            text,
            clip=clip.network,
            tokenizer=clip.tokenizer,
            analyzer=load_analyzer(),
            statistics=measure_latents(tiny, 500),
            **{"config": CONFIG, **arguments},
        )

    return edit


def test_the_picture_comes_nearer_to_the_text_and_again_the_same(run):
    steps: list[Any] = []
    first = run(callback=steps.append)
    assert first.after > first.before
    assert 1 <= first.step <= CONFIG.steps
    assert [step["step"] for step in steps] == list(range(1, CONFIG.steps + 1))
    assert torch.equal(first.change, run().change)


def test_a_neutral_text_gives_another_direction(run):
    change = run(neutral="a face").change
    assert torch.isfinite(change).all()
    assert not torch.allclose(change, run().change)


def test_an_identity_bound_that_no_step_keeps_leaves_the_face(run):
    edit = run(config=replace(CONFIG, min_identity=1.1))
    assert (edit.step, edit.after, edit.identity) == (0, edit.before, 1.0)
    assert not edit.change.any()


def test_a_change_has_a_greatest_length(run, tiny):
    change = run(config=replace(CONFIG, max_length=0.05)).change
    widest = measure_latents(tiny, 500).variances.max().sqrt()
    assert 0 < change.norm() <= 0.05 * widest * 1.001


def test_a_text_far_from_faces_is_refused(run):
    with pytest.raises(LatentError, match=r"CLIP finds 'old' too far from 'a photo of a face': "):
        run("old", config=replace(CONFIG, min_relevance=0.9999))


def test_settings_follow_the_options():
    assert ClipEditConfig.within(0.8, force=True).min_identity == 0.8
    assert ClipEditConfig.within(force=True).min_identity == -1.0
    assert ClipEditConfig.within() == ClipEditConfig()
