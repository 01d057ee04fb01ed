"""Cropping of pictures to a dataset's size: from the center, aligned on the face, or whole. Opens no files."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal, get_args

import numpy as np
from PIL import Image

from faceloom.checkpoints.load import load_mtcnn
from faceloom.checkpoints.shipped import load_aligner
from faceloom.errors import ImageError
from faceloom.faces.align import align, quad_from_landmarks, quad_side
from faceloom.faces.detect import choose, detect
from faceloom.faces.refine_alignment import refine_quad
from faceloom.images.channels import resize

CropMode = Literal["center", "face", "none"]
CROP_MODES: tuple[CropMode, ...] = get_args(CropMode)
Size = tuple[int, int]
"""(width, height) in pixels."""

MAX_ENLARGEMENT = 2  # maximum enlargement factor of a picture; larger factors would train the network on blur
MAX_REQUESTED_ENLARGEMENT = 16  # the same when enlargement is requested
RATIO_TOLERANCE = 0.02  # maximum difference of log(aspect ratio) between an uncropped picture and the dataset

Crop = Callable[[Image.Image], tuple[Image.Image, float]]
"""Function from a photo to the crop and its enlargement factor (below 1: reduced). Raises ImageError, FaceError."""


ENLARGE_HINT = "use larger pictures, a smaller resolution, or --enlarge"


def make_crop(size: Size, mode: CropMode, *, enlarge: bool = False) -> Crop:
    """Make the function that crops pictures to `size`; the mode 'face' loads the detector and the aligner.

    With `enlarge`, pictures are enlarged up to MAX_REQUESTED_ENLARGEMENT times instead of MAX_ENLARGEMENT.
    Raises ImageError for the mode 'face' with a size that is not square, AssetError without the detector.
    """
    limit = MAX_REQUESTED_ENLARGEMENT if enlarge else MAX_ENLARGEMENT
    if mode == "face":
        return _crop_face(size, limit)
    return _crop_center(size, limit) if mode == "center" else _resize_whole(size, limit)


def _crop_center(size: Size, limit: float) -> Crop:
    def crop(photo: Image.Image) -> tuple[Image.Image, float]:
        scale = max(size[0] / photo.width, size[1] / photo.height)
        _check_scale(scale, photo.size, limit)
        width, height = size[0] / scale, size[1] / scale
        left, top = (photo.width - width) / 2, (photo.height - height) / 2
        return resize(photo, size, (left, top, left + width, top + height)), scale

    return crop


def _resize_whole(size: Size, limit: float) -> Crop:
    def crop(photo: Image.Image) -> tuple[Image.Image, float]:
        scale = size[0] / photo.width
        if abs(np.log(scale * photo.height / size[1])) > RATIO_TOLERANCE:
            raise ImageError(
                f"{photo.width} x {photo.height} px have another aspect ratio than {size[0]} x {size[1]}",
                "crop from the center, or choose another resolution",
            )
        _check_scale(scale, photo.size, limit)
        return resize(photo, size), scale

    return crop


def _crop_face(size: Size, limit: float) -> Crop:
    if size[0] != size[1]:
        raise ImageError(
            f"faces are aligned to squares, not to {size[0]} x {size[1]}", "give one number as the resolution"
        )
    net, aligner = load_mtcnn(), load_aligner()

    def crop(photo: Image.Image) -> tuple[Image.Image, float]:
        face = choose(detect(net, photo)).face
        quad = refine_quad(aligner, photo, quad_from_landmarks(face.landmarks))
        scale = size[0] / quad_side(quad)
        _check_scale(scale, photo.size, limit)
        return align(photo, quad, size[0]).image, scale

    return crop


def _check_scale(scale: float, size: Size, limit: float) -> None:
    if scale > limit:
        raise ImageError(
            f"it is too small ({size[0]} x {size[1]} px): it would be enlarged {scale:.1f} times, "
            f"expected at most {limit}",
            ENLARGE_HINT,
        )
