"""Handlers that drag points of a face to targets, and store the result as a new base.

A drag runs for a few seconds in each task and is remembered between tasks; to stop it, the page sends no more tasks.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import replace

import torch
from torch import Tensor

from faceloom.edit.drag import DragConfig, drag
from faceloom.errors import LatentError
from faceloom.likeness import Likeness
from faceloom.web.worker.context import TaskContext
from faceloom.web.worker.lab import load_unmoved, resolve_lab_face
from faceloom.web.worker.messages import Drag, DragProgress, KeepDrag, PersonFacts, Point
from faceloom.web.worker.people import store_base
from faceloom.web.worker.state import RunningDrag, WorkerState
from faceloom.web.worker.studio import PREVIEW_QUALITY, to_jpeg

MAX_REMEMBERED_DRAGS = 4  # drags that are remembered; the oldest is dropped
SECONDS_PER_TASK = 5.0  # seconds that a drag runs in each task: an encoding waits no longer than that
DRAG_REPORT_INTERVAL = 0.4  # seconds between two reports
MAX_FEATURE_SIDE = 128  # pixels of the features that are dragged


def run_drag(state: WorkerState, task: Drag, context: TaskContext) -> DragProgress:
    """Start or continue a drag for a few seconds. Reports DragProgress. Raises LatentError for an unknown drag."""
    running = _find_or_start(state, task)
    end, reported_at, unfinished = time.perf_counter() + SECONDS_PER_TASK, 0.0, True
    while unfinished and time.perf_counter() < end:
        context.check_cancelled()
        step = next(running.steps, None)
        unfinished, running.last = step is not None, step or running.last
        if time.perf_counter() - reported_at > DRAG_REPORT_INTERVAL:
            context.report(_progress_of(state, running, task.face.size))
            reported_at = time.perf_counter()
    return replace(_progress_of(state, running, task.face.size), running=unfinished)


def keep_drag(state: WorkerState, task: KeepDrag, context: TaskContext) -> PersonFacts:
    """Store the result of a drag as a new base of a person. Raises LatentError for an unknown drag."""
    running = state.drags.pop(task.id, None)
    if running is None:
        raise _unknown_drag()
    dragged = _dragged_person(state, running)
    person = state.likenesses.load(task.person)
    changed = person.with_w_plus(dragged.w_plus, dragged.base, dragged.mask, dragged.regions)
    return store_base(state, task.person, task.base, changed)


def path_mask(handles: Sequence[Point], targets: Sequence[Point], radius: float, side: int = 64) -> Tensor:
    """Return a mask `[side, side]` that is 1 within `radius` of the straight paths from handles to targets, else 0.

    Convention: points and radius in fractions of the image's side.
    """
    centers = (torch.arange(side) + 0.5) / side
    pixels = torch.stack(torch.meshgrid(centers, centers, indexing="xy"), -1)  # [h w 2]
    mask = torch.zeros(side, side)
    for a, b in zip(torch.tensor(handles), torch.tensor(targets), strict=True):
        path = b - a
        along = (((pixels - a) @ path) / path.square().sum().clamp_min(1e-9)).clamp(0, 1)
        distances = (pixels - a - along[..., None] * path).norm(dim=-1)
        mask = torch.maximum(mask, (distances <= radius).float())
    return mask


def _find_or_start(state: WorkerState, task: Drag) -> RunningDrag:
    running = state.drags.get(task.id)
    if running is not None:
        return running
    if not task.start:
        raise _unknown_drag()
    face = task.face
    person = load_unmoved(state, face) if face.person else resolve_lab_face(state, face)
    mask = path_mask(task.handles, task.targets, task.around) if task.around else None
    G = state.studio.tuned_generator(person)
    config = DragConfig(side=min(MAX_FEATURE_SIDE, G.img_resolution // 2))
    statistics = state.studio.latent_statistics
    steps = drag(G, person.w_plus, task.handles, task.targets, mask=mask, statistics=statistics, config=config)
    folder = face.person.folder if face.person else ""
    running = state.drags[task.id] = RunningDrag(person, folder, steps, next(steps))
    while len(state.drags) > MAX_REMEMBERED_DRAGS:
        state.drags.popitem(last=False)
    return running


def _progress_of(state: WorkerState, running: RunningDrag, size: int) -> DragProgress:
    """Return the figures and the picture of a drag."""
    last = running.last
    jpeg = to_jpeg(state.studio.draw(_dragged_person(state, running), size), PREVIEW_QUALITY)
    return DragProgress(last.number, last.distance, last.arrived, last.handles, jpeg)


def _dragged_person(state: WorkerState, running: RunningDrag) -> Likeness:
    """Return the person as dragged so far. What earlier edits left unchanged moves by the same step."""
    person, w_plus = running.person, running.last.w_plus
    outside = w_plus if person.base is None else person.base + (w_plus - person.w_plus)
    return state.studio.redraw(person, w_plus, outside, person.regions)


def _unknown_drag() -> LatentError:
    return LatentError("this drag is over", "start a new drag")
