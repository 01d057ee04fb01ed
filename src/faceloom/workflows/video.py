"""Editing of a face in a film: tracked, encoded frame by frame, edited once, and pasted back.

The film is read three times: to track the face, to crop it, and to paste it back. Only one frame is in memory at its
full size; of the others the aligned face at 256 px is.
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
from faceloom.edit.regions import change_mask
from faceloom.errors import Cancelled, FaceError, NoFaceFound
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
from faceloom.networks.blended import Blended, generate_with_features
from faceloom.networks.fused import fuse
from faceloom.networks.generator import Generator, image_at
from faceloom.smooth import smooth
from faceloom.workflows.studio import Studio

MAX_FRAMES = 300  # default number of frames after which a film ends
BASE_SECONDS, SECONDS_PER_FRAME = 30.0, 4.0  # default budget of a film
PERSON_SHARE = 0.3  # part of the budget for the encoding of the person in the best frame; the frames get the rest
MIN_SIMILARITY = 0.3  # identity similarity (cosine) to the first run of frames below which a run shows another person
MASK_STIFFNESS = 2.0  # of the smoothing of masks in time: it removes changes of less than about 7 frames
FADE_FRAMES = 5  # number of frames in which the edit is faded where the face appears or disappears
POSE_BOUNDS = {"yaw": 40.0, "pitch": 30.0, "smile": 3.0, "mouth_open": 3.0}
"""Attributes that change within a film, and the largest absolute value that is used, in the analyzer's units."""
POSE_STEPS = 2  # number of corrections of the pose in each frame
LEARNING_RATE = 0.02  # of the optimization of a frame, which starts close to the end; 0.05 overshoots in a few steps
READING_BATCH = 8  # number of frames that the analyzer reads at once

Callback = Callable[[float, str], None]
"""Function that receives the progress, 0...1, and a short text that says what is being done."""


@dataclass(frozen=True, eq=False)
class VideoEncoding:
    """A face that was tracked through a film and encoded.

    Convention: `rows` are the numbers of the frames that show the face, and the other fields have one entry for each:
    `codes [n, num_ws, w_dim]` the latents, `quads [n, 4, 2]` the squares, `strength [n]` the part of an edit that is
    applied, `lpips` the distance of AlexNet at 256 px. `runs` are the rows of consecutive frames of one shot, `count`
    the number of all frames, `shots` that of the shots, `best` the row in which the person was encoded.
    """

    person: Likeness
    rows: tuple[int, ...]
    codes: WPlus
    quads: tuple[Quad, ...]
    strength: np.ndarray
    runs: tuple[range, ...]
    count: int
    shots: int
    best: int
    lpips: tuple[float, ...]


def encode_clip(
    studio: Studio,
    clip: Clip,
    *,
    person: Likeness | None = None,
    face: int | None = None,
    seconds: float | None = None,
    max_frames: int = MAX_FRAMES,
    callback: Callback | None = None,
) -> VideoEncoding:
    """Track a face through a film and encode it, smoothly over time.

    Convention: `face` is its number in the first frame that shows a face, 0 (the default) for the largest; `person` is
    an existing likeness of the same person; `seconds` is the budget of the encoding, by default 30, and 4 for each
    frame. Ctrl-C and `Cancelled` end it without a result.
    Raises ImageError, NoFaceFound, LatentError for a person of another generator.
    """
    report = callback or (lambda progress, text: None)
    if person:
        require_generator(person, studio.generator)
    track = _track(studio, clip, face, max_frames, report)
    rows, squares = _crop_faces(clip, track)
    if not rows:
        raise NoFaceFound("no face found in the film", "choose one in which a face looks to the camera for a while")
    rows, squares, best = _select_person(track, rows, squares)
    seconds = BASE_SECONDS + SECONDS_PER_FRAME * len(rows) if seconds is None else seconds
    report(0.2, "the person")
    likeness = person.unedited if person else _encode_square(studio, squares[best], seconds * PERSON_SHARE)
    G = studio.tuned_generator(likeness)
    runs = _split_runs(track, rows)
    codes = encode_frames(
        (pose_inverter(G, studio.basis), gradient_inverter(G, studio.comparison_precision)),
        squares,
        runs,
        likeness.w_plus,
        best,
        config=SequenceConfig(seconds=seconds * (1.0 if person else 1 - PERSON_SHARE)),
        callback=lambda progress: report(0.3 + 0.35 * progress, "the frames"),
    )
    lpips, mse = _measure_quality(G, codes, squares)
    quality = {"lpips": lpips[best], "mse": mse[best]}
    return VideoEncoding(
        person=replace(likeness, w_plus=codes[best : best + 1].clone(), quality=quality, geometry=None),
        rows=rows,
        codes=codes,
        quads=tuple(track.quad(i) for i in rows),
        strength=_edit_strength(track, rows, runs),
        runs=tuple(runs),
        count=len(track.shots),
        shots=len(set(track.shots.tolist())),
        best=best,
        lpips=lpips,
    )


@dataclass(frozen=True, eq=False)
class FrameEdits:
    """The edit of every row of a film.

    Convention: `w_plus [n, num_ws, w_dim]` are the edited latents, `outside` those of the picture outside the `masks`
    `[n, 1, 64, 64]`, which are None when the whole picture changes.
    """

    w_plus: WPlus
    outside: WPlus
    masks: Tensor | None


def edit_frames(studio: Studio, encoding: VideoEncoding, edited: Likeness) -> FrameEdits:
    """Apply the edit of the person to every frame: the same step in the latent space, in the frame's own regions.

    The masks are smoothed over the frames of each run, without lag.
    """
    strength = torch.from_numpy(encoding.strength).to(encoding.codes)[:, None, None]
    w_plus, outside = (
        encoding.codes + strength * (latent - encoding.person.w_plus) for latent in (edited.w_plus, edited.outside)
    )
    read_regions = studio.read_regions
    if edited.mask is None or read_regions is None:
        return FrameEdits(w_plus, outside, None)
    G, keeps_outline = studio.tuned_generator(encoding.person), "background" not in edited.regions
    masks = [
        change_mask(read_regions(G, before), read_regions(G, after), edited.regions, keeps_outline=keeps_outline)
        for before, after in zip(outside.split(1), w_plus.split(1), strict=True)
    ]
    return FrameEdits(w_plus, outside, smooth_masks(torch.cat(masks), encoding.runs))


def smooth_masks(masks: Tensor, runs: Sequence[range]) -> Tensor:
    """Smooth masks `[n, 1, h, w]` over the frames of each run."""
    parts = [masks[run.start : run.stop] for run in runs]
    smoothed = [smooth(part.flatten(1).double().numpy(), MASK_STIFFNESS) for part in parts]
    return torch.from_numpy(np.concatenate(smoothed)).float().clamp(0, 1).view(masks.shape)


def render_clip(
    studio: Studio, clip: Clip, encoding: VideoEncoding, edited: Likeness, callback: Callback | None = None
) -> Iterator[Pixels]:
    """Render the film with the edit: the same step in the latent space for every frame, pasted back into it.

    Only the regions of each frame that the edit may change do change, as in a photo.

    Convention: yields uint8 `[h, w, 3]`, RGB; frames that do not show the face are not changed.
    """
    is_changed = not torch.equal(edited.w_plus, encoding.person.w_plus)
    edits = edit_frames(studio, encoding, edited) if is_changed else None
    row_of = {frame: row for row, frame in enumerate(encoding.rows)}
    G = fuse(studio.tuned_generator(encoding.person, studio.film_generator))
    side = studio.generator.G.img_resolution
    for i, pixels in enumerate(clip.frames(encoding.count)):
        if callback:
            callback(0.65 + 0.35 * i / encoding.count, f"frame {i + 1} of {encoding.count}")
        row = row_of.get(i)
        if row is None or edits is None:
            yield pixels
            continue
        before, after, mask = _render_edit(G, encoding.codes[row : row + 1], edits, row, side)
        photo = Image.fromarray(pixels)
        yield np.asarray(paste_back(photo, after, encoding.quads[row], original=before, mask=mask, seed=i))


@torch.no_grad()
def _render_edit(
    G: Generator, code: WPlus, edits: FrameEdits, row: int, side: int
) -> tuple[Pixels, Pixels, np.ndarray | None]:
    """Render a frame's face before and after the edit, and return where it may change; None for everywhere."""
    w_plus, outside = edits.w_plus[row : row + 1], edits.outside[row : row + 1]
    if edits.masks is None:
        return _to_pixels(G.synthesis(code), side), _to_pixels(G.synthesis(w_plus), side), None
    mask, stays = edits.masks[row : row + 1], torch.equal(code, outside)
    img, features = generate_with_features(G, outside)
    before = img if stays else G.synthesis(code)
    after = Blended(G, features, mask).synthesis(w_plus)
    return _to_pixels(before, side), _to_pixels(after, side), mask[0, 0].numpy() if stays else None


def gradient_inverter(G: Generator, precision: str) -> FrameInverter:
    """Return an inverter that takes a few steps of the optimization with VGG16, which runs in `precision`."""
    vgg, alexnet = load_lpips("vgg16", precision), load_lpips("alexnet")

    def invert(img: Tensor, start: WPlus, seconds: float) -> WPlus:
        config = OptimizeConfig(seconds=seconds, learning_rate=LEARNING_RATE, coarse=1.0)
        inversion = invert_optimize(G, img, vgg=vgg, alexnet=alexnet, config=config, start=start)
        return _require_complete(inversion).w_plus

    return invert


def pose_inverter(G: Generator, basis: Sequence[Direction]) -> FrameInverter:
    """Return an inverter that corrects the pose and the lips by what the analyzer reads, without gradients.

    Uses the directions of `basis` that are in POSE_BOUNDS; without any the pose does not change.
    """
    analyzer = load_analyzer()
    basis = [direction for direction in basis if direction.name in POSE_BOUNDS]
    if not basis:
        return lambda img, start, seconds: start
    order = [ATTRIBUTES.index(direction.name) for direction in basis]
    bound = torch.tensor([POSE_BOUNDS[direction.name] for direction in basis])
    zero = torch.zeros(1, G.num_ws, G.w_dim)
    steps = torch.cat([directions.step(zero, direction, 1.0) for direction in basis])  # [k num_ws w_dim]

    def read_pose(img: Tensor) -> Tensor:
        return torch.maximum(torch.minimum(read(analyzer, img).attributes[:, order], bound), -bound)

    @torch.no_grad()
    def invert(img: Tensor, start: WPlus, seconds: float) -> WPlus:
        target, w_plus = read_pose(img), start
        for _ in range(POSE_STEPS):
            error = target - read_pose(image_at(G, w_plus, QUALITY_RESOLUTION))
            w_plus = w_plus + torch.einsum("nk,kld->nld", error, steps)
        return w_plus

    return invert


def _encode_square(studio: Studio, square: Pixels, seconds: float) -> Likeness:
    """Encode the aligned face of one frame, with tuning."""
    inversion = _require_complete(studio.invert(to_img([square]), EncodeConfig(seconds)))
    delta = {name: part.half() for name, part in inversion.delta.items()}
    return Likeness(inversion.w_plus, studio.generator.hash, studio.generator.name, delta=delta)


def _require_complete(inversion: Inversion) -> Inversion:
    """Return an inversion. Raises `Cancelled` for an interrupted one, which ends the work on the film."""
    if inversion.interrupted:
        raise Cancelled("the encoding of the film was interrupted")
    return inversion


def _measure_quality(
    G: Generator, codes: WPlus, squares: Sequence[Pixels]
) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Measure LPIPS and the mean squared error of each frame."""
    alexnet = load_lpips("alexnet")
    measures = [measure(G, codes[i : i + 1], to_img([square]), alexnet) for i, square in enumerate(squares)]
    return tuple(lpips[0] for lpips, _, _ in measures), tuple(mse[0] for _, mse, _ in measures)


def _track(studio: Studio, clip: Clip, face: int | None, max_frames: int, report: Callback) -> Track:
    net, aligner = load_mtcnn(), load_aligner()
    expected = min(max_frames, max(1, round(clip.seconds * clip.fps)))

    def detect_quads(picture: Image.Image) -> Sequence[Quad]:
        large = [candidate for candidate in detect(net, picture) if candidate.size >= MIN_FACE_PIXELS]
        return [quad_from_landmarks(candidate.landmarks) for candidate in large]

    def pictures() -> Iterator[Image.Image]:
        for i, pixels in enumerate(clip.frames(max_frames)):
            report(0.15 * min(1.0, i / expected), f"tracking, frame {i + 1}")
            yield Image.fromarray(pixels)

    return track_face(pictures(), detect_quads, lambda picture, quad: refine_quad(aligner, picture, quad), face)


def _crop_faces(clip: Clip, track: Track) -> tuple[tuple[int, ...], list[Pixels]]:
    """Return the numbers of the frames that show the face, and its aligned crops at 256 px.

    A face that lies outside the picture is left out.
    """
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
def _select_person(
    track: Track, rows: tuple[int, ...], squares: list[Pixels]
) -> tuple[tuple[int, ...], list[Pixels], int]:
    """Select the runs that show the same person as the first run, and the best frame: frontal, sharp, eyes open."""
    starts = range(0, len(squares), READING_BATCH)
    readings = [read(load_analyzer(), to_img(squares[i : i + READING_BATCH])) for i in starts]
    attributes, identity = (torch.cat([getattr(r, name) for r in readings]) for name in ("attributes", "identity"))
    runs = _split_runs(track, rows)
    means = torch.stack([identity[run.start : run.stop].mean(0) for run in runs])
    is_same = (torch.cosine_similarity(means, means[:1]) >= MIN_SIMILARITY).tolist()
    selected = [i for run, same in zip(runs, is_same, strict=True) if same for i in run]
    names = ("yaw", "pitch", "eyes_open", "sharpness")
    yaw, pitch, eyes, sharpness = (attributes[selected, ATTRIBUTES.index(name)] for name in names)
    score = 2 * sharpness + eyes.clamp(-3, 3) / 3 - (yaw.abs() + pitch.abs()) / 10
    return tuple(rows[i] for i in selected), [squares[i] for i in selected], int(score.argmax())


def _split_runs(track: Track, rows: Sequence[int]) -> list[range]:
    """Split rows into runs of consecutive frames of one shot; return them as ranges of indices."""
    breaks = [
        k for k in range(1, len(rows)) if rows[k] != rows[k - 1] + 1 or track.shots[rows[k]] != track.shots[rows[k - 1]]
    ]
    return [range(a, b) for a, b in zip([0, *breaks], [*breaks, len(rows)], strict=True)]


def _edit_strength(track: Track, rows: Sequence[int], runs: Sequence[range]) -> np.ndarray:
    """Return the part of the edit for each row: 1, and less where the face appears or disappears within a shot."""
    strength = np.ones(len(rows))
    for run in runs:
        first, last = rows[run.start], rows[run.stop - 1]
        fade = (np.arange(len(run)) + 1) / (FADE_FRAMES + 1)
        part = np.ones(len(run))
        if first > 0 and track.shots[first - 1] == track.shots[first]:
            part = np.minimum(part, fade)
        if last + 1 < len(track.shots) and track.shots[last + 1] == track.shots[last]:
            part = np.minimum(part, fade[::-1])
        strength[run.start : run.stop] = part
    return strength


def _to_pixels(img: Tensor, side: int) -> Pixels:
    return to_pixels(area_resize(img, side))
