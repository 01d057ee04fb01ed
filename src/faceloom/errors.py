"""The errors that faceloom raises.

```
FaceloomError
├── FaceError
│   ├── NoFaceFound
│   ├── SeveralFaces
│   └── FaceTooSmall
├── ImageError
├── SoundError
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
├── Cancelled
├── EngineError
├── PlanError
└── MissingExtra
```

A message says what happened, with the actual and the expected value; the hint says what to do next.
"""

from __future__ import annotations

import re


class FaceloomError(Exception):
    """Base class of all errors of faceloom. Never raised itself."""

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint

    @property
    def code(self) -> str:
        """The class name in snake case, a stable identifier for programs."""
        return re.sub(r"(?<!^)(?=[A-Z])", "_", type(self).__name__).lower()

    def __str__(self) -> str:
        return f"{self.message} ({self.hint})" if self.hint else self.message


class FaceError(FaceloomError):
    """Raised when the faces in a photo do not fit the request. Subclasses name the common cases."""


class NoFaceFound(FaceError):
    """Raised when no face is detected in a photo, upright or rotated."""


class SeveralFaces(FaceError):
    """Raised when a photo holds several faces and the request does not choose one."""


class FaceTooSmall(FaceError):
    """Raised when a detected face has too few pixels to be aligned or encoded."""


class ImageError(FaceloomError):
    """Raised when a picture or film cannot be opened, exceeds a limit, or cannot be saved in the requested format."""


class SoundError(FaceloomError):
    """Raised when a sound cannot be opened, is silent or too long, or does not fit the settings of a spectrogram."""


class ShapeError(FaceloomError, ValueError):
    """Raised when a tensor or array has another shape than the function expects."""


class CheckpointError(FaceloomError):
    """Raised when a weight file cannot be used or an export is not exact enough. Subclasses name the common cases."""


class UnknownFormat(CheckpointError):
    """Raised when a weight file has an unsupported format, network family or variant."""


class WrongShape(CheckpointError):
    """Raised when a weight file lacks a tensor, or holds one that is unknown or of another shape than the network."""


class UnsafePickle(CheckpointError):
    """Raised when a pickle refers to a name that is not on the list of harmless names."""


class CorruptFile(CheckpointError):
    """Raised when a weight, likeness or direction file is damaged, truncated, or holds values that are not finite."""


class LatentError(FaceloomError):
    """Raised when a latent, likeness or direction cannot be used, or belongs to another generator."""


class AssetError(FaceloomError):
    """Raised when a model is unknown, cannot be pulled, is not installed, or differs from its pinned sha256."""


class StoreError(FaceloomError):
    """Raised when a file or folder of the user cannot be read or written."""


class TrainingError(FaceloomError):
    """Raised when a training run cannot start or continue."""


class Cancelled(FaceloomError):
    """Raised inside long work to cancel it. Optimization keeps the best result so far."""


class EngineError(FaceloomError):
    """Raised when an engine does not support the requested operation, or is not available on this machine."""


class PlanError(FaceloomError):
    """Raised when the plan of a cast contradicts itself, or asks for people that the generator cannot draw."""


class MissingExtra(FaceloomError):
    """Raised when an optional library is needed and not installed."""

    def __init__(self, feature: str, extra: str) -> None:
        super().__init__(f"{feature} needs the extra '{extra}'", f"pip install 'faceloom[{extra}]'")
