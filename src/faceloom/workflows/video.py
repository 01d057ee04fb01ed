"""A film of a real face: followed, found in the generator frame by frame, edited once, and pasted back.

Knows the studio and clips. Three passes over the file: to follow the face, to cut it out, to paste it back; no more
than one frame is held at its full size, and of the others the aligned face at 256 px.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from faceloom.analyze.reading import read
from faceloom.checkpoints.load import load_lpips, load_mtcnn
from faceloom.checkpoints.shipped import load_aligner, load_analyzer
from faceloom.edit import directions
from faceloom.edit.directions import Direction
from faceloom.errors import FaceError, NoFaceFound
from faceloom.faces.align import Quad, align, quad_from_landmarks
from faceloom.faces.detect import detect
from faceloom.faces.limits import MIN_FACE_PIXELS
from faceloom.faces.paste_back import paste_back
from faceloom.faces.refine_alignment import refine_quad
from faceloom.faces.track import Track, track_face
from faceloom.images import area_resize, to_img, to_pixels
from faceloom.images.clip import Clip
from faceloom.images.tensors import Pixels
from faceloom.invert.budget import EncodeConfig
from faceloom.invert.frames import FrameInverter, SequenceConfig, encode_frames
from faceloom.invert.inversion import QUALITY_RESOLUTION, Inversion, measure
from faceloom.invert.optimize import OptimizeConfig, invert_optimize
from faceloom.latents import WPlus
from faceloom.likeness import Likeness, require_generator
from faceloom.networks.analyzer import ATTRIBUTES
from faceloom.networks.generator import Generator, image_at
from faceloom.workflows.studio import Studio

MAX_FRAMES = 300
PERSON = 0.3  # of the seconds: for the person, in the best frame; the rest for all frames
ALIKE = 0.3  # cosine of identities: a run of frames that shows somebody less alike shows somebody else
FADE = 5  # frames in which the edit comes and goes where the face does
POSE = {"yaw": 40.0, "pitch": 30.0, "smile": 3.0, "mouth_open": 3.0}  # what moves in a film, and how far it is believed
LOOKS = 2  # of the search by reading
LEARNING_RATE = 0.02  # of the search in a frame, which begins near the end: at 0.05 its few steps overshoot

Callback = Callable[[float, str], None]


@dataclass(frozen=True, eq=False)
class VideoEncoding:
    """A face that was followed through a film and found in the generator.

    Convention: `rows` are the numbers of the frames that show it; `codes [n, num_ws, w_dim]` theirs in the generator,
    `quads [n, 4, 2]` their squares, `strength [n]` how much of an edit each is to get; `count` is of all frames;
    `best` is the row that the person was found in; `lpips` is AlexNet's, of every row, at 256 px.
    """

    person: Likeness
    rows: tuple[int, ...]
    codes: WPlus
    quads: tuple[Quad, ...]
    strength: np.ndarray
    count: int
    shots: int
    best: int
    lpips: tuple[float, ...]


def find_in_clip(
    studio: Studio,
    clip: Clip,
    *,
    person: Likeness | None = None,
    face: int | None = None,
    seconds: float | None = None,
    max_frames: int = MAX_FRAMES,
    callback: Callback | None = None,
) -> VideoEncoding:
    """Follow a face through the film and find it in the generator, smoothly in time.

    `face` is its number in the first frame that shows one, 0 (the default) the largest; `person` is the same person's
    likeness, if there is one. `seconds` are the search's in total; by default 30, and 4 a frame. Ctrl-C ends it all.
    Raises ImageError, NoFaceFound, LatentError for a person of another generator.
    """
    tell = callback or (lambda done, what: None)
    if person:
        require_generator(person, studio.generator)
    track = _follow(studio, clip, face, max_frames, tell)
    rows, squares = _cut_out(clip, track)
    if not rows:
        raise NoFaceFound("no face found in the film", "choose one in which a face looks to the camera for a while")
    rows, squares, best = _same_person(track, rows, squares)
    seconds = 30.0 + 4.0 * len(rows) if seconds is None else seconds
    tell(0.2, "the person")
    known = person.unedited if person else _found(studio, squares[best], seconds * PERSON)
    G = studio.tuned_generator(known)
    runs = _runs(track, rows)
    codes = encode_frames(
        (pose_search(G, studio.basis), gradient_search(G, studio.comparison_precision)),
        squares,
        runs,
        known.w_plus,
        best,
        config=SequenceConfig(seconds=seconds * (1.0 if person else 1 - PERSON)),
        callback=lambda done: tell(0.3 + 0.35 * done, "the frames"),
    )
    lpips, mse = _quality(G, codes, squares)
    made = replace(
        known, w_plus=codes[best : best + 1].clone(), quality={"lpips": lpips[best], "mse": mse[best]}, geometry=None
    )
    quads, shots = tuple(track.quad(i) for i in rows), len(set(track.shots.tolist()))
    return VideoEncoding(made, rows, codes, quads, _strength(track, rows, runs), len(track.shots), shots, best, lpips)


def draw_clip(
    studio: Studio, clip: Clip, found: VideoEncoding, edited: Likeness, callback: Callback | None = None
) -> Iterator[Pixels]:
    """Draw the film anew: the same step in the generator for every frame, and what it changed pasted back.

    Convention: yields uint8 `[h, w, 3]`; frames that do not show the face are the film's own.
    """
    displacement = edited.w_plus - found.person.w_plus
    row_of = {frame: row for row, frame in enumerate(found.rows)}
    G, side = studio.tuned_generator(found.person, studio.film_generator), studio.generator.G.img_resolution
    for i, pixels in enumerate(clip.frames(found.count)):
        if callback:
            callback(0.65 + 0.35 * i / found.count, f"frame {i + 1} of {found.count}")
        row = row_of.get(i)
        if row is None or not displacement.any():
            yield pixels
            continue
        code = found.codes[row : row + 1]
        before, after = (_drawn(G, w, side) for w in (code, code + float(found.strength[row]) * displacement))
        photo = Image.fromarray(pixels)
        yield np.asarray(paste_back(photo, after, found.quads[row], original=before, seed=i))


def gradient_search(G: Generator, precision: str) -> FrameInverter:
    """A few steps of the VGG search, which compares in a precision."""
    vgg, alexnet = load_lpips("vgg16", precision), load_lpips("alexnet")

    def search(img: Tensor, start: WPlus, seconds: float) -> WPlus:
        config = OptimizeConfig(seconds=seconds, learning_rate=LEARNING_RATE, coarse=1.0)
        found = invert_optimize(G, img, vgg=vgg, alexnet=alexnet, config=config, start=start)
        return _finished(found).w_plus

    return search


def pose_search(G: Generator, basis: Sequence[Direction]) -> FrameInverter:
    """Turn the head and move the lips until the analyzer reads what it reads in the frame: two looks, no gradients.

    Of `basis` the directions in POSE are used; without any the pose stays.
    """
    analyzer = load_analyzer()
    basis = [direction for direction in basis if direction.name in POSE]
    if not basis:
        return lambda img, start, seconds: start
    order = [ATTRIBUTES.index(direction.name) for direction in basis]
    bound = torch.tensor([POSE[direction.name] for direction in basis])
    nowhere = torch.zeros(1, G.num_ws, G.w_dim)
    steps = torch.cat([directions.step(nowhere, direction, 1.0) for direction in basis])  # [k num_ws w_dim]

    def seen(img: Tensor) -> Tensor:
        return torch.maximum(torch.minimum(read(analyzer, img).traits[:, order], bound), -bound)

    @torch.no_grad()
    def search(img: Tensor, start: WPlus, seconds: float) -> WPlus:
        wanted, w_plus = seen(img), start
        for _ in range(LOOKS):
            off = wanted - seen(image_at(G, w_plus, QUALITY_RESOLUTION))
            w_plus = w_plus + torch.einsum("nk,kld->nld", off, steps)
        return w_plus

    return search


def _found(studio: Studio, square: Pixels, seconds: float) -> Likeness:
    """Find the person of one frame, tuning included."""
    found = _finished(studio.invert(to_img([square]), EncodeConfig(seconds)))
    delta = {name: part.half() for name, part in found.delta.items()}
    return Likeness(found.w_plus, studio.generator.hash, studio.generator.name, delta=delta)


def _finished(inversion: Inversion) -> Inversion:
    """A search; one that Ctrl-C ended is the end of the film, too."""
    if inversion.interrupted:
        raise KeyboardInterrupt
    return inversion


def _quality(G: Generator, codes: WPlus, squares: Sequence[Pixels]) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """LPIPS and mean squared error of each frame's reproduction."""
    alexnet = load_lpips("alexnet")
    pairs = [measure(G, codes[i : i + 1], to_img([square]), alexnet) for i, square in enumerate(squares)]
    return tuple(lpips[0] for lpips, _, _ in pairs), tuple(mse[0] for _, mse, _ in pairs)


def _follow(studio: Studio, clip: Clip, face: int | None, max_frames: int, tell: Callback) -> Track:
    net, aligner = load_mtcnn(), load_aligner()
    expected = min(max_frames, max(1, round(clip.seconds * clip.fps)))

    def find(picture: Image.Image) -> Sequence[Quad]:
        faces = [found for found in detect(net, picture) if found.size >= MIN_FACE_PIXELS]
        return [quad_from_landmarks(found.landmarks) for found in faces]

    def pictures() -> Iterator[Image.Image]:
        for i, pixels in enumerate(clip.frames(max_frames)):
            tell(0.15 * min(1.0, i / expected), f"following, frame {i + 1}")
            yield Image.fromarray(pixels)

    return track_face(pictures(), find, lambda picture, quad: refine_quad(aligner, picture, quad), face)


def _cut_out(clip: Clip, track: Track) -> tuple[tuple[int, ...], list[Pixels]]:
    """The aligned faces at 256 px, and which frames they are of; one that has left the picture is not among them."""
    rows, squares = [], []
    for i, pixels in enumerate(clip.frames(len(track.shots))):
        if track.visible[i]:
            try:
                squares.append(np.asarray(align(Image.fromarray(pixels), track.quad(i), QUALITY_RESOLUTION).image))
            except FaceError:
                continue
            rows.append(i)
    return tuple(rows), squares


@torch.no_grad()
def _same_person(
    track: Track, rows: tuple[int, ...], squares: list[Pixels]
) -> tuple[tuple[int, ...], list[Pixels], int]:
    """Keep the runs that show who the first one shows, and choose the best frame: frontal, sharp, eyes open."""
    readings = [read(load_analyzer(), to_img(squares[i : i + 8])) for i in range(0, len(squares), 8)]
    traits, identity = (torch.cat(parts) for parts in zip(*readings, strict=True))
    runs = _runs(track, rows)
    means = torch.stack([identity[run.start : run.stop].mean(0) for run in runs])
    alike = torch.cosine_similarity(means, means[:1]) >= ALIKE
    kept = [i for run, same in zip(runs, alike.tolist(), strict=True) if same for i in run]
    yaw, pitch, eyes, sharp = (traits[kept, ATTRIBUTES.index(n)] for n in ("yaw", "pitch", "eyes_open", "sharpness"))
    score = 2 * sharp + eyes.clamp(-3, 3) / 3 - (yaw.abs() + pitch.abs()) / 10
    return tuple(rows[i] for i in kept), [squares[i] for i in kept], int(score.argmax())


def _runs(track: Track, rows: Sequence[int]) -> list[range]:
    """Stretches of rows whose frames follow each other in one shot, as ranges of their indices."""
    breaks = [
        k for k in range(1, len(rows)) if rows[k] != rows[k - 1] + 1 or track.shots[rows[k]] != track.shots[rows[k - 1]]
    ]
    return [range(a, b) for a, b in zip([0, *breaks], [*breaks, len(rows)], strict=True)]


def _strength(track: Track, rows: Sequence[int], runs: Sequence[range]) -> np.ndarray:
    """How much of the edit each row gets: all of it, less where the face comes or goes within a shot."""
    strength = np.ones(len(rows))
    for run in runs:
        first, last = rows[run.start], rows[run.stop - 1]
        steps = (np.arange(len(run)) + 1) / (FADE + 1)
        here = np.ones(len(run))
        if first > 0 and track.shots[first - 1] == track.shots[first]:
            here = np.minimum(here, steps)
        if last + 1 < len(track.shots) and track.shots[last + 1] == track.shots[last]:
            here = np.minimum(here, steps[::-1])
        strength[run.start : run.stop] = here
    return strength


@torch.no_grad()
def _drawn(G: Generator, w_plus: WPlus, side: int) -> Pixels:
    return to_pixels(area_resize(G.synthesis(w_plus), side))
