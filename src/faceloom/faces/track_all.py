"""Tracking of all faces of a film. Every frame is searched, so that no face is missed before it is first noticed.

Convention: quads as in `align`; a track has the states of `faces.track`, one row for each frame.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

import numpy as np
from PIL import Image

from faceloom.faces.align import Quad
from faceloom.faces.track import (
    CUT_DIFFERENCE,
    MAX_GAP,
    MIN_RUN,
    DetectQuads,
    RefineQuad,
    Track,
    make_coarse_image,
    may_be_same_face,
    smooth_track,
    state_from_quad,
)


@dataclass(frozen=True, eq=False)
class Tracks:
    """The tracks of a film, one for each face in a shot, and the squares that belong to none, by frame."""

    tracks: tuple[Track, ...]
    loose: dict[int, tuple[Quad, ...]]
    count: int


@dataclass(eq=False)
class _Open:
    """A track that is being followed: its squares by frame."""

    quads: dict[int, Quad] = field(default_factory=dict)

    @property
    def last_frame(self) -> int:
        return max(self.quads)

    @property
    def last(self) -> Quad:
        return self.quads[self.last_frame]


def track_all(pictures: Iterable[Image.Image], detect: DetectQuads, refine: RefineQuad) -> Tracks:
    """Track every face. A face that was lost is found again near its last position, or else starts a new track.

    A square that is tracked and not detected in a frame is refined from the frame before, and kept where that works.
    Tracks of fewer than MIN_RUN frames become loose squares.
    """
    open_tracks: list[_Open] = []
    closed: list[_Open] = []
    shots: list[int] = []
    coarse = None
    for frame, picture in enumerate(pictures):
        image = make_coarse_image(picture)
        is_cut = coarse is not None and np.abs(image - coarse).mean() > CUT_DIFFERENCE
        coarse = image
        shots.append((shots[-1] if shots else 0) + int(is_cut))
        ended = [track for track in open_tracks if is_cut or frame - track.last_frame > MAX_GAP]
        closed += ended
        open_tracks = [track for track in open_tracks if track not in ended]
        _advance(open_tracks, frame, picture, detect(picture), refine)
    closed += open_tracks
    return _finish(closed, np.array(shots, dtype=int))


def _advance(
    open_tracks: list[_Open], frame: int, picture: Image.Image, found: Sequence[Quad], refine: RefineQuad
) -> None:
    """Give every square to the nearest track, follow the tracks without one, and start tracks of the others."""
    left = list(found)
    pairs = [(float(np.abs(quad - track.last).sum()), i, track) for track in open_tracks for i, quad in enumerate(left)]
    taken: set[int] = set()
    for _, i, track in sorted(pairs, key=lambda pair: pair[0]):
        if i not in taken and frame not in track.quads and may_be_same_face(left[i], track.last):
            track.quads[frame] = refine(picture, left[i])
            taken.add(i)
    for track in open_tracks:
        if frame not in track.quads and track.last_frame == frame - 1:
            quad = refine(picture, track.last)
            if quad is not track.last and may_be_same_face(quad, track.last):
                track.quads[frame] = quad
    for i, quad in enumerate(left):
        if i not in taken:
            open_tracks.append(_Open({frame: refine(picture, quad)}))


def _finish(closed: Sequence[_Open], shots: np.ndarray) -> Tracks:
    """Smooth the tracks that are long enough; return the squares of the others by frame."""
    tracks: list[Track] = []
    loose: dict[int, tuple[Quad, ...]] = {}
    for track in closed:
        if len(track.quads) < min(MIN_RUN, len(shots)):
            for frame, quad in track.quads.items():
                loose[frame] = (*loose.get(frame, ()), quad)
            continue
        states = np.full((len(shots), 4), np.nan)
        for frame, quad in track.quads.items():
            states[frame] = state_from_quad(quad)
        smoothed = smooth_track(Track(states, shots))
        for frame, quad in track.quads.items():
            if not smoothed.visible[frame]:  # dropped as a run that is too short
                loose[frame] = (*loose.get(frame, ()), quad)
        tracks.append(smoothed)
    return Tracks(tuple(tracks), loose, len(shots))
