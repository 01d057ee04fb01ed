"""Anonymised films: every face is tracked, and gets one stand-in for the whole film.

The film is read three times: to track the faces, to crop them, and to replace them. A face that could not be tracked
for a few frames, that is too small, or for which no stand-in differs enough, is blurred in every frame that shows it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from PIL import Image

from faceloom.checkpoints.load import load_mtcnn
from faceloom.checkpoints.shipped import load_aligner, load_encoder
from faceloom.edit.stand_in import PersonW, match_attributes, mix_in
from faceloom.errors import FaceError
from faceloom.faces.align import Quad, align, quad_from_landmarks
from faceloom.faces.detect import detect
from faceloom.faces.geometry import UNIT_CORNERS
from faceloom.faces.hide_face import hide_quad
from faceloom.faces.limits import MIN_FACE_PIXELS
from faceloom.faces.refine_alignment import refine_quad
from faceloom.faces.track import Track
from faceloom.faces.track_all import Tracks, track_all
from faceloom.images import to_img
from faceloom.images.clip import Clip
from faceloom.images.tensors import Pixels
from faceloom.invert.encode import encoder_guess
from faceloom.invert.inversion import QUALITY_RESOLUTION
from faceloom.latents import WPlus
from faceloom.networks.analyzer import ATTRIBUTES, Reading
from faceloom.smooth import smooth
from faceloom.workflows.anonymise import BLURRED, REPLACED, Anonymiser, Portrait

MAX_FRAMES = 300  # default number of frames after which a film ends
STIFFNESS = 2.0  # of the smoothing of the latents over time
ROUNDS = 2  # of the correction of pose and smile in each frame
BATCH = 8  # frames that are read and encoded at once
FACE_SHARE = 0.37  # of an aligned square's side: about the size of the face in it, as the detector measures it
TOO_SMALL = f"smaller than {MIN_FACE_PIXELS} px"
BRIEF, AT_EDGE = "seen too briefly", "at the edge of the picture"

Callback = Callable[[float, str], None]
"""Function that receives the progress, 0...1, and a short text that says what is being done."""


@dataclass(frozen=True, eq=False)
class FaceInFilm:
    """One tracked face: the rows of its frames, its squares and latents in them, or the reason why it is blurred.

    Convention: `rows` are numbers of frames; `bases` and `codes` `[n, num_ws, w_dim]` are the latents of the photos and
    of the stand-in in these frames, empty for a blurred face; `person` is the number of the person.
    """

    rows: tuple[int, ...]
    quads: tuple[Quad, ...]
    bases: WPlus
    codes: WPlus
    person: int | None = None
    reason: str = ""

    @property
    def how(self) -> str:
        """REPLACED or BLURRED."""
        return BLURRED if self.person is None else REPLACED


@dataclass(frozen=True, eq=False)
class FilmPlan:
    """The faces of a film and their stand-ins. `loose` holds squares, by frame, that are blurred."""

    faces: tuple[FaceInFilm, ...]
    loose: dict[int, tuple[Quad, ...]]
    count: int

    @property
    def notes(self) -> tuple[str, ...]:
        """Sentences for the user: how many faces were blurred, and why."""
        reasons = Counter(face.reason for face in self.faces if face.reason)
        brief = sum(len(quads) for quads in self.loose.values())
        notes = [f"{count} blurred: {reason}" for reason, count in reasons.items()]
        return (*notes, *([f"{brief} single pictures of faces blurred: {BRIEF}"] if brief else []))


def plan_film(
    anonymiser: Anonymiser, clip: Clip, *, max_frames: int = MAX_FRAMES, callback: Callback | None = None
) -> FilmPlan:
    """Track every face of a film and choose its stand-in. Raises ImageError for a film that cannot be read."""
    report = callback or (lambda progress, text: None)
    tracks = _track(clip, max_frames, report)
    squares = _crop(clip, tracks)
    faces: list[FaceInFilm] = []
    for number, track in enumerate(tracks.tracks):
        report(0.35 + 0.3 * number / len(tracks.tracks), f"face {number + 1} of {len(tracks.tracks)}")
        present = {face.person for face in faces if face.person is not None and _overlaps(face, track)}
        faces.append(_plan_face(anonymiser, track, squares[number], present))
    return FilmPlan(tuple(faces), tracks.loose, tracks.count)


def render_film(
    anonymiser: Anonymiser, clip: Clip, plan: FilmPlan, callback: Callback | None = None
) -> Iterator[Pixels]:
    """Render the film without recognizable faces: uint8 `[h, w, 3]`, RGB."""
    row_of = [{frame: row for row, frame in enumerate(face.rows)} for face in plan.faces]
    for frame, pixels in enumerate(clip.frames(plan.count)):
        if callback:
            callback(0.65 + 0.35 * frame / plan.count, f"frame {frame + 1} of {plan.count}")
        image = Image.fromarray(pixels)
        for quad in plan.loose.get(frame, ()):
            image = hide_quad(image, quad)
        for face, rows in zip(plan.faces, row_of, strict=True):
            if frame in rows:
                image = _render_face(anonymiser, image, face, rows[frame], frame)
        yield np.asarray(image)


def _render_face(anonymiser: Anonymiser, image: Image.Image, face: FaceInFilm, row: int, seed: int) -> Image.Image:
    quad = face.quads[row]
    if face.how == BLURRED:
        return hide_quad(image, quad)
    portrait = Portrait(quad, Reading(torch.zeros(0, 10), torch.zeros(0, 128)), face.bases[row : row + 1])
    try:
        return anonymiser.draw(image, portrait, face.codes[row : row + 1], seed)
    except FaceError:  # the square has left the picture in this frame
        return hide_quad(image, quad)


def _track(clip: Clip, max_frames: int, report: Callback) -> Tracks:
    net, aligner = load_mtcnn(), load_aligner()
    expected = min(max_frames, max(1, round(clip.seconds * clip.fps)))

    def detect_quads(picture: Image.Image) -> Sequence[Quad]:
        return [quad_from_landmarks(face.landmarks) for face in detect(net, picture)]

    def pictures() -> Iterator[Image.Image]:
        for i, pixels in enumerate(clip.frames(max_frames)):
            report(0.3 * min(1.0, i / expected), f"tracking, frame {i + 1}")
            yield Image.fromarray(pixels)

    return track_all(pictures(), detect_quads, lambda picture, quad: refine_quad(aligner, picture, quad))


def _crop(clip: Clip, tracks: Tracks) -> list[dict[int, Pixels]]:
    """Return the aligned squares of every track by frame, at 256 px; those outside the picture are left out."""
    squares: list[dict[int, Pixels]] = [{} for _ in tracks.tracks]
    for frame, pixels in enumerate(clip.frames(tracks.count)):
        for track, kept in zip(tracks.tracks, squares, strict=True):
            if track.visible[frame]:
                try:
                    square = align(Image.fromarray(pixels), track.quad(frame), QUALITY_RESOLUTION).image
                except FaceError:
                    continue
                kept[frame] = np.asarray(square)
    return squares


def _overlaps(face: FaceInFilm, track: Track) -> bool:
    return bool(track.visible[list(face.rows)].any()) if face.rows else False


def _plan_face(anonymiser: Anonymiser, track: Track, squares: dict[int, Pixels], present: set[int]) -> FaceInFilm:
    """Choose the stand-in of a tracked face and compute its latents; a face without one is blurred."""
    rows = tuple(int(frame) for frame in np.flatnonzero(track.visible))
    quads = tuple(track.quad(frame) for frame in rows)

    def blurred(reason: str) -> FaceInFilm:
        return FaceInFilm(rows, quads, torch.zeros(0, 0, 0), torch.zeros(0, 0, 0), reason=reason)

    if anonymiser.config.blur:
        return blurred("")
    size = float(np.median([np.hypot(*(quad[3] - quad[0])) for quad in quads])) * FACE_SHARE
    if size < MIN_FACE_PIXELS:
        return blurred(TOO_SMALL)
    if len(squares) < len(rows):
        return blurred(AT_EDGE)
    pictures = [squares[frame] for frame in rows]
    reading, bases = _read_frames(anonymiser, pictures)
    best = _best_frame(reading)
    mean = torch.nn.functional.normalize(reading.identity.mean(0, keepdim=True), dim=1)
    shown = Reading(reading.attributes[best : best + 1], mean, reading.details[best : best + 1])
    portrait = Portrait(UNIT_CORNERS * QUALITY_RESOLUTION, shown, bases[best : best + 1])
    number = anonymiser.meet(portrait, present)
    try:
        w = anonymiser.replace(Image.fromarray(pictures[best]), portrait, number).w
    except FaceError as error:
        return blurred(error.message)
    return FaceInFilm(rows, quads, bases, _codes(anonymiser, bases, reading, w), number)


@torch.no_grad()
def _read_frames(anonymiser: Anonymiser, pictures: Sequence[Pixels]) -> tuple[Reading, WPlus]:
    """Read every frame, and encode it; the latents are smoothed over time."""
    G, parts, codes = anonymiser.studio.fast_generator.G, [], []
    for i in range(0, len(pictures), BATCH):
        img = to_img(list(pictures[i : i + BATCH]))
        parts.append(anonymiser.studio.read_face(img))
        codes.append(encoder_guess(G, load_encoder(), img))
    reading = Reading(*(torch.cat([part[k] for part in parts]) for k in range(3)))
    return reading, _smooth(torch.cat(codes))


def _best_frame(reading: Reading) -> int:
    """Return the row of the frame in which the face is most frontal and sharp."""
    yaw, pitch, sharpness = (reading.attributes[:, ATTRIBUTES.index(name)] for name in ("yaw", "pitch", "sharpness"))
    return int((2 * sharpness - (yaw.abs() + pitch.abs()) / 10).argmax())


@torch.no_grad()
def _codes(anonymiser: Anonymiser, bases: WPlus, reading: Reading, w: PersonW) -> WPlus:
    """Return the latents of a stand-in in every frame, with the pose and the smile of the person in it."""
    studio, rows = anonymiser.studio, []
    G = studio.fast_generator.G
    for i in range(len(bases)):
        shown = Reading(*(part[i : i + 1] for part in reading))
        start = mix_in(G, bases[i : i + 1], w)
        rows.append(match_attributes(G, start, shown, studio.read_face, studio.basis, anonymiser.names, rounds=ROUNDS))
    return _smooth(torch.cat(rows))


def _smooth(codes: WPlus) -> WPlus:
    """Smooth latents over time."""
    flat = smooth(codes.flatten(1).double().numpy(), STIFFNESS)
    return torch.from_numpy(flat).float().view_as(codes)
