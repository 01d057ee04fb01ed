"""The paper of a booth: a strip of 2x6 inches and a print of 4x6 inches, drawn from pictures and a design."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFont, ImageOps

from faceloom.web.worker.messages import PrintDesign

PICTURES = 4  # pictures on a strip and on a sheet
DOTS_PER_INCH = 300
SHEET_SIZE = (1200, 1800)  # pixels: 4 x 6 inches
STRIP_SIZE = (600, 1800)  # pixels: 2 x 6 inches
MARGIN = 60  # pixels
GAP = 24  # pixels between pictures
STRIP_PICTURE = 396  # pixels of the side of a picture in a strip
MAX_NAME, MAX_DATE = 92, 46  # pixels of the largest letters of the event's name and of the date
MAX_HIDING = 40  # of 255: a frame that is more opaque hides the label
LABEL_HALF = 240  # pixels: half of the width of the ground of a label on a frame
MAX_EVENT_LETTERS = 40  # letters of the event's name that are printed
MIN_LABEL = 30  # pixels: 7 points, the smallest letters that are read easily on paper
MIN_CONTRAST = 4.5  # contrast of the label on the paper, as WCAG 2 asks of small text

Color = tuple[int, int, int]
Area = tuple[int, int, int, int]  # left, top, right, bottom in pixels


def draw_strip(pictures: Sequence[Image.Image], design: PrintDesign) -> Image.Image:
    """Draw a strip of 600 x 1800 pixels: the pictures below each other, and the captions."""
    strip = Image.new("RGB", STRIP_SIZE, design.paper)
    for number, picture in enumerate(pictures):
        y = GAP + number * (STRIP_PICTURE + GAP // 2)
        _paste(strip, picture, STRIP_PICTURE, (STRIP_SIZE[0] - STRIP_PICTURE) // 2, y)
    top = GAP + len(pictures) * (STRIP_PICTURE + GAP // 2)
    _draw_captions(strip, (GAP, top, STRIP_SIZE[0] - GAP, STRIP_SIZE[1] - GAP // 2), design)
    return strip


def draw_sheet(pictures: Sequence[Image.Image], main: int, design: PrintDesign) -> Image.Image:
    """Draw a sheet of 4x6 inches: upright (1200 x 1800 pixels) or lying (1800 x 1200), by the design's template.

    Upright, the picture with the index `main` is large and the others are below it; lying, all four are equally large.
    """
    draw = _draw_lying if design.template == "landscape" else _draw_upright
    return _add_frame(draw(pictures, main, design), design)


def _draw_upright(pictures: Sequence[Image.Image], main: int, design: PrintDesign) -> Image.Image:
    sheet = Image.new("RGB", SHEET_SIZE, design.paper)
    side = SHEET_SIZE[0] - 2 * MARGIN
    small = (side - 2 * GAP) // 3
    _paste(sheet, pictures[main], side, MARGIN, MARGIN)
    for number, other in enumerate([*pictures[:main], *pictures[main + 1 :]]):
        _paste(sheet, other, small, MARGIN + number * (small + GAP), MARGIN + side + GAP)
    top = MARGIN + side + GAP + small
    _draw_captions(sheet, (MARGIN, top + GAP // 2, SHEET_SIZE[0] - MARGIN, SHEET_SIZE[1] - MARGIN // 2), design)
    return sheet


def draw_family(parents: Sequence[Image.Image], children: Sequence[Image.Image], design: PrintDesign) -> Image.Image:
    """Draw a family portrait of 1800 x 1200 pixels: parents above, children below, captions at the right.

    Convention: two parents, one to six children.
    """
    height, width = SHEET_SIZE
    sheet = Image.new("RGB", (width, height), design.paper)
    room = width - 2 * MARGIN - 420  # pixels beside the captions
    large = min((room - GAP) // 2, (height - 2 * MARGIN - GAP) * 6 // 10)
    small = min((room - GAP * (len(children) - 1)) // len(children), height - 2 * MARGIN - GAP - large)
    for pictures, side, top in ((parents, large, MARGIN), (children, small, MARGIN + large + GAP)):
        left = MARGIN + (room - len(pictures) * side - (len(pictures) - 1) * GAP) // 2
        for number, picture in enumerate(pictures):
            _paste(sheet, picture, side, left + number * (side + GAP), top)
    _draw_captions(sheet, (MARGIN + room + GAP, MARGIN, width - MARGIN, height - MARGIN), design)
    return _add_frame(sheet, design)


def _draw_lying(pictures: Sequence[Image.Image], main: int, design: PrintDesign) -> Image.Image:
    height, width = SHEET_SIZE
    sheet = Image.new("RGB", (width, height), design.paper)
    side = (height - 2 * MARGIN - GAP) // 2
    for number, picture in enumerate(pictures):
        row, column = divmod(number, 2)
        _paste(sheet, picture, side, MARGIN + column * (side + GAP), MARGIN + row * (side + GAP))
    left = MARGIN + 2 * (side + GAP)
    _draw_captions(sheet, (left, MARGIN, width - MARGIN, height - MARGIN), design)
    return sheet


def _paste(sheet: Image.Image, picture: Image.Image, side: int, x: int, y: int) -> None:
    sheet.paste(picture.convert("RGB").resize((side, side), Image.Resampling.LANCZOS), (x, y))


def _draw_captions(sheet: Image.Image, area: Area, design: PrintDesign) -> None:
    """Draw the logo, the event's name, the date and the label into an area.

    The logo is above the texts in a tall area, and at their left in a wide one.
    """
    left, top, right, bottom = area
    is_tall = bottom - top > right - left
    bottom = _draw_label(sheet, area, design)
    if design.logo and is_tall:
        _paste_logo(sheet, Path(design.logo), (left, top, right, top + (bottom - top) // 3))
        top += (bottom - top) // 3 + GAP
    elif design.logo:
        _paste_logo(sheet, Path(design.logo), (left, top, left + (right - left) // 4, bottom))
        left += (right - left) // 4 + GAP
    _draw_texts(sheet, (left, top, right, bottom), design, is_tall=is_tall)


def _draw_label(sheet: Image.Image, area: Area, design: PrintDesign) -> int:
    """Draw the label at the bottom of an area, and return the y above it."""
    left, _, right, bottom = area
    if not design.label:
        return bottom
    font = _fitting_font(design.label, max(MIN_LABEL, sheet.width // 48), right - left)
    draw, y = ImageDraw.Draw(sheet), bottom - MIN_LABEL // 2
    draw.text(((left + right) // 2, y), design.label, font=font, fill=label_color(design), anchor="mm")
    return bottom - MIN_LABEL - GAP // 2


def _draw_texts(sheet: Image.Image, area: Area, design: PrintDesign, *, is_tall: bool) -> None:
    """Draw the event's name, a word a line in a tall area, and the date below each other in the middle of an area."""
    left, top, right, bottom = area
    name = design.event[:MAX_EVENT_LETTERS]
    lines = [(line, MAX_NAME) for line in (name.split() if is_tall else [name]) if line]
    lines += [(design.date, MAX_DATE)] if design.date else []
    if not lines:
        return
    height = min((bottom - top) // len(lines), round(1.3 * MAX_NAME))
    y = (top + bottom - height * len(lines)) // 2 + height // 2
    for line, size in lines:
        font = _fitting_font(line, min(round(0.78 * height), size), right - left)
        ImageDraw.Draw(sheet).text(((left + right) // 2, y), line, font=font, fill=design.ink, anchor="mm")
        y += height


def _fitting_font(text: str, size: int, width: int) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    """Return the font in the given size, or smaller where the text is wider than `width` pixels."""
    length = ImageFont.load_default(size).getbbox(text)[2]
    return ImageFont.load_default(size if length <= width else max(12, int(size * width / length)))


def _paste_logo(sheet: Image.Image, path: Path, area: Area) -> None:
    """Paste a picture into an area, with its transparency, as large as it fits."""
    left, top, right, bottom = area
    with Image.open(path) as opened:
        logo = ImageOps.contain(opened.convert("RGBA"), (right - left, bottom - top), Image.Resampling.LANCZOS)
    sheet.paste(logo, (left + (right - left - logo.width) // 2, top + (bottom - top - logo.height) // 2), logo)


def _add_frame(sheet: Image.Image, design: PrintDesign) -> Image.Image:
    """Lay the frame over the paper. A frame for the other template is turned by a quarter.

    The label is drawn again where the frame hides it.
    """
    if not design.frame:
        return sheet
    with Image.open(design.frame) as opened:
        frame = opened.convert("RGBA")
    if (frame.width > frame.height) != (sheet.width > sheet.height):
        frame = frame.transpose(Image.Transpose.ROTATE_90)
    frame = frame.resize(sheet.size, Image.Resampling.LANCZOS)
    area = (MARGIN, sheet.height - MARGIN - MIN_LABEL, sheet.width - MARGIN, sheet.height - MARGIN)
    is_hidden = np.asarray(frame.getchannel("A").crop(area)).max() > MAX_HIDING
    sheet.paste(frame, (0, 0), frame)
    if is_hidden and design.label:
        x0, y0, x1, y1 = area
        middle = sheet.width // 2
        ImageDraw.Draw(sheet).rectangle((middle - LABEL_HALF, y0 - 6, middle + LABEL_HALF, y1 + 6), fill=design.paper)
        _draw_label(sheet, (x0, y0, x1, y1), design)
    return sheet


def label_color(design: PrintDesign) -> Color:
    """Return the color of the label: the ink where it is legible on the paper, else black or white."""
    paper, ink = parse_color(design.paper), parse_color(design.ink)
    if contrast(ink, paper) >= MIN_CONTRAST:
        return ink
    return max(((0, 0, 0), (255, 255, 255)), key=lambda color: contrast(color, paper))


def parse_color(text: str) -> Color:
    """Return red, green and blue, 0...255, of a color written as #rrggbb."""
    return int(text[1:3], 16), int(text[3:5], 16), int(text[5:7], 16)


def contrast(one: Color, other: Color) -> float:
    """Return the contrast ratio of two colors, 1...21 (WCAG 2.2, relative luminance)."""
    high, low = sorted((_luminance(one), _luminance(other)), reverse=True)
    return (high + 0.05) / (low + 0.05)


def _luminance(color: Color) -> float:
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in (value / 255 for value in color)]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]
