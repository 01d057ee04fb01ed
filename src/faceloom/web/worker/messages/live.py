"""Messages of the live mirror."""

from __future__ import annotations

from dataclasses import dataclass, field

from faceloom.web.worker.messages.base import AttributeValues, PersonRef, Task


@dataclass(frozen=True)
class Look:
    """A person as the mirror shows them: `years` older or younger, mixed with a friend (`mix` 1 is the friend).

    The person was edited to the values `anchor`.
    """

    person: PersonRef
    anchor: AttributeValues = field(default_factory=dict)
    years: float = 0.0
    friend: PersonRef | None = None
    mix: float = 1.0


@dataclass(frozen=True)
class LivePicture:
    """A picture of the mirror as JPEG, and whether a face was seen in the camera's frame."""

    jpeg: bytes
    has_face: bool


@dataclass(frozen=True)
class DrawLive(Task[LivePicture]):
    """Draw a person with the pose, smile, lips, eyes and brows of a camera's frame, which is not stored.

    `viewer` names the stream whose motion is smoothed: the visit. `ahead` asks for the picture of the frame before,
    which is drawn while this frame is read.
    """

    viewer: str
    look: Look
    frame: bytes
    size: int
    ahead: bool = False
