"""From any picture to one of the dataset's size: cut from the middle, aligned on the face, or whole. No files."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal, get_args

import numpy as np
from PIL import Image

from faceloom.checkpoints.readers.mtcnn import load_mtcnn
from faceloom.checkpoints.shipped import load_aligner
from faceloom.errors import ImageError
from faceloom.faces import align, choose, detect, quad_from_landmarks
from faceloom.faces.align import side_of
from faceloom.faces.refine_alignment import refine

CropMode = Literal["centre", "face", "none"]
CROP_MODES: tuple[CropMode, ...] = get_args(CropMode)
Size = tuple[int, int]
"""(width, height) in pixels."""

MOST = 2  # times that a picture may be enlarged: beyond it, it teaches blur
SHAPES = 0.02  # by how much a whole picture's ratio of sides may differ from the dataset's

Crop = Callable[[Image.Image], tuple[Image.Image, float]]
"""From a photo to the picture, and by how much it was enlarged (below 1: reduced). Raises ImageError, FaceError."""


def crop_to(size: Size, mode: CropMode) -> Crop:
    """Make the function that cuts pictures to `size`; 'face' loads the detector and the aligner.

    Raises ImageError for faces that are not to be square, AssetError without the detector.
    """
    if mode == "face":
        return _by_face(size)
    return _centre(size) if mode == "centre" else _whole(size)


def _centre(size: Size) -> Crop:
    def crop(photo: Image.Image) -> tuple[Image.Image, float]:
        scale = max(size[0] / photo.width, size[1] / photo.height)
        _check_scale(scale, photo.size)
        width, height = size[0] / scale, size[1] / scale
        left, top = (photo.width - width) / 2, (photo.height - height) / 2
        return photo.resize(size, Image.Resampling.LANCZOS, (left, top, left + width, top + height)), scale

    return crop


def _whole(size: Size) -> Crop:
    def crop(photo: Image.Image) -> tuple[Image.Image, float]:
        scale = size[0] / photo.width
        if abs(np.log(scale * photo.height / size[1])) > SHAPES:
            raise ImageError(
                f"{photo.width} x {photo.height} px have another shape than {size[0]} x {size[1]}",
                "crop from the centre, or choose another resolution",
            )
        _check_scale(scale, photo.size)
        return photo.resize(size, Image.Resampling.LANCZOS), scale

    return crop


def _by_face(size: Size) -> Crop:
    if size[0] != size[1]:
        raise ImageError(f"faces are aligned to squares, not to {size[0]} x {size[1]}", "give one number")
    net, aligner = load_mtcnn(), load_aligner()

    def crop(photo: Image.Image) -> tuple[Image.Image, float]:
        face = choose(detect(net, photo)).face
        quad = refine(aligner, photo, quad_from_landmarks(face.landmarks))
        scale = size[0] / side_of(quad)
        _check_scale(scale, photo.size)
        return align(photo, quad, size[0]).image, scale

    return crop


def _check_scale(scale: float, size: Size) -> None:
    if scale > MOST:
        raise ImageError(
            f"it is too small ({size[0]} x {size[1]} px): it would be enlarged {scale:.1f} times",
            "use larger pictures or a smaller resolution",
        )
