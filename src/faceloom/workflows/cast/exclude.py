"""Identities in photos of people that a cast stays away from. Only the identities are kept, and never written."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import torch
from torch import Tensor

from faceloom.errors import FaceError, ImageError, PlanError
from faceloom.images import open_photo
from faceloom.workflows.batch import list_files
from faceloom.workflows.studio import Studio

MAX_PHOTOS = 100_000


def read_excluded(studio: Studio, folders: Sequence[str]) -> Tensor:
    """Read the identity of the largest face of every photo in folders: `[n, 128]` of unit length.

    Raises StoreError for a folder that is missing or empty, PlanError for one without a face in any photo.
    """
    identities: list[Tensor] = []
    for folder in folders:
        photos = list_files(Path(folder))[:MAX_PHOTOS]
        found = [identity for photo in photos if (identity := _read(studio, photo)) is not None]
        if not found:
            raise PlanError(f"no photo in {folder} shows a face", "give the folder of the photos of people to avoid")
        identities += found
    return torch.cat(identities) if identities else torch.zeros(0, 128)


def _read(studio: Studio, path: Path) -> Tensor | None:
    """Return the identity `[1, 128]` in a photo, or None for a file that is no photo of a face."""
    try:
        return studio.identity(open_photo(path))
    except (FaceError, ImageError):
        return None
