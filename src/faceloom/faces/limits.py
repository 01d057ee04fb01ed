"""Limits on the size of a face. Imports no torch, so that the web server can use them without loading it."""

from __future__ import annotations

MIN_FACE_PIXELS = 40  # pixels; a smaller face has too little detail to encode
SMALL_FACE_PIXELS = 100  # pixels; a warning is given below this size
