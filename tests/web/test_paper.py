"""The paper of the booth: always four different pictures, and a legible label."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from PIL import Image

from faceloom.web.worker import paper
from faceloom.web.worker.messages import PrintDesign

COLORS = ("red", "green", "blue", "yellow")
PICTURES = [Image.new("RGB", (64, 64), color) for color in COLORS]


def colors_of(image: Image.Image) -> set[tuple[int, int, int]]:
    """Return the colors of a paper that cover at least a hundredth of it."""
    counts = image.getcolors(image.width * image.height)
    return {color for count, color in counts if count > 0.01 * image.width * image.height}


def pixels_of(color: str) -> tuple[int, int, int]:
    return Image.new("RGB", (1, 1), color).getpixel((0, 0))


@pytest.mark.parametrize("template", ["portrait", "landscape"])
def test_a_sheet_shows_every_picture(template):
    sheet = paper.draw_sheet(PICTURES, 2, PrintDesign(event="Party", template=template))
    assert sheet.size == ((1800, 1200) if template == "landscape" else (1200, 1800))
    assert {pixels_of(color) for color in COLORS} <= colors_of(sheet)


def test_a_strip_shows_every_picture_in_order():
    strip = paper.draw_strip(PICTURES, PrintDesign(event="Party", date="27 November 2026"))
    column = [strip.getpixel((300, y)) for y in range(strip.height)]
    seen = [color for color, _ in itertools.groupby(column) if color in {pixels_of(name) for name in COLORS}]
    assert seen == [pixels_of(color) for color in COLORS]


@pytest.mark.parametrize(
    "design", [PrintDesign(), PrintDesign(paper="#10243f", ink="#f3d9a0"), PrintDesign(ink="#fefefe")]
)
def test_the_label_is_legible_on_every_paper(design):
    assert paper.contrast(paper.label_color(design), paper.parse_color(design.paper)) >= paper.MIN_CONTRAST
    sheet = paper.draw_sheet(PICTURES, 0, design)
    foot = np.asarray(sheet.crop((0, sheet.height - 100, sheet.width, sheet.height))).reshape(-1, 3)
    assert len(np.unique(foot, axis=0)) > 2  # letters are drawn there


def test_a_frame_lies_over_the_paper_and_leaves_the_label(tmp_path):
    frame = Image.new("RGBA", (120, 180), (0, 0, 255, 255))
    frame.paste((0, 0, 0, 0), (20, 20, 100, 150))
    frame.save(tmp_path / "frame.png")
    Image.new("RGBA", (50, 20), (255, 0, 255, 255)).save(tmp_path / "logo.png")
    design = PrintDesign(
        event="A long name of an event", logo=str(tmp_path / "logo.png"), frame=str(tmp_path / "frame.png")
    )
    sheet = paper.draw_sheet(PICTURES, 0, design)
    assert sheet.getpixel((5, 900)) == (0, 0, 255)
    label = np.asarray(sheet.crop((400, 1700, 800, 1745))).reshape(-1, 3)
    assert {(255, 255, 255), (32, 30, 28)} <= {tuple(map(int, color)) for color in np.unique(label, axis=0)}


def test_long_words_stay_on_the_paper():
    strip = paper.draw_strip(PICTURES, PrintDesign(event="W" * 60, date="27 November 2026"))
    edges = np.asarray(strip)[1640:, [0, 1, -2, -1]]
    assert (edges == 255).all()
