"""Follows one face through a film: found now and then, aligned in every frame, smoothed over time. Knows no files.

Convention: a track is one row a frame: the square's middle (x, y) in pixels, the logarithm of its side, and its turn in
radians, clockwise as one sees it; NaN where the face is not to be seen. A shot is what lies between two cuts.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from jaxtyping import Bool, Float, Int
from PIL import Image

from faceloom.faces.align import Quad, side_of
from faceloom.faces.geometry import UNIT_CORNERS
from faceloom.smooth import smooth

EVERY = 5  # frames from one search of the whole picture to the next
NEAR = 0.5  # of the side: a face whose square has moved or grown further than that is another face
CUT = 30.0  # levels: pictures that differ by more on average, in their colours and coarse shapes, are two shots
BRIDGED = 8  # frames: a face lost for no longer is taken to have moved on smoothly
SHORTEST = 3  # frames: seen for fewer, it was no face
STIFFNESS = 2.0  # of the smoothing: motion faster than a period of seven frames is taken for the aligner's noise

Find = Callable[[Image.Image], Sequence[Quad]]
"""The squares of all faces in a picture, the largest first."""

Refine = Callable[[Image.Image, Quad], Quad]
"""A square -> where the aligner sees it; the same object when it cannot make sense of it."""


@dataclass(frozen=True, eq=False)
class Track:
    """Where the face is: `states [n, 4]` as the module says, and which shot each frame belongs to, `shots [n]`."""

    states: Float[np.ndarray, "n 4"]
    shots: Int[np.ndarray, " n"]

    @property
    def seen(self) -> Bool[np.ndarray, " n"]:
        """In which frames there is a square."""
        return np.asarray(np.isfinite(self.states).all(1))

    def quad(self, i: int) -> Quad:
        """Give frame i's square."""
        return quad_of(self.states[i])

    def runs(self) -> Iterator[range]:
        """Give every stretch of frames of one shot in which the face is seen throughout."""
        ends = np.flatnonzero(np.diff(np.where(self.seen, self.shots + 1, 0))) + 1
        for begin, end in zip([0, *ends], [*ends, len(self.shots)], strict=True):
            if end > begin and self.seen[begin]:
                yield range(begin, end)


def follow(pictures: Iterable[Image.Image], find: Find, refine: Refine, number: int | None = None) -> Track:
    """Follow face `number` of the first picture that shows one (0, the default: the largest) through the pictures.

    A face that was lost for up to BRIDGED frames is looked for where it was last; after that, and after a cut, the
    largest is taken, which may be somebody else. Gaps up to BRIDGED frames within a shot are bridged, longer ones stay;
    where nothing is found the track is NaN.
    """
    states, shots = [], []
    follower = _Follower(find, refine, number)
    for picture in pictures:
        quad = follower.see(picture)
        states.append(np.full(4, np.nan) if quad is None else state_of(quad))
        shots.append(follower.shot)
    return smoothed(Track(np.reshape(states, (-1, 4)), np.array(shots, dtype=int)))


class _Follower:
    """Remembers where the face was last, and what the picture looked like."""

    def __init__(self, find: Find, refine: Refine, number: int | None) -> None:
        self.find, self.refine, self.number = find, refine, number
        self.shot, self.count, self.lost = 0, 0, 0
        self.quad: Quad | None = None  # in the picture before
        self.last: Quad | None = None  # where it was last in this shot
        self.look: np.ndarray | None = None

    def see(self, picture: Image.Image) -> Quad | None:
        look = coarse_look(picture)
        if self.look is not None and np.abs(look - self.look).mean() > CUT:
            self.shot, self.quad, self.last = self.shot + 1, None, None
        self.look = look
        self.quad = self._moved(picture)
        if self.quad is None or self.count % EVERY == 0:
            self.quad = self._found(picture)
        if self.quad is not None:
            self.last, self.lost = self.quad, 0
        else:
            self.lost += 1
            self.last = self.last if self.lost <= BRIDGED else None
        self.count += 1
        return self.quad

    def _moved(self, picture: Image.Image) -> Quad | None:
        """The last picture's square, as the aligner sees it now."""
        if self.quad is None:
            return None
        quad = self.refine(picture, self.quad)
        return None if quad is self.quad or not near(quad, self.quad) else quad

    def _found(self, picture: Image.Image) -> Quad | None:
        """The face that was followed, if the picture shows one where it was; the square that is known is kept."""
        quads = self.find(picture)
        known = self.quad if self.quad is not None else self.last
        if known is not None:
            quads = sorted((q for q in quads if near(q, known)), key=lambda q: float(np.abs(q - known).sum()))
            if quads and self.quad is not None:
                return self.quad
            number = 0
        else:
            number = self.number or 0 if self.shot == 0 else 0
        return self.refine(picture, quads[number]) if number < len(quads) else None


def smoothed(track: Track) -> Track:
    """Bridge short gaps, drop what was seen too shortly, and smooth each stretch."""
    states = _bridged(track)
    for run in Track(states, track.shots).runs():
        part = slice(run.start, run.stop)
        if len(run) < SHORTEST < len(states):
            states[part] = np.nan
        else:
            states[part] = smooth(states[part], STIFFNESS)
    return Track(states, track.shots)


def _bridged(track: Track) -> Float[np.ndarray, "n 4"]:
    """Straight lines over gaps of up to BRIDGED frames; turns made continuous."""
    states = track.states.copy()
    for shot in np.unique(track.shots):
        rows = np.flatnonzero((track.shots == shot) & track.seen)
        states[rows, 3] = np.unwrap(states[rows, 3])
        for a, b in pairwise(rows):
            if 1 < b - a <= BRIDGED + 1:
                t = (np.arange(a + 1, b) - a)[:, None] / (b - a)
                states[a + 1 : b] = states[a] + t * (states[b] - states[a])
    return states


def state_of(quad: Quad) -> Float[np.ndarray, " 4"]:
    """Describe a square by middle, logarithm of the side, and turn."""
    x, y = quad.mean(0)
    right = quad[3] - quad[0]
    return np.array([x, y, np.log(side_of(quad)), np.arctan2(right[1], right[0])])


def quad_of(state: Float[np.ndarray, " 4"]) -> Quad:
    """Give the square that `state_of` described."""
    x, y, log_side, turn = state
    side = np.exp(log_side) * np.array([(np.cos(turn), -np.sin(turn)), (np.sin(turn), np.cos(turn))])
    return np.asarray((UNIT_CORNERS - 0.5) @ side.T + (x, y))


def near(a: Quad, b: Quad) -> bool:
    """Say whether two squares may be one face's in pictures that follow each other."""
    side = min(side_of(a), side_of(b))
    apart = float(np.hypot(*(a.mean(0) - b.mean(0))))
    return apart < NEAR * side and abs(np.log(side_of(a) / side_of(b))) < NEAR


def coarse_look(picture: Image.Image) -> Float[np.ndarray, "9 16 3"]:
    """What is compared to see a cut: colours and coarse shapes."""
    return np.asarray(picture.resize((16, 9), Image.Resampling.BOX, reducing_gap=1.0), dtype=np.float32)
