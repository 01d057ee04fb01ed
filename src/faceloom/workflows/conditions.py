"""Conditions of a photo under which edits of its likeness are less reliable: light, colors, pose, hidden parts."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import Tensor

from faceloom.analyze.attributes import REGIONS, TABLE
from faceloom.analyze.ensemble import Opinions, read_opinions
from faceloom.checkpoints.load import load_lpips
from faceloom.checkpoints.shipped import load_analyzer, load_second_analyzer
from faceloom.images import area_resize
from faceloom.networks import lpips
from faceloom.networks.analyzer import ATTRIBUTES

FACE = (slice(70, 230), slice(64, 192))  # rows and columns of the face in the aligned picture of 256 px
MOUTH = (slice(155, 200), slice(90, 166))  # the same of the mouth

MAX_GRAY = 0.02  # mean difference between the channels of a face without colors, 0...1
MAX_DARK = 0.12  # median brightness of a dark face, 0...1
MIN_BRIGHT = 0.85  # median brightness of an overexposed face
MAX_TURN = 35.0  # degrees to either side beyond which half of the face is not seen
MIN_EYES = 12.0 / 64**2  # part of the picture that open or closed eyes cover; sunglasses leave less
MAX_MOUTH_DISTANCE = 0.08  # LPIPS (AlexNet) of the mouth to the photo's; beyond, something lies before it

EDITABLE = tuple(name for name in ATTRIBUTES if TABLE[name].requested_as)


@dataclass(frozen=True)
class Conditions:
    """Conditions that make a likeness and its edits less reliable.

    `notes` are sentences for the user, `unreliable` the attributes that cannot be read or edited well.
    """

    notes: tuple[str, ...] = ()
    unreliable: tuple[str, ...] = ()


@torch.no_grad()
def measure_conditions(img: Tensor, drawn: Tensor, regions: Tensor | None = None) -> Conditions:
    """Measure the conditions of an aligned face and of its likeness.

    Convention: `img` and `drawn` `[1, 3, 256, 256]`, -1...1; `regions [1, 10, h, w]` are the parts of the likeness in
    the order of REGIONS, 0...1, where they are known. Takes about 0.1 s on one core.
    """
    opinions = read_opinions(load_analyzer(), load_second_analyzer(), torch.cat((img, drawn)))
    found = list(_find_conditions(img, drawn, regions, opinions))
    names = {name for _, unreliable in found for name in unreliable}
    return Conditions(tuple(note for note, _ in found), tuple(name for name in TABLE if name in names))


def _find_conditions(
    img: Tensor, drawn: Tensor, regions: Tensor | None, opinions: Opinions
) -> Iterator[tuple[str, tuple[str, ...]]]:
    """Yield a sentence for each condition, and the attributes that it makes unreliable."""
    yield from _find_light(img)
    turn = float(opinions.mean[0, ATTRIBUTES.index("yaw")])
    if abs(turn) > MAX_TURN:
        yield f"the head is turned by {abs(turn):.0f} degrees: the hidden half of the face is a guess", ("yaw",)
    if regions is not None and float(regions[0, REGIONS.index("eyes")].mean()) < MIN_EYES:
        yield "the eyes are hidden: they are a guess where an edit shows them", ("glasses", "eyes_open", "age")
    if _mouth_distance(img, drawn) > MAX_MOUTH_DISTANCE:
        yield "the mouth is hidden or unusual: edits of it are not reliable", ("smile", "mouth_open", "age")
    for name in EDITABLE:
        if not opinions.agree((name,)).any():
            yield f"two readings of the {name.replace('_', ' ')} disagree: edits of it are less reliable", (name,)


def _find_light(img: Tensor) -> Iterator[tuple[str, tuple[str, ...]]]:
    """Yield the conditions of light and colors."""
    face = (area_resize(img[..., FACE[0], FACE[1]], 64)[0] + 1) / 2
    brightness = float(face.mean(0).median())
    if float((face.amax(0) - face.amin(0)).mean()) < MAX_GRAY:
        yield "the photo has no colors, so that edits are less reliable: --restore makes a likeness in color", ("age",)
    if brightness < MAX_DARK:
        yield "the photo is very dark: the likeness lacks detail, and edits are less reliable", ("age",)
    if brightness > MIN_BRIGHT:
        yield "the photo is overexposed: the likeness lacks detail, and edits are less reliable", ("age",)


def _mouth_distance(img: Tensor, drawn: Tensor) -> float:
    """Return LPIPS (AlexNet) between a photo and its likeness, in the mouth alone."""
    alexnet = load_lpips("alexnet")
    distances = lpips.distance_map(alexnet.features(img), alexnet.features(drawn.clamp(-1, 1)), img.shape[-1])
    return float(distances[0, MOUTH[0], MOUTH[1]].mean())
