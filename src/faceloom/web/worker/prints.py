"""Handler that makes pictures for the visitor: a single picture, a strip, a 4x6 print, or the photo with the edit.

Each is labeled as AI-generated, in small letters in the picture and in the file's metadata.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from PIL import Image, ImageDraw, ImageFont

from faceloom.images import open_photo, save_picture
from faceloom.web.worker.context import TaskContext
from faceloom.web.worker.messages import MakePrint, PersonRef, PrintForm, PrintSize
from faceloom.web.worker.state import WorkerState

TEXT_COLOR, PAPER_COLOR, LABEL_COLOR = (32, 30, 28), (255, 255, 255), (120, 114, 108)
SHEET_SIZE = (1200, 1800)  # pixels: 4 x 6 inches at 300 dots per inch
STRIP_SIZE = (600, 1800)  # pixels: 2 x 6 inches at 300 dots per inch
STRIP_PICTURE = 520  # pixels of the side of a picture in a strip
STEP_SIZE = 512  # pixels of the side at which the steps of a sheet or strip are drawn
MARGIN = 60  # pixels
MAX_EVENT_LETTERS = 40  # letters of the event's name that are printed
LABEL = "AI-generated with faceloom"


def make_print(state: WorkerState, task: MakePrint, context: TaskContext) -> PrintSize:
    """Write the picture to `task.path` and return its size."""
    image = _compose(state, task)
    with state.erased.writing(task.person.folder):
        save_picture(image, Path(task.path), ai_generated=True, composite=task.form != "single", description=LABEL)
    return PrintSize(image.width, image.height)


def add_label(image: Image.Image) -> Image.Image:
    """Return a copy of a picture with the label in its lower right corner, legible on any background."""
    image = image.copy()
    size = max(11, min(image.size) // 64)
    draw, font = ImageDraw.Draw(image, "RGBA"), ImageFont.load_default(size)
    x0, y0, x1, y1 = draw.textbbox((0, 0), LABEL, font=font)
    x, y = image.width - (x1 - x0) - size, image.height - (y1 - y0) - size
    draw.rectangle((x - size // 2, y - size // 2, image.width, image.height), fill=(0, 0, 0, 110))
    draw.text((x - x0, y - y0), LABEL, font=font, fill=(255, 255, 255, 235))
    return image


def _compose(state: WorkerState, task: MakePrint) -> Image.Image:
    if task.form == "paste_back":
        photo = open_photo(Path(task.person.folder) / (task.photo or ""))
        return add_label(state.studio.paste_back(state.load(task.person), photo))
    picture = state.studio.render(state.load(task.person))
    if task.form == "single":
        return add_label(picture)
    return _draw_paper(task.form, picture, _draw_steps(state, task.person, task.steps), task.event)


def _draw_steps(state: WorkerState, person: PersonRef, steps: Sequence[PersonRef]) -> list[Image.Image]:
    """Return the crop of the photo, if there is one, and the pictures of the steps."""
    path = Path(person.folder) / f"{person.person}.jpg"
    crops = [open_photo(path).image] if path.is_file() else []
    return crops + [state.draw(step, STEP_SIZE) for step in steps]


def _draw_paper(form: PrintForm, picture: Image.Image, steps: Sequence[Image.Image], event: str) -> Image.Image:
    """Draw a strip (first step, last step, picture) or a sheet (the picture large, up to three steps below it)."""
    if form == "strip":
        return _draw_strip([*steps[:1], *steps[1:][-1:], picture], event)
    return _draw_sheet(picture, [*steps[:1], *steps[1:][-2:]], event)


def _draw_sheet(picture: Image.Image, steps: Sequence[Image.Image], event: str) -> Image.Image:
    sheet = Image.new("RGB", SHEET_SIZE, PAPER_COLOR)
    side, gap = SHEET_SIZE[0] - 2 * MARGIN, MARGIN // 2
    _paste(sheet, picture, side, MARGIN, MARGIN)
    small = (side - 2 * gap) // 3
    left = (SHEET_SIZE[0] - len(steps) * (small + gap) + gap) // 2
    for number, step in enumerate(steps):
        _paste(sheet, step, small, left + number * (small + gap), side + 2 * MARGIN)
    _write_captions(sheet, event)
    return sheet


def _draw_strip(pictures: Sequence[Image.Image], event: str) -> Image.Image:
    strip, gap = Image.new("RGB", STRIP_SIZE, PAPER_COLOR), MARGIN // 2
    for number, picture in enumerate(pictures):
        y = gap + number * (STRIP_PICTURE + gap)
        _paste(strip, picture, STRIP_PICTURE, (STRIP_SIZE[0] - STRIP_PICTURE) // 2, y)
    _write_captions(strip, event)
    return strip


def _paste(sheet: Image.Image, picture: Image.Image, side: int, x: int, y: int) -> None:
    sheet.paste(picture.resize((side, side), Image.Resampling.LANCZOS), (x, y))


def _write_captions(sheet: Image.Image, event: str) -> None:
    """Write the event's name and the label at the bottom."""
    draw, x = ImageDraw.Draw(sheet), sheet.width // 2
    large, small = ImageFont.load_default(sheet.width // 22), ImageFont.load_default(sheet.width // 48)
    draw.text((x, sheet.height - 80), event[:MAX_EVENT_LETTERS], font=large, fill=TEXT_COLOR, anchor="mm")
    draw.text((x, sheet.height - 34), LABEL, font=small, fill=LABEL_COLOR, anchor="mm")
