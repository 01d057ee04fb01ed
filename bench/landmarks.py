"""Landmarks of aligned pictures, and the skin tone measured beside them."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from faceloom.checkpoints.load import load_mtcnn
from faceloom.faces.detect import detect

AVERAGE = np.array([(0.378, 0.478), (0.622, 0.478), (0.5, 0.615), (0.398, 0.727), (0.602, 0.727)])
"""Landmarks of a frontal face in an aligned picture, as fractions of its side."""

FACE_WIDTH, FACE_HEIGHT = 0.75, 0.95
"""Half axes of the ellipse of a face around the middle of eyes and mouth, in distances of the eyes."""

EYE_RADIUS, MOUTH_RADIUS = 0.32, 0.45
"""Radii of the discs of eyes and mouth, which are not skin, in distances of the eyes."""

CHEEK_DOWN, CHEEK_OUT, CHEEK_RADIUS = 0.62, 0.08, 0.11
"""Position of a cheek from the eye to the mouth's corner, and outward, and its radius, in distances of the eyes."""


def find_landmarks(pixels: NDArray[np.uint8]) -> NDArray[np.float64]:
    """Return the eyes, the tip of the nose and the corners of the mouth `[5, 2]` of the largest face, in pixels.

    A picture without a detected face gets the landmarks of an average one.
    """
    faces = detect(load_mtcnn(), Image.fromarray(pixels))
    return faces[0].landmarks if faces else AVERAGE * len(pixels)


def measure_skin_tone(pixels: NDArray[np.uint8], landmarks: NDArray[np.float64]) -> float:
    """Return the individual typology angle of both cheeks, in degrees, where the landmarks place them."""
    left, right, _, mouth_left, mouth_right = landmarks
    unit = float(np.linalg.norm(right - left))
    outward = (right - left) * CHEEK_OUT
    centers = (left + CHEEK_DOWN * (mouth_left - left) - outward, right + CHEEK_DOWN * (mouth_right - right) + outward)
    y, x = np.mgrid[: pixels.shape[0], : pixels.shape[1]] + 0.5
    is_cheek = np.any([np.hypot(x - cx, y - cy) < CHEEK_RADIUS * unit for cx, cy in centers], axis=0)
    return typology_angle(np.median(to_lab(pixels[is_cheek] / 255.0), axis=0))


def measure_face_color(pixels: NDArray[np.uint8], landmarks: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the median CIELAB color `[3]` of the face between the brows and the chin, without eyes and mouth."""
    left, right, _, mouth_left, mouth_right = landmarks
    unit = float(np.linalg.norm(right - left))
    across = (right - left) / unit
    down = np.array((-across[1], across[0]))
    middle = (left + right + mouth_left + mouth_right) / 4
    y, x = np.mgrid[: pixels.shape[0], : pixels.shape[1]] + 0.5
    offsets = np.stack((x - middle[0], y - middle[1]), -1)
    is_skin = np.hypot(offsets @ across / FACE_WIDTH, offsets @ down / FACE_HEIGHT) < unit
    for part, radius in ((left, EYE_RADIUS), (right, EYE_RADIUS), ((mouth_left + mouth_right) / 2, MOUTH_RADIUS)):
        is_skin &= np.hypot(x - part[0], y - part[1]) > radius * unit
    return np.asarray(np.median(to_lab(pixels[is_skin] / 255.0), axis=0))


def typology_angle(lab: NDArray[np.float64]) -> float:
    """Return the individual typology angle in degrees: arctan((L - 50) / b) of a CIELAB color (Chardon et al. 1991)."""
    lightness, _, yellow = lab
    return float(np.degrees(np.arctan2(lightness - 50, max(yellow, 1e-3))))


def to_lab(rgb: NDArray[np.float64]) -> NDArray[np.float64]:
    """Convert sRGB colors `[n, 3]`, 0...1, to CIELAB with the white of D65."""
    linear = np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)
    to_xyz = np.array([(0.4124, 0.3576, 0.1805), (0.2126, 0.7152, 0.0722), (0.0193, 0.1192, 0.9505)])
    xyz = linear @ to_xyz.T / (0.9505, 1.0, 1.089)
    x, y, z = np.where(xyz > (6 / 29) ** 3, np.cbrt(xyz), xyz / (3 * (6 / 29) ** 2) + 4 / 29).T
    return np.stack([116 * y - 16, 500 * (x - y), 200 * (y - z)], 1)
