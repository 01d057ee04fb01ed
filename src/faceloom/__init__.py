"""faceloom: a StyleGAN face studio that turns a photo into an editable face on an ordinary laptop.

`faceloom.Studio` does the main work, and every module below can be used alone. Names are imported when they are first
used, so that `import faceloom` is fast.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from faceloom._version import __version__

if TYPE_CHECKING:
    from faceloom.analyze.reading import Attributes as Attributes
    from faceloom.edit.film import save_film as save_film
    from faceloom.edit.search import SearchConfig as SearchConfig
    from faceloom.errors import Cancelled as Cancelled
    from faceloom.errors import FaceloomError as FaceloomError
    from faceloom.errors import NoFaceFound as NoFaceFound
    from faceloom.faces.detect import Face as Face
    from faceloom.images import Photo as Photo
    from faceloom.images import make_contact_sheet as make_contact_sheet
    from faceloom.images import open_photo as open_photo
    from faceloom.images import save_picture as save_picture
    from faceloom.invert.budget import EncodeConfig as EncodeConfig
    from faceloom.likeness import Likeness as Likeness
    from faceloom.workflows.cast.plan import Plan as Plan
    from faceloom.workflows.cast.run import cast as cast
    from faceloom.workflows.editing import EditResult as EditResult
    from faceloom.workflows.studio import AnalyzedFace as AnalyzedFace
    from faceloom.workflows.studio import Studio as Studio

__all__ = [
    "AnalyzedFace",
    "Attributes",
    "Cancelled",
    "EditResult",
    "EncodeConfig",
    "Face",
    "FaceloomError",
    "Likeness",
    "NoFaceFound",
    "Photo",
    "Plan",
    "SearchConfig",
    "Studio",
    "__version__",
    "cast",
    "make_contact_sheet",
    "open_photo",
    "save_film",
    "save_picture",
]

_MODULES = {
    "AnalyzedFace": "workflows.studio",
    "Attributes": "analyze.reading",
    "Cancelled": "errors",
    "EditResult": "workflows.editing",
    "EncodeConfig": "invert.budget",
    "Face": "faces.detect",
    "FaceloomError": "errors",
    "Likeness": "likeness",
    "NoFaceFound": "errors",
    "Photo": "images",
    "Plan": "workflows.cast.plan",
    "SearchConfig": "edit.search",
    "Studio": "workflows.studio",
    "cast": "workflows.cast.run",
    "make_contact_sheet": "images",
    "open_photo": "images",
    "save_film": "edit.film",
    "save_picture": "images",
}
"""The module of each public name."""


def __getattr__(name: str) -> Any:
    if name not in _MODULES:
        raise AttributeError(f"module 'faceloom' has no attribute '{name}'")
    from importlib import import_module

    return getattr(import_module(f"faceloom.{_MODULES[name]}"), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
