"""Every error that faceloom raises on purpose.

FaceloomError
├── FaceError
│   ├── NoFaceFound
│   ├── SeveralFaces
│   └── FaceTooSmall
├── ImageError
├── ShapeError
├── CheckpointError
│   ├── UnknownFormat
│   ├── WrongShape
│   ├── UnsafePickle
│   └── CorruptFile
├── LatentError
├── AssetError
├── StoreError
├── TrainingError
├── EngineError
└── MissingExtra

A message says what happened and what was expected; the hint says what to do next.
"""

from __future__ import annotations

import re


class FaceloomError(Exception):
    """Catch this one to catch them all."""

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint

    @property
    def code(self) -> str:
        """The class's name in snake case, stable for programs that read it."""
        return re.sub(r"(?<!^)(?=[A-Z])", "_", type(self).__name__).lower()

    def __str__(self) -> str:
        return f"{self.message} ({self.hint})" if self.hint else self.message


class FaceError(FaceloomError):
    """The faces in a photo are not what the request needs."""


class NoFaceFound(FaceError):
    """No face in the photo, upright or turned."""


class SeveralFaces(FaceError):
    """The photo holds several faces and the request does not say which."""


class FaceTooSmall(FaceError):
    """The face has too few pixels to work with."""


class ImageError(FaceloomError):
    """A file is no picture that faceloom reads, or one that it refuses."""


class ShapeError(FaceloomError, ValueError):
    """A tensor has another shape than its name promises."""


class CheckpointError(FaceloomError):
    """A weight file cannot be used."""


class UnknownFormat(CheckpointError):
    """The file is of no family that faceloom knows."""


class WrongShape(CheckpointError):
    """A tensor is missing, left over, or of another shape than the network needs."""


class UnsafePickle(CheckpointError):
    """The pickle asks for something that is not on the list of harmless names."""


class CorruptFile(CheckpointError):
    """The file is damaged or cut short."""


class LatentError(FaceloomError):
    """A latent, likeness or direction cannot be used, or belongs to another generator."""


class AssetError(FaceloomError):
    """A third-party model file cannot be had, or is not the one that was pinned."""


class StoreError(FaceloomError):
    """A file of the user's cannot be written or read."""


class TrainingError(FaceloomError):
    """A training run cannot start or go on."""


class Cancelled(FaceloomError):
    """Raised inside long work when it is to be canceled; the best result so far is kept where there is one."""


class EngineError(FaceloomError):
    """An engine cannot do what is asked of it, or not on this machine."""


class MissingExtra(FaceloomError):
    """An optional library is needed and not installed."""

    def __init__(self, what: str, extra: str) -> None:
        super().__init__(f"{what} needs the extra '{extra}'", f"pip install 'faceloom[{extra}]'")
