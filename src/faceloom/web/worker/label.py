"""The visible label, which tells everyone who looks at a picture that it is AI-generated."""

from __future__ import annotations

from PIL import Image, ImageDraw, ImageFont

from faceloom.web.worker.messages import VisibleLabel

MIN_LETTERS = 11  # pixels of the height of the letters
PART = 64  # the letters' height is this part of the picture's shorter side
MARGIN = 0.5  # around the text, in heights of the letters


def add_label(image: Image.Image, label: VisibleLabel) -> Image.Image:
    """Return a copy of a picture with the label in a corner, legible on any background, unless it is not shown."""
    image = image.copy()
    if not label.shown:
        return image
    size = max(MIN_LETTERS, min(image.size) // PART)
    draw, font = ImageDraw.Draw(image, "RGBA"), ImageFont.load_default(size)
    x0, y0, x1, y1 = draw.textbbox((0, 0), label.text, font=font)
    margin = round(MARGIN * size)
    width, height = x1 - x0 + 2 * margin, y1 - y0 + 2 * margin
    left = 0 if label.place.endswith("left") else image.width - width
    top = 0 if label.place.startswith("top") else image.height - height
    draw.rectangle((left, top, left + width - 1, top + height - 1), fill=(0, 0, 0, 110))
    draw.text((left + margin - x0, top + margin - y0), label.text, font=font, fill=(255, 255, 255, 235))
    return image
