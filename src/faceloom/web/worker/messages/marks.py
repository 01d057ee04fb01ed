"""Messages of the verification of marks."""

from __future__ import annotations

from dataclasses import dataclass

from faceloom.web.worker.messages.base import Task


@dataclass(frozen=True)
class VerifiedLayer:
    """One layer of marks in a file: its state, and a sentence about it."""

    name: str
    state: str
    detail: str


@dataclass(frozen=True)
class Verified:
    """The marks in a file: the verdict, its layers, and what they say about the making; '' where they do not."""

    verdict: str
    layers: tuple[VerifiedLayer, ...]
    kind: str
    generator: str
    day: str


@dataclass(frozen=True)
class VerifyUpload(Task[Verified]):
    """Read the marks of a picture, film, sound or likeness. The file is not stored."""

    data: bytes
