"""All judges of edits together. None of them took part in any training here: identities, age, outline and skin tone."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from bench.evaluators import Evaluators
from bench.landmarks import find_landmarks, measure_face_color, measure_skin_tone, typology_angle
from bench.mattes import Matting, background_mask, clothes_mask, mean_change
from bench.sface import SFace

JUDGED_SIDE = 256  # of the pictures that the judges see, in pixels


@dataclass(frozen=True, eq=False)
class Face:
    """Independent readings of one picture: identities compared by distance (dlib) and by cosine (SFace)."""

    pixels: NDArray[np.uint8]
    dlib: NDArray[np.float64]
    sface: NDArray[np.float64]
    age: float  # years
    skin: float  # individual typology angle of two spots of the cheeks in degrees
    color: NDArray[np.float64]  # CIELAB, median of the whole face
    matte: NDArray[np.float32]


class Jury:
    """All judges. They are loaded when they are first needed."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    @cached_property
    def evaluators(self) -> Evaluators:
        """The judges of age and of identity."""
        return Evaluators(self.folder)

    @cached_property
    def sface(self) -> SFace:
        """The second judge of identity."""
        return SFace(self.folder)

    @cached_property
    def matting(self) -> Matting:
        """The network that separates people from backgrounds."""
        return Matting(self.folder)

    def read(self, picture: Image.Image) -> Face:
        """Read everything from a picture."""
        pixels = to_judged(picture)
        reading, landmarks = self.evaluators.read([pixels, pixels[:, ::-1].copy()]), find_landmarks(pixels)
        return Face(
            pixels,
            reading.identity[0],
            self.sface.read(pixels, landmarks),
            float(reading.age.mean()),  # of the picture and its mirror image, which the network reads differently
            measure_skin_tone(pixels, landmarks),
            measure_face_color(pixels, landmarks),
            self.matting.read(pixels),
        )

    def compare(self, photo: Face, before: Face, after: Face) -> dict[str, float]:
        """Compare a person after an edit with the photo and with the person before the edit."""
        background = background_mask(before.matte, after.matte)
        clothes = clothes_mask(before.matte, after.matte)
        return {
            "dlib": float(np.linalg.norm(photo.dlib - after.dlib)),
            "sface": float(photo.sface @ after.sface),
            "years": after.age - before.age,
            "skin": after.skin - before.skin,
            "face_tone": typology_angle(after.color) - typology_angle(before.color),
            "face_color": float(np.linalg.norm(after.color - before.color)),
            "background": mean_change(before.pixels, after.pixels, background),
            "clothes": mean_change(before.pixels, after.pixels, clothes),
            "both": mean_change(before.pixels, after.pixels, background | clothes),
            "covered": float((background | clothes).mean()),
        }


def to_judged(picture: Image.Image) -> NDArray[np.uint8]:
    """Return a picture as the judges see it, `[256, 256, 3]`."""
    return np.asarray(picture.convert("RGB").reduce(max(1, picture.width // JUDGED_SIDE)))
