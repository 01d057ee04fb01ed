"""Handlers that encode a face of a photo, and improve the likeness later."""

from __future__ import annotations

import time
from dataclasses import replace
from pathlib import Path

from faceloom.errors import Cancelled
from faceloom.images import area_resize, open_photo, save_picture, to_img
from faceloom.invert.budget import EncodeConfig
from faceloom.invert.inversion import QUALITY_RESOLUTION
from faceloom.web.worker.context import TaskContext
from faceloom.web.worker.messages import Encode, EncodeProgress, Improve, Improved, PersonFacts, PersonRef
from faceloom.web.worker.people import person_facts, rounded_quality
from faceloom.web.worker.progress import InversionProgress
from faceloom.web.worker.state import WorkerState
from faceloom.web.worker.steering import curves_of

CROP_SIZE = 512  # pixels of the side of the aligned crop that is stored beside the likeness
MIN_ENCODE_SECONDS = 0.5  # seconds that an inversion gets, even when detection used up the budget


def encode(state: WorkerState, task: Encode, context: TaskContext) -> PersonFacts:
    """Encode a face of a stored photo within `task.seconds`. Reports EncodeProgress. Raises FaceError, `Cancelled`."""
    start = time.perf_counter()
    photo = open_photo(Path(task.folder) / task.photo)
    crop = state.studio.align(photo, state.studio.choose(photo, task.face).face, CROP_SIZE).image
    with state.erased.writing(task.folder, task.person):
        save_picture(crop, Path(task.folder) / f"{task.person}.jpg", ai_generated=False)
    context.report(EncodeProgress(crop=True))
    target = area_resize(to_img(crop), QUALITY_RESOLUTION)
    progress = InversionProgress(state.studio, target, start, task.seconds, context)
    seconds_left = max(task.seconds - (time.perf_counter() - start), MIN_ENCODE_SECONDS)
    likeness = state.studio.encode(photo, face=task.face, config=EncodeConfig(seconds_left), callback=progress)
    if likeness.provenance.get("interrupted"):
        raise Cancelled("the encoding was canceled")
    person = PersonRef(task.folder, task.person)
    state.likenesses.save(person, likeness)
    if state.studio.basis:
        curves_of(state, person)  # computed now, so that the first slider movement does not wait for it
    return person_facts(state, likeness)


def improve(state: WorkerState, task: Improve, context: TaskContext) -> Improved:
    """Continue pivotal tuning for `task.seconds`. The latent code stays, so everything derived from it stays valid."""
    start, person = time.perf_counter(), PersonRef(task.folder, task.person)
    known = state.likenesses.load(person)
    target = state.studio.align_again(known, open_photo(Path(task.folder) / task.photo))
    progress = InversionProgress(state.studio, target, start, task.seconds, context, silent=True)
    tuned = state.studio.continue_tuning(known, target, task.seconds, progress)
    lpips = tuned.lpips[0]
    if lpips < known.quality.get("lpips", 1.0):
        identity = state.studio.identity_similarity(tuned.img, target)
        quality = {"lpips": lpips, "mse": tuned.mse[0], "identity": identity}
        known = replace(known, delta={name: t.half() for name, t in tuned.delta.items()}, quality=quality)
        state.likenesses.save(person, known)
    return Improved(rounded_quality(known.quality), max(tuned.seconds, time.perf_counter() - start))
