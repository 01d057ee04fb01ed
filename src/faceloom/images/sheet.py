"""Contact sheets: several pictures in a grid, with captions."""

from __future__ import annotations

from collections.abc import Sequence

from PIL import Image, ImageDraw, ImageFont, ImageOps

from faceloom.errors import ImageError
from faceloom.images.channels import GRAY16, RGB, RGBA, convert, show
from faceloom.images.tensors import Picture, to_photo

BACKGROUND_COLOR = (250, 250, 248)
TEXT_COLOR = (40, 40, 44)


def make_contact_sheet(
    pictures: Sequence[Picture], columns: int, size: int, labels: Sequence[str] | None = None
) -> Image.Image:
    """Arrange pictures in rows of `columns`, each fitted into `size` x `size` pixels, with captions below.

    Convention: transparent pictures are shown on a checkerboard. One label per picture; a label wider than its picture
    is shortened with an ellipsis.
    Raises ImageError without pictures, or when the numbers of labels and pictures differ.
    """
    if not pictures or columns < 1 or size < 1 or (labels is not None and len(labels) != len(pictures)):
        label_count = "no" if labels is None else len(labels)
        raise ImageError(
            f"cannot lay out {len(pictures)} pictures with {label_count} labels in {columns} columns of {size} px",
            "give at least one picture, and one label per picture or none",
        )
    gap = max(2, size // 32)
    font = ImageFont.load_default(size=max(9, size // 14))
    caption = round(font.getbbox("Ág")[3] * 1.3) if labels else 0
    columns = min(columns, len(pictures))
    rows = -(-len(pictures) // columns)
    sheet = Image.new("RGB", (gap + columns * (size + gap), gap + rows * (size + caption + gap)), BACKGROUND_COLOR)
    for i, picture in enumerate(pictures):
        x, y = gap + i % columns * (size + gap), gap + i // columns * (size + caption + gap)
        fitted = show(ImageOps.contain(_to_resizable(picture), (size, size), Image.Resampling.LANCZOS))
        sheet.paste(fitted, (x + (size - fitted.width) // 2, y + (size - fitted.height) // 2))
        if labels:
            text = _shorten(labels[i], font, size)
            ImageDraw.Draw(sheet).text((x + size / 2, y + size + caption * 0.45), text, TEXT_COLOR, font, anchor="mm")
    return sheet


def _to_resizable(picture: Picture) -> Image.Image:
    """Return a picture as RGBA if it is transparent, else as RGB."""
    if isinstance(picture, Image.Image) and picture.mode == GRAY16.mode:
        return convert(picture, RGB)
    return picture if isinstance(picture, Image.Image) and picture.mode == RGBA.mode else to_photo(picture)


def _shorten(label: str, font: ImageFont.FreeTypeFont | ImageFont.ImageFont, width: int) -> str:
    label = " ".join(label.split())
    if font.getlength(label) <= width:
        return label
    while label and font.getlength(label + "…") > width:
        label = label[:-1]
    return label + "…"
