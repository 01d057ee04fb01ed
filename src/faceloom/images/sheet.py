"""Contact sheets: many pictures on one page, with captions. Knows pictures only, not what they show."""

from __future__ import annotations

from collections.abc import Sequence

from PIL import Image, ImageDraw, ImageFont, ImageOps

from faceloom.errors import ImageError
from faceloom.images.tensors import Picture, as_photo

PAPER = (250, 250, 248)
INK = (40, 40, 44)


def contact_sheet(
    pictures: Sequence[Picture], columns: int, size: int, labels: Sequence[str] | None = None
) -> Image.Image:
    """Lay pictures out in rows of `columns`, each fitted into `size` x `size` pixels, captions below.

    Convention: one label a picture; a label too wide for its picture is cut with an ellipsis.
    Raises ImageError without pictures, or when labels and pictures do not match.
    """
    if not pictures or columns < 1 or size < 1 or (labels is not None and len(labels) != len(pictures)):
        given = "no" if labels is None else len(labels)
        raise ImageError(f"no sheet of {len(pictures)} pictures with {given} labels in {columns} columns of {size} px")
    gap = max(2, size // 32)
    font = ImageFont.load_default(size=max(9, size // 14))
    caption = round(font.getbbox("Ág")[3] * 1.3) if labels else 0
    columns = min(columns, len(pictures))
    rows = -(-len(pictures) // columns)
    sheet = Image.new("RGB", (gap + columns * (size + gap), gap + rows * (size + caption + gap)), PAPER)
    for i, picture in enumerate(pictures):
        x, y = gap + i % columns * (size + gap), gap + i // columns * (size + caption + gap)
        fitted = ImageOps.contain(as_photo(picture), (size, size), Image.Resampling.LANCZOS)
        sheet.paste(fitted, (x + (size - fitted.width) // 2, y + (size - fitted.height) // 2))
        if labels:
            text = _shortened(labels[i], font, size)
            ImageDraw.Draw(sheet).text((x + size / 2, y + size + caption * 0.45), text, INK, font, anchor="mm")
    return sheet


def _shortened(label: str, font: ImageFont.FreeTypeFont | ImageFont.ImageFont, width: int) -> str:
    label = " ".join(label.split())
    if font.getlength(label) <= width:
        return label
    while label and font.getlength(label + "…") > width:
        label = label[:-1]
    return label + "…"
