"""Fixtures of the face tests: the real detector and real portraits."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from PIL import Image

from faceloom.images import open_photo
from faceloom.networks.mtcnn import Mtcnn


@pytest.fixture(scope="session")
def mtcnn() -> Mtcnn:
    """The detector with the published weights."""
    from faceloom.checkpoints.load import load_mtcnn

    return load_mtcnn()


@pytest.fixture(scope="session")
def portrait() -> Callable[[str], Image.Image]:
    """Open a sample portrait by its name."""
    from faceloom.assets import open_asset

    folder = open_asset("portraits")
    return lambda name: open_photo(next(folder.glob(f"{name}.*"))).image
