"""Check that a generator makes faces, before attributes are fitted to what is read from its pictures."""

from __future__ import annotations

from PIL import Image

from faceloom.checkpoints.load import load_mtcnn
from faceloom.edit.fit_attributes import sample_faces
from faceloom.errors import FaceError
from faceloom.faces.detect import UPRIGHT_SCORE, detect
from faceloom.images import to_pixel_list
from faceloom.images.channels import to_rgb
from faceloom.latents import broadcast
from faceloom.networks.generator import Generator, image_at
from faceloom.networks.mtcnn import Mtcnn

PICTURES = 24
"""Number of generated pictures in which faces are detected."""
SEED = 2  # of these pictures, other than the seeds of the fit
DETECTION_SIDE = 160  # pixels to which a picture is resized before the detection
MIN_FACE = 0.25  # smallest side of a face as a part of the picture's side: aligned faces fill half of it
MIN_FACE_SHARE = 0.5  # smallest part of the pictures in which a face must be detected


def check_faces(G: Generator, name: str) -> float:
    """Check that most generated pictures show a large upright face, and return their share.

    Raises FaceError for a generator of other subjects, AssetError when the face detector was not pulled.
    """
    share = measure_face_share(G, load_mtcnn())
    if share < MIN_FACE_SHARE:
        raise FaceError(
            f"a face was detected in {share:.0%} of {PICTURES} pictures of {name}, expected {MIN_FACE_SHARE:.0%} or "
            "more",
            "for other subjects use `faceloom direction discover`; --force fits attributes nevertheless",
        )
    return share


def measure_face_share(G: Generator, net: Mtcnn, count: int = PICTURES) -> float:
    """Return the share of generated pictures in which a large upright face is detected, 0...1."""
    return sum(shows_face(net, picture) for picture in _generate(G, count)) / count


def shows_face(net: Mtcnn, picture: Image.Image) -> bool:
    """Return whether a picture shows an upright face of at least MIN_FACE of its side."""
    resized = picture.resize((DETECTION_SIDE, DETECTION_SIDE), Image.Resampling.BICUBIC)
    faces = detect(net, resized, min_size=MIN_FACE * DETECTION_SIDE)
    return any(
        face.score >= UPRIGHT_SCORE and face.landmarks[:2, 1].mean() < face.landmarks[3:, 1].mean() for face in faces
    )


def _generate(G: Generator, count: int) -> list[Image.Image]:
    pictures = []
    for w in sample_faces(G, count, SEED):
        img = image_at(G, broadcast(w[None], G.num_ws), DETECTION_SIDE)
        pictures.append(Image.fromarray(to_pixel_list(to_rgb(img.float().clamp(-1, 1)).cpu())[0]))
    return pictures
