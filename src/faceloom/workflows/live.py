"""A face that follows a camera or a film: each frame's pose, smile, lips, eyes and brows move a likeness, live.

Frames are read and forgotten: nothing of them is stored, and the drawn face contains none of their pixels. In a stream,
two frames are in work at a time, each with half of the threads: two cores draw two pictures sooner than one twice.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from functools import cached_property, partial
from typing import TYPE_CHECKING

import numpy as np
import torch
from PIL import Image

from faceloom.checkpoints.load import load_mtcnn
from faceloom.checkpoints.shipped import load_aligner, load_analyzer
from faceloom.edit.mix import W_PULL_MIXING
from faceloom.edit.morph import between
from faceloom.edit.puppet import Puppet, Values, make_puppet, read_controls
from faceloom.errors import FaceError, LatentError
from faceloom.faces.align import Quad, align, quad_frame, quad_from_landmarks
from faceloom.faces.detect import detect
from faceloom.faces.geometry import sample_frame
from faceloom.faces.refine_alignment import refine_quad, track_quad
from faceloom.faces.track import may_be_same_face, quad_from_state, state_from_quad
from faceloom.images import to_img, to_pixels
from faceloom.images.tensors import Pixels
from faceloom.likeness import Likeness, require_generator
from faceloom.networks.fused import fuse
from faceloom.smooth import OneEuroFilter
from faceloom.threads import use_threads

if TYPE_CHECKING:
    from faceloom.workflows.studio import Studio

FRAME_SIDE = 480  # pixels of the longer side in which a face is tracked
PICTURE_SIDE = 512  # pixels of the drawn picture
ANALYZER_SIDE = 160  # pixels of the square that is read
DETECTION_INTERVAL = 10  # frames from one detection in the whole frame to the next
OWN_REST = ("eye_opening", "brows")  # moved relative to the driver's first frames: faces differ in them at rest
REST_FRAMES = 8  # frames from which the driver's rest is measured
IN_WORK = 2  # frames of a stream that are read or drawn at the same time
RETURN_SECONDS = 0.6  # time in which the face returns to rest when no driver is seen
MIN_CUTOFF, SPEED_GAIN = 1.6, 1.2  # of the filter of readings, in standard deviations of the face's directions
PLACE_CUTOFF, PLACE_SPEED_GAIN = 3.0, 8.0  # of the filter of the face's place, in sides of its square


@dataclass(frozen=True, eq=False)
class LiveFrame:
    """A drawn frame: `pixels` uint8 `[size, size, 3]`, RGB; `readings` of the driver as in `edit.puppet.CONTROLS`.

    `readings` is None for a frame in which no face was seen.
    """

    pixels: Pixels
    readings: Values | None


def make_look(
    studio: Studio, person: Likeness, *, years: float = 0.0, friend: Likeness | None = None, mix: float = 0.5
) -> Likeness:
    """Return the person as they will be seen: older or younger, as a friend (`mix` 1), or as a mix of both.

    Raises LatentError for a likeness of another generator, and for a generator without directions.
    """
    require_generator(person, studio.generator)
    if friend is not None:
        require_generator(friend, studio.generator)
        person = between(person, friend, mix, W_PULL_MIXING)
    return studio.edit(person, {"age": years}).person if years else person


def make_studio_puppet(studio: Studio, person: Likeness) -> Puppet:
    """Measure how a person responds to a driver; this takes a dozen pictures.

    Raises LatentError for a generator without directions.
    """
    if not studio.basis:
        raise LatentError(f"{studio.generator_name} has no directions", "use the default generator")
    G = fuse(studio.tuned_generator(person, studio.film_generator))
    return make_puppet(G, person.w_plus, studio.basis, load_analyzer())


class LiveSession:
    """One driver and one puppet: the place of the driver's face, the filters, and the driver's rest."""

    def __init__(self, puppet: Puppet, size: int = PICTURE_SIDE) -> None:
        self.puppet, self.size = puppet, size
        self.reader = DriverReader(puppet.names)
        self.rest_of_driver: list[Values] = []
        self.targets = puppet.rest
        self.time_of_targets = 0.0

    def draw(self, frame: Pixels, time: float) -> LiveFrame:
        """Draw the face as the driver's frame moves it; `time` in seconds grows from frame to frame.

        Without a face in the frame the drawn face returns to rest.
        """
        readings = self.follow(frame, time)
        return self._render(self.targets, readings)

    def begin(self, frame: Pixels, time: float) -> Future[LiveFrame]:
        """Read a frame as `draw` does, and return while its picture is drawn, with half of the threads."""
        with use_threads(_half_of_threads()):
            readings = self.follow(frame, time)
        return self._pool.submit(self._render, self.targets, readings)

    def follow(self, frame: Pixels, time: float) -> Values | None:
        """Read a frame and set what the face shall show; return the readings, or None without a face."""
        readings = self.reader.read(frame, time)
        if readings is None:
            part = min(1.0, max(time - self.time_of_targets, 0.0) / RETURN_SECONDS)
            self.targets = self.targets + part * (self.puppet.rest - self.targets)
        else:
            self.targets = self._targets(readings)
        self.time_of_targets = time
        return readings

    def _render(self, targets: Values, readings: Values | None) -> LiveFrame:
        """Draw the face with the readings `targets`."""
        return LiveFrame(to_pixels(self.puppet.draw(targets, self.size)), readings)

    @cached_property
    def _pool(self) -> ThreadPoolExecutor:
        threads = partial(torch.set_num_threads, _half_of_threads())
        return ThreadPoolExecutor(IN_WORK, "live", initializer=threads)

    def _targets(self, readings: Values) -> Values:
        """Return the readings that the face shall have: the driver's, or as far from rest as the driver's are."""
        if len(self.rest_of_driver) < REST_FRAMES:
            self.rest_of_driver.append(readings)
        rest = np.median(self.rest_of_driver, axis=0)
        is_relative = np.array([name in OWN_REST for name in self.puppet.names])
        return np.where(is_relative, self.puppet.rest + readings - rest, readings)


def draw_stream(session: LiveSession, frames: Iterable[tuple[float, Pixels]]) -> Iterator[tuple[float, LiveFrame]]:
    """Draw the frames of a driver, in order; yield each with its time. The next one is read meanwhile."""
    in_work: deque[tuple[float, Future[LiveFrame]]] = deque()
    for moment, frame in frames:
        in_work.append((moment, session.begin(frame, moment)))
        if len(in_work) == IN_WORK:
            first, drawn = in_work.popleft()
            yield first, drawn.result()
    for moment, drawn in in_work:
        yield moment, drawn.result()


class DriverReader:
    """Reads one face in a series of frames, smoothly."""

    def __init__(self, names: tuple[str, ...]) -> None:
        self.names = names
        self.net, self.aligner, self.analyzer = load_mtcnn(), load_aligner(), load_analyzer()
        self.quad: Quad | None = None
        self.frames_done = 0
        self._forget()

    def read(self, frame: Pixels, time: float) -> Values | None:
        """Read the controls of the largest face in a frame `[h, w, 3]`, or return None when there is none."""
        picture = Image.fromarray(frame)
        picture.thumbnail((FRAME_SIDE, FRAME_SIDE))
        quad = self._locate(picture)
        if quad is None:
            self._forget()
            return None
        state = state_from_quad(quad)  # x, y, log side, rotation
        side = float(np.exp(state[2]))
        unit = np.array([side, side, 1.0, 1.0])
        place = self.place_filter(state / unit, time) * unit
        try:
            square = cut_square(picture, quad_from_state(place), ANALYZER_SIDE)
        except FaceError:
            self._forget()
            return None
        return self.value_filter(read_controls(self.analyzer, to_img(square), self.names), time)

    def _locate(self, picture: Image.Image) -> Quad | None:
        """Return the square of the face: the last one as the aligner corrects it, or a detected one."""
        self.frames_done += 1
        quad = None
        if self.quad is not None:
            quad = track_quad(self.aligner, picture, self.quad)
            quad = None if quad is self.quad or not may_be_same_face(quad, self.quad) else quad
        if quad is None or self.frames_done % DETECTION_INTERVAL == 0:
            found = detect(self.net, picture)
            if not found:
                quad = None
            elif quad is None:
                quad = refine_quad(self.aligner, picture, quad_from_landmarks(found[0].landmarks))
        self.quad = quad
        return quad

    def _forget(self) -> None:
        self.quad = None
        self.place_filter = OneEuroFilter(PLACE_CUTOFF, PLACE_SPEED_GAIN)
        self.value_filter = OneEuroFilter(MIN_CUTOFF, 0.02)


def _half_of_threads() -> int:
    return max(1, torch.get_num_threads() // IN_WORK)


def cut_square(picture: Image.Image, quad: Quad, size: int) -> Image.Image:
    """Cut a face's square out of a picture as `align` does, in a third of the time where it does not leave the picture.

    Raises FaceError for a square that lies outside.
    """
    if ((quad < 0) | (quad > picture.size)).any():
        return align(picture, quad, size).image
    return sample_frame(picture, quad_frame(quad), 2 * size).reduce(2)


def in_real_time(frames: Iterable[Pixels], fps: float) -> Iterator[tuple[float, Pixels]]:
    """Yield a film's frames with their times, each when a camera would deliver it."""
    start = time.monotonic()
    for number, frame in enumerate(frames):
        due = start + number / fps
        time.sleep(max(0.0, due - time.monotonic()))
        yield due - start, frame


def at_constant_rate(drawn: Iterable[tuple[float, Pixels]], fps: float) -> Iterator[Pixels]:
    """Repeat or drop frames that were drawn at any times, so that they play at `fps` frames a second."""
    start: float | None = None
    done = 0
    for moment, pixels in drawn:
        start = moment if start is None else start
        while done <= (moment - start) * fps:
            yield pixels
            done += 1
