"""Messages of tasks that encode a face and improve the likeness."""

from __future__ import annotations

from dataclasses import dataclass

from faceloom.store.models import Quality, Slider
from faceloom.web.worker.messages.base import Task


@dataclass(frozen=True)
class PersonFacts:
    """Facts about a new base that the booth stores: quality, attributes, sliders, and the seconds of encoding."""

    quality: Quality
    traits: dict[str, float]
    sliders: tuple[Slider, ...]
    seconds: float


@dataclass(frozen=True)
class EncodeProgress:
    """Progress of an encoding. With `crop`, the aligned crop was just written, and nothing else is set."""

    crop: bool = False
    seconds: float = 0.0
    seconds_left: float = 0.0
    identity: float | None = None
    jpeg: bytes = b""


@dataclass(frozen=True)
class Encode(Task[PersonFacts]):
    """Encode one face of a stored photo within `seconds`. Reports EncodeProgress."""

    folder: str
    photo: str
    face: int
    person: str
    seconds: float


@dataclass(frozen=True)
class Improved:
    """The quality after a slice of improvement, and the seconds that it took."""

    quality: Quality
    seconds: float


@dataclass(frozen=True)
class Improve(Task[Improved]):
    """Continue pivotal tuning for `seconds`; the latent code stays."""

    folder: str
    photo: str
    person: str
    seconds: float
