"""Contact sheets."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from faceloom.errors import ImageError
from faceloom.images import make_contact_sheet, to_img


def test_rows_and_columns() -> None:
    colors = [(250, 0, 0), (0, 250, 0), (0, 0, 250)]
    pictures = [Image.new("RGB", (50, 50), color) for color in colors]
    sheet = make_contact_sheet([pictures[0], np.asarray(pictures[1]), to_img(pictures[2])], columns=2, size=64)
    gap = (sheet.width - 128) // 3
    assert sheet.size == (128 + 3 * gap, 128 + 3 * gap)
    for (x, y), color in zip([(0, 0), (1, 0), (0, 1)], colors, strict=True):
        assert sheet.getpixel((gap + x * (64 + gap) + 32, gap + y * (64 + gap) + 32)) == color


def test_captions() -> None:
    pictures = [Image.new("RGB", (30, 60))] * 4
    plain = make_contact_sheet(pictures, 9, 100)
    labeled = make_contact_sheet(pictures, 9, 100, ["a", "Größe", "x" * 300, ""])
    assert labeled.width == plain.width
    assert labeled.height > plain.height
    below = np.asarray(labeled)[-12:]
    assert below.min() < 120
    assert (np.asarray(labeled)[:, -3:] == np.asarray(labeled)[0, 0]).all()


def test_invalid_sheets() -> None:
    with pytest.raises(ImageError, match="0 pictures"):
        make_contact_sheet([], 3, 64)
    with pytest.raises(ImageError, match="2 labels"):
        make_contact_sheet([Image.new("RGB", (9, 9))], 3, 64, ["a", "b"])
