"""Test of aligned face crops with the real detector, on the portraits published with it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from faceloom.assets import open_asset
from faceloom.datasets import Dataset, MakeConfig, make
from faceloom.faces.detect import detect
from tests.datasets.picture_files import make_folder, make_picture


@pytest.mark.models
def test_faces_are_aligned(tmp_path: Path):
    from PIL import Image

    from faceloom.checkpoints.load import load_mtcnn

    portraits = open_asset("portraits")
    files = {name: (portraits / name).read_bytes() for name in ("astronaut.png", "obama.jpg")}
    made = make(
        make_folder(tmp_path / "p", files | {"no_face.png": make_picture(1, (200, 200))}),
        tmp_path / "d.zip",
        MakeConfig((128, 128), "face"),
    )
    assert (made.written, made.skipped) == (2, [("no_face.png", "no face found")])
    net = load_mtcnn()
    for pixels, _ in (Dataset.open(tmp_path / "d.zip")[i] for i in range(2)):
        eyes = detect(net, Image.fromarray(pixels))[0].landmarks[:2]
        np.testing.assert_allclose(eyes / 128, [[0.38, 0.48], [0.62, 0.48]], atol=0.05)
