"""Detection and choice of faces: portraits, groups, small faces, turned photos, no face."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from PIL import Image, ImageDraw

from faceloom.errors import FaceError, FaceTooSmall, NoFaceFound, SeveralFaces
from faceloom.faces.detect import Face, choose, detect, rotate_back
from faceloom.faces.limits import MIN_FACE_PIXELS
from faceloom.networks.mtcnn import Mtcnn

Portrait = Callable[[str], Image.Image]

EYES_NOSE_MOUTH = {  # measured by hand in the pictures, to about 2 px
    "obama": [(443, 214), (550, 213), (497, 277), (436, 323), (556, 319)],
    "astronaut": [(204, 101), (247, 103), (225, 129), (202, 140), (245, 142)],
}


def face(size: float, score: float = 1.0) -> Face:
    return Face((0.0, 0.0, size, size), score, np.zeros((5, 2)))


# -- without networks -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("turns", [0, 1, 2, 3])
def test_rotate_back(turns: int) -> None:
    marked = Image.new("L", (7, 4))
    marked.putpixel((5, 1), 255)
    turned = marked.rotate(90 * turns, expand=True)
    (y,), (x,) = np.nonzero(np.asarray(turned))
    assert rotate_back(np.array([[x + 0.5, y + 0.5]]), turns, marked.size).tolist() == [[5.5, 1.5]]


def test_the_largest_is_chosen_with_a_note() -> None:
    choice = choose([face(200), face(120)])
    assert (choice.number, choice.count, choice.face.size) == (0, 2, 200)
    assert choice.notes == ("2 faces found: the largest is used",)
    assert choose([face(200)]).notes == ()


def test_a_face_is_chosen_by_its_number() -> None:
    choice = choose([face(200), face(120)], 1)
    assert (choice.number, choice.face.size, choice.notes) == (1, 120, ())
    for number in (2, -1):
        with pytest.raises(FaceError, match=r"0 \(the largest\) to 1"):
            choose([face(200), face(120)], number)


def test_each_failure_has_its_error_and_a_hint() -> None:
    with pytest.raises(NoFaceFound) as none:
        choose([])
    with pytest.raises(SeveralFaces) as several:
        choose([face(200), face(120)], only=True)
    with pytest.raises(FaceTooSmall) as small:
        choose([face(MIN_FACE_PIXELS - 1)])
    assert all(caught.value.hint for caught in (none, several, small))
    assert choose([face(200), face(120)], 1, only=True).number == 1
    assert "small" in choose([face(MIN_FACE_PIXELS + 1)]).notes[0]


# -- with the published weights ---------------------------------------------------------------------------------------


@pytest.mark.models
@pytest.mark.parametrize("name", ["obama", "obama2", "obama3", "biden", "astronaut"])
def test_each_portrait_holds_one_face(mtcnn: Mtcnn, portrait: Portrait, name: str) -> None:
    (result,) = detect(mtcnn, portrait(name))
    assert result.score > 0.99
    assert result.landmarks.shape == (5, 2)
    assert result.landmarks.dtype == np.float64
    x0, y0, x1, y1 = result.box
    assert ((result.landmarks > (x0, y0)) & (result.landmarks < (x1, y1))).all()


@pytest.mark.models
@pytest.mark.parametrize("name", EYES_NOSE_MOUTH)
def test_landmarks_lie_on_eyes_nose_and_mouth(mtcnn: Mtcnn, portrait: Portrait, name: str) -> None:
    (result,) = detect(mtcnn, portrait(name))
    assert np.abs(result.landmarks - EYES_NOSE_MOUTH[name]).max() < 0.06 * result.size


@pytest.mark.models
def test_a_mirrored_photo_has_mirrored_landmarks(mtcnn: Mtcnn, portrait: Portrait) -> None:
    photo = portrait("astronaut")
    (result,), (mirrored,) = detect(mtcnn, photo), detect(mtcnn, photo.transpose(Image.Transpose.FLIP_LEFT_RIGHT))
    back = mirrored.landmarks[[1, 0, 2, 4, 3]] * (-1, 1) + (photo.width, 0)
    assert np.abs(back - result.landmarks).max() < 0.015 * result.size


@pytest.mark.models
@pytest.mark.parametrize("turns", [1, 2, 3])
def test_photos_turned_by_quarters(mtcnn: Mtcnn, portrait: Portrait, turns: int) -> None:
    photo = portrait("astronaut")
    (upright,) = detect(mtcnn, photo)
    (result,) = detect(mtcnn, photo.rotate(90 * turns, expand=True))
    back = rotate_back(result.landmarks, turns, photo.size)
    assert np.abs(back - upright.landmarks).max() < 0.015 * upright.size
    assert result.score > 0.99


@pytest.mark.models
@pytest.mark.parametrize("degrees", [-40, 25, 140, 215])
def test_rotated_faces(mtcnn: Mtcnn, portrait: Portrait, degrees: float) -> None:
    photo = portrait("obama").crop((250, 0, 750, 500))
    (upright,) = detect(mtcnn, photo)
    (result,) = detect(mtcnn, photo.rotate(degrees, Image.Resampling.BICUBIC, fillcolor=(120, 120, 120)))
    a = np.radians(degrees)
    turn = np.array([(np.cos(a), np.sin(a)), (-np.sin(a), np.cos(a))])  # counterclockwise, y downwards
    expected = (upright.landmarks - 250) @ turn.T + 250
    assert np.abs(result.landmarks - expected).max() < 0.03 * upright.size


@pytest.mark.models
@pytest.mark.parametrize("size", [20, 30, 60])
def test_groups_of_small_faces(mtcnn: Mtcnn, portrait: Portrait, size: int) -> None:
    group = Image.new("RGB", (640, 480), (90, 110, 100))
    places = []
    for i, name in enumerate(["obama", "biden", "astronaut"] * 3):
        photo = portrait(name)
        (result,) = detect(mtcnn, photo, min_size=80)
        middle, half = result.landmarks.mean(0), result.size
        around = (*(middle - half).round().astype(int), *(middle + half).round().astype(int))
        corner = (20 + 140 * (i % 3), 20 + 140 * (i // 3))
        group.paste(photo.crop(around).resize((2 * size, 2 * size), Image.Resampling.LANCZOS), corner)
        places.append(np.array(corner) + size)
    faces = detect(mtcnn, group)
    assert len(faces) == len(places)
    assert [f.area for f in faces] == sorted((f.area for f in faces), reverse=True)
    for place in places:
        assert min(np.hypot(*(f.landmarks.mean(0) - place)) for f in faces) < 0.15 * size


@pytest.mark.models
def test_landmarks_of_large_photos_are_in_their_own_pixels(mtcnn: Mtcnn, portrait: Portrait) -> None:
    photo = portrait("astronaut")
    (result,) = detect(mtcnn, photo)
    (large,) = detect(mtcnn, photo.resize((4096, 4096), Image.Resampling.BICUBIC))
    assert np.abs(large.landmarks / 8 - result.landmarks).max() < 0.015 * result.size


@pytest.mark.models
def test_a_face_that_fills_the_picture(mtcnn: Mtcnn, portrait: Portrait) -> None:
    (result,) = detect(mtcnn, portrait("obama").crop((385, 85, 625, 400)))
    assert result.score > 0.9


@pytest.mark.models
@pytest.mark.parametrize("kind", ["flat", "noise", "stripes", "text", "blobs", "tiny"])
def test_no_face_in_pictures_without_one(mtcnn: Mtcnn, kind: str) -> None:
    rng = np.random.default_rng(0)
    if kind == "text":
        picture = Image.new("RGB", (300, 200), (255, 255, 255))
        ImageDraw.Draw(picture).multiline_text((5, 5), "No face here, only words.\n" * 12, (0, 0, 0))
    else:
        pixels = {
            "flat": np.full((200, 300, 3), 130),
            "noise": rng.integers(0, 256, (200, 300, 3)),
            "stripes": np.tile(np.arange(300)[None, :, None] % 20 * 12, (200, 1, 3)),
            "blobs": np.kron(rng.integers(0, 256, (10, 15, 3)), np.ones((20, 20, 1))),
            "tiny": rng.integers(0, 256, (8, 9, 3)),
        }[kind]
        picture = Image.fromarray(pixels.astype(np.uint8))
    assert detect(mtcnn, picture) == ()
