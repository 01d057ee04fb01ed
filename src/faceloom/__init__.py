"""faceloom: the StyleGAN face studio. From a photo to a controlled face, on an ordinary laptop.

`faceloom.Studio` does the main job; every module below it can be used alone. Nothing heavy is imported until asked for.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from faceloom._version import __version__

if TYPE_CHECKING:
    from faceloom.errors import FaceloomError as FaceloomError
    from faceloom.images import open_photo as open_photo
    from faceloom.workflows.studio import Studio as Studio

__all__ = ["FaceloomError", "Studio", "__version__", "open_photo"]

_HOMES = {"FaceloomError": "faceloom.errors", "Studio": "faceloom.workflows.studio", "open_photo": "faceloom.images"}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'faceloom' has no attribute '{name}'")
    from importlib import import_module

    return getattr(import_module(_HOMES[name]), name)
