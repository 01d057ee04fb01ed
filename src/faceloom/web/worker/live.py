"""Handler of the live mirror: a person follows the frames of a camera, which are read and dropped."""

from __future__ import annotations

import time

import numpy as np
from PIL import Image

from faceloom.analyze.attributes import SLIDERS
from faceloom.edit.mix import W_PULL_MIXING
from faceloom.edit.morph import between
from faceloom.images import open_photo
from faceloom.images.tensors import Pixels
from faceloom.likeness import Likeness
from faceloom.web.worker.context import TaskContext
from faceloom.web.worker.messages import AttributeValues, DrawLive, LivePicture, Look, PersonRef
from faceloom.web.worker.previews import predict_person
from faceloom.web.worker.state import Mirror, WorkerState
from faceloom.web.worker.studio import to_jpeg
from faceloom.workflows.live import LiveFrame

MAX_MIRRORS = 4  # streams whose sessions stay in memory
LIVE_QUALITY = 80  # JPEG quality of the mirror's pictures, each of which is seen for a tenth of a second


def draw_live(state: WorkerState, task: DrawLive, context: TaskContext) -> LivePicture:
    """Draw a person with the pose, smile, lips, eyes and brows of a camera's frame. Raises ImageError.

    The first frame of a look takes a dozen pictures longer. The frame is turned like a mirror image. With `task.ahead`,
    the answer is the frame before, which was drawn meanwhile.
    """
    frame = np.asarray(open_photo(task.frame).image)[:, ::-1].copy()
    mirror = state.mirrors.get(task.viewer)
    if mirror is None or mirror.look != task.look:
        mirror = state.mirrors[task.viewer] = Mirror(task.look, state.studio.live_session(_person(state, task.look)))
    state.mirrors.move_to_end(task.viewer)
    while len(state.mirrors) > MAX_MIRRORS:
        state.mirrors.popitem(last=False)
    mirror.session.size = task.size
    drawn = _draw_ahead(mirror, frame) if task.ahead else mirror.session.draw(frame, time.monotonic())
    return LivePicture(to_jpeg(Image.fromarray(drawn.pixels), LIVE_QUALITY), drawn.readings is not None)


def _draw_ahead(mirror: Mirror, frame: Pixels) -> LiveFrame:
    """Begin to draw a frame; return the one before it, or this one when it is the first."""
    begun = mirror.session.begin(frame, time.monotonic())
    before, mirror.newest = mirror.newest or begun, begun
    return before.result()


def _person(state: WorkerState, look: Look) -> Likeness:
    """Return the person of a look: of another age by the slider curves, and mixed with the friend."""
    person = state.load(at_years(state, look.person, look.anchor, look.years))
    if look.friend is None:
        return person
    return between(person, state.load(look.friend), look.mix, W_PULL_MIXING)


def at_years(state: WorkerState, person: PersonRef, anchor: AttributeValues, years: float) -> PersonRef:
    """Return a person `years` older or younger than shown, as far as the slider goes."""
    if not years:
        return person
    slider = SLIDERS["age"]
    age = min(max(anchor.get("age", 0.0) + years, slider.low), slider.high)
    return predict_person(state, person, anchor, {**anchor, "age": age})
