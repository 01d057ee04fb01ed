"""Tracking of one face through a film: detected now and then, aligned in every frame, smoothed over time.

Convention: a track has one row per frame: the square's center (x, y) in pixels, the logarithm of its side, and its
rotation in radians, clockwise in the picture; NaN where the face is not visible. A shot is the film between two cuts.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from jaxtyping import Bool, Float, Int
from PIL import Image

from faceloom.faces.align import Quad, quad_side
from faceloom.faces.geometry import UNIT_CORNERS
from faceloom.smooth import smooth

DETECTION_INTERVAL = 5  # frames from one detection in the whole picture to the next
MAX_MOTION = 0.5  # of the side: a square that moved or grew more from one frame to the next is another face
CUT_DIFFERENCE = 30.0  # levels: mean difference of two frames' coarse images above which a new shot begins
MAX_GAP = 8  # frames: a face that is lost for no longer is interpolated
MIN_RUN = 3  # frames: a face that is visible for fewer is dropped as a false detection
STIFFNESS = 2.0  # of the smoothing: motion with a period below seven frames is treated as the aligner's noise

DetectQuads = Callable[[Image.Image], Sequence[Quad]]
"""Function that returns the squares of all faces in a picture, the largest first."""

RefineQuad = Callable[[Image.Image, Quad], Quad]
"""Function that moves a square to the aligner's estimate; returns the same object when the aligner fails."""


@dataclass(frozen=True, eq=False)
class Track:
    """The position of the face in every frame, `states [n, 4]` as in the module, and each frame's shot, `shots [n]`."""

    states: Float[np.ndarray, "n 4"]
    shots: Int[np.ndarray, " n"]

    @property
    def visible(self) -> Bool[np.ndarray, " n"]:
        """A mask of the frames that have a square."""
        return np.asarray(np.isfinite(self.states).all(1))

    def quad(self, i: int) -> Quad:
        """Return the square of frame `i`."""
        return quad_from_state(self.states[i])

    def runs(self) -> Iterator[range]:
        """Yield every range of consecutive frames of one shot in which the face is visible."""
        ends = np.flatnonzero(np.diff(np.where(self.visible, self.shots + 1, 0))) + 1
        for begin, end in zip([0, *ends], [*ends, len(self.shots)], strict=True):
            if end > begin and self.visible[begin]:
                yield range(begin, end)


def track_face(
    pictures: Iterable[Image.Image], detect: DetectQuads, refine: RefineQuad, number: int | None = None
) -> Track:
    """Track face `number` of the first picture that shows a face (0, the default: the largest) through the pictures.

    A face that was lost for up to MAX_GAP frames is searched near its last position. After that, and after a cut, the
    largest face is taken, which may be another person's. Gaps up to MAX_GAP frames within a shot are interpolated,
    longer ones stay. The track is NaN where no face is found.
    """
    states, shots = [], []
    tracker = _FaceTracker(detect, refine, number)
    for picture in pictures:
        quad = tracker.advance(picture)
        states.append(np.full(4, np.nan) if quad is None else state_from_quad(quad))
        shots.append(tracker.shot)
    return smooth_track(Track(np.reshape(states, (-1, 4)), np.array(shots, dtype=int)))


class _FaceTracker:
    """The state of the tracking: the last position of the face, and a coarse image of the last picture."""

    def __init__(self, detect: DetectQuads, refine: RefineQuad, number: int | None) -> None:
        self.detect, self.refine, self.number = detect, refine, number
        self.shot, self.frames_done, self.frames_lost = 0, 0, 0
        self.quad: Quad | None = None  # in the previous picture
        self.last_quad: Quad | None = None  # the last known one of this shot
        self.coarse_image: np.ndarray | None = None  # of the previous picture

    def advance(self, picture: Image.Image) -> Quad | None:
        """Return the square of the face in the next picture, None if it is not visible."""
        image = make_coarse_image(picture)
        if self.coarse_image is not None and np.abs(image - self.coarse_image).mean() > CUT_DIFFERENCE:
            self.shot, self.quad, self.last_quad = self.shot + 1, None, None
        self.coarse_image = image
        self.quad = self._refine_previous(picture)
        if self.quad is None or self.frames_done % DETECTION_INTERVAL == 0:
            self.quad = self._detect_face(picture)
        if self.quad is not None:
            self.last_quad, self.frames_lost = self.quad, 0
        else:
            self.frames_lost += 1
            self.last_quad = self.last_quad if self.frames_lost <= MAX_GAP else None
        self.frames_done += 1
        return self.quad

    def _refine_previous(self, picture: Image.Image) -> Quad | None:
        """Return the previous picture's square as the aligner corrects it in this one, None if that fails."""
        if self.quad is None:
            return None
        quad = self.refine(picture, self.quad)
        return None if quad is self.quad or not may_be_same_face(quad, self.quad) else quad

    def _detect_face(self, picture: Image.Image) -> Quad | None:
        """Return the tracked face's square if a face is detected near its position, else None.

        A square that `_refine_previous` returned is kept. Without a known position, return the face with the requested
        number in the first shot, else the largest.
        """
        quads = self.detect(picture)
        expected = self.quad if self.quad is not None else self.last_quad
        number = 0
        if expected is not None:
            quads = sorted(
                (q for q in quads if may_be_same_face(q, expected)), key=lambda q: float(np.abs(q - expected).sum())
            )
            if quads and self.quad is not None:
                return self.quad
        elif self.shot == 0:
            number = self.number or 0
        return self.refine(picture, quads[number]) if number < len(quads) else None


def smooth_track(track: Track) -> Track:
    """Interpolate short gaps, drop runs that are too short, and smooth each of the others."""
    states = _fill_gaps(track)
    for run in Track(states, track.shots).runs():
        part = slice(run.start, run.stop)
        if len(run) < MIN_RUN < len(states):
            states[part] = np.nan
        else:
            states[part] = smooth(states[part], STIFFNESS)
    return Track(states, track.shots)


def _fill_gaps(track: Track) -> Float[np.ndarray, "n 4"]:
    """Interpolate gaps of up to MAX_GAP frames linearly, and unwrap the rotation."""
    states = track.states.copy()
    for shot in np.unique(track.shots):
        rows = np.flatnonzero((track.shots == shot) & track.visible)
        states[rows, 3] = np.unwrap(states[rows, 3])
        for a, b in pairwise(rows):
            if 1 < b - a <= MAX_GAP + 1:
                t = (np.arange(a + 1, b) - a)[:, None] / (b - a)
                states[a + 1 : b] = states[a] + t * (states[b] - states[a])
    return states


def state_from_quad(quad: Quad) -> Float[np.ndarray, " 4"]:
    """Return a square's center (x, y), the logarithm of its side, and its rotation."""
    x, y = quad.mean(0)
    right = quad[3] - quad[0]
    return np.array([x, y, np.log(quad_side(quad)), np.arctan2(right[1], right[0])])


def quad_from_state(state: Float[np.ndarray, " 4"]) -> Quad:
    """Return the square that `state_from_quad` described."""
    x, y, log_side, rotation = state
    c, s = np.cos(rotation), np.sin(rotation)
    sides = np.exp(log_side) * np.array([(c, -s), (s, c)])
    return np.asarray((UNIT_CORNERS - 0.5) @ sides.T + (x, y))


def may_be_same_face(a: Quad, b: Quad) -> bool:
    """Return whether two squares in consecutive pictures are close enough to be of one face."""
    side = min(quad_side(a), quad_side(b))
    distance = float(np.hypot(*(a.mean(0) - b.mean(0))))
    return distance < MAX_MOTION * side and abs(math.log(quad_side(a) / quad_side(b))) < MAX_MOTION


def make_coarse_image(picture: Image.Image) -> Float[np.ndarray, "9 16 3"]:
    """Return a picture's colors at 16 x 9 pixels, which are compared to detect a cut."""
    return np.asarray(picture.resize((16, 9), Image.Resampling.BOX, reducing_gap=1.0), dtype=np.float32)
