"""Faces in photos: found, cut out as FFHQ's square, and put back. Knows pixels and the detector, no latents."""

from faceloom.faces.align import Aligned, Quad, align, ffhq_quad, quad_from_landmarks
from faceloom.faces.detect import Chosen, Face, Thresholds, choose, detect
from faceloom.faces.paste_back import paste_back

__all__ = [
    "Aligned",
    "Chosen",
    "Face",
    "Quad",
    "Thresholds",
    "align",
    "choose",
    "detect",
    "ffhq_quad",
    "paste_back",
    "quad_from_landmarks",
]
