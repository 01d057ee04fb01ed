"""What a visitor takes home on paper or on a phone: one picture, a strip, a 4x6 print, the photo with the edit in it.

Every one says in the file, and in small letters on it, that a model made it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from PIL import Image, ImageDraw, ImageFont

from faceloom.images import open_photo, save_picture
from faceloom.web.worker.previews import Atelier, Shown

INK, PAPER, FAINT = (32, 30, 28), (255, 255, 255), (120, 114, 108)
PRINT = (1200, 1800)  # pixels: 4 x 6 inches at 300 dots an inch
STRIP = (600, 1800)  # 2 x 6 inches
MARGIN = 60
LABEL = "AI-generated with faceloom"


def make(atelier: Atelier, args: Mapping[str, Any]) -> dict[str, Any]:
    """Make what was asked for and write it down; give its size."""
    who, form, path = Shown.of(args["shown"]), args["form"], Path(args["path"])
    if form == "paste_back":
        image = marked(atelier.paste_back(who, args["photo"]))
    else:
        picture = atelier.studio.render(atelier.seen(who))
        image = marked(picture) if form == "single" else _on_paper(form, picture, _steps(atelier, args), args["event"])
    with atelier.writing(who.folder):
        save_picture(image, path, ai_generated=True, composite=form != "single", description=LABEL)
    return {"width": image.width, "height": image.height}


def marked(image: Image.Image) -> Image.Image:
    """Write the label into the lower right corner, small and legible on anything."""
    image = image.copy()
    size = max(11, min(image.size) // 64)
    draw, font = ImageDraw.Draw(image, "RGBA"), ImageFont.load_default(size)
    x0, y0, x1, y1 = draw.textbbox((0, 0), LABEL, font=font)
    x, y = image.width - (x1 - x0) - size, image.height - (y1 - y0) - size
    draw.rectangle((x - size // 2, y - size // 2, image.width, image.height), fill=(0, 0, 0, 110))
    draw.text((x - x0, y - y0), LABEL, font=font, fill=(255, 255, 255, 235))
    return image


def _steps(atelier: Atelier, args: Mapping[str, Any]) -> list[Image.Image]:
    """The photo's crop, where there is one, and the steps on the way to the picture."""
    who = Shown.of(args["shown"])
    crop = Path(who.folder) / f"{who.person}.jpg"
    crops = [open_photo(crop).image] if crop.is_file() else []
    return crops + [atelier.draw_shown(Shown.of(step), 512) for step in args["strip"]]


def _on_paper(form: str, picture: Image.Image, steps: Sequence[Image.Image], event: str) -> Image.Image:
    if form == "strip":
        return _strip([*steps[:1], *steps[1:][-1:], picture], event)
    sheet = Image.new("RGB", PRINT, PAPER)
    side, gap = PRINT[0] - 2 * MARGIN, MARGIN // 2
    _place(sheet, picture, side, MARGIN, MARGIN)
    small = (side - 2 * gap) // 3
    row = [*steps[:1], *steps[1:][-2:]]
    left = (PRINT[0] - len(row) * (small + gap) + gap) // 2
    for number, step in enumerate(row):
        _place(sheet, step, small, left + number * (small + gap), side + 2 * MARGIN)
    _caption(sheet, event)
    return sheet


def _strip(pictures: Sequence[Image.Image], event: str) -> Image.Image:
    sheet, gap = Image.new("RGB", STRIP, PAPER), MARGIN // 2
    side = 520
    for number, picture in enumerate(pictures):
        _place(sheet, picture, side, (STRIP[0] - side) // 2, gap + number * (side + gap))
    _caption(sheet, event)
    return sheet


def _place(sheet: Image.Image, picture: Image.Image, side: int, x: int, y: int) -> None:
    sheet.paste(picture.resize((side, side), Image.Resampling.LANCZOS), (x, y))


def _caption(sheet: Image.Image, event: str) -> None:
    draw = ImageDraw.Draw(sheet)
    large, small = ImageFont.load_default(sheet.width // 22), ImageFont.load_default(sheet.width // 48)
    draw.text((sheet.width // 2, sheet.height - 80), event[:40], font=large, fill=INK, anchor="mm")
    draw.text((sheet.width // 2, sheet.height - 34), LABEL, font=small, fill=FAINT, anchor="mm")
