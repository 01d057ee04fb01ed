"""Handler that makes pictures for the visitor: a single picture, a strip, a 4x6 print, or the photo with the edit.

Each is labeled as AI-generated, in the picture and in the file's metadata. A strip and a 4x6 print always
show four pictures, and no picture twice.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
from PIL import Image

from faceloom.analyze.light import in_one_light, mean_light, read_light
from faceloom.images import open_photo, save_picture, to_img, to_pixel_list
from faceloom.web.worker.context import TaskContext
from faceloom.web.worker.label import add_label
from faceloom.web.worker.messages import MAIN_PLACE, MakeFamily, MakePrint, PrintSize, PrintStep
from faceloom.web.worker.paper import PICTURES, draw_family, draw_sheet, draw_strip
from faceloom.web.worker.previews import predict_person
from faceloom.web.worker.state import WorkerState

STEP_SIZE = 512  # pixels of the side at which the pictures beside the main one are drawn
FAMILY_SIZE = 640  # pixels of the side at which the people of a family portrait are drawn
CLOSE_UP = 0.62  # part of a picture's side that a close-up shows
COMPARED_SIDE = 64  # pixels of the side at which two pictures are compared
SAME_PICTURE = 2.0  # levels of 255: pictures that differ by less on average are the same picture to a visitor

Placed = tuple[float, Image.Image]
"""A picture and its place on the paper."""


def make_print(state: WorkerState, task: MakePrint, context: TaskContext) -> PrintSize:
    """Write the picture to `task.path` and return its size."""
    image, origin = _compose(state, task), state.load_drawn(task.person).made_by
    is_composite, text = task.form != "single", task.label.text
    with state.erased.writing(task.person.folder):
        save_picture(image, Path(task.path), ai_generated=True, composite=is_composite, description=text, origin=origin)
    return PrintSize(image.width, image.height)


def make_family(state: WorkerState, task: MakeFamily, context: TaskContext) -> PrintSize:
    """Write a family portrait in one light to `task.path` and return its size. Everyone keeps their own skin tone."""
    pictures = []
    for person in (*task.parents, *task.children):
        context.check_cancelled()
        pictures.append(state.draw(person, FAMILY_SIZE))
    pictures = _in_light_of_parents(pictures)
    image = draw_family(pictures[:2], pictures[2:], task.design)
    with state.erased.writing(task.children[0].folder):
        save_picture(
            image,
            Path(task.path),
            ai_generated=True,
            composite=True,
            description=task.design.label,
            origin=state.load_drawn(task.parents[0]).made_by,
        )
    return PrintSize(image.width, image.height)


def _in_light_of_parents(pictures: list[Image.Image]) -> list[Image.Image]:
    """Return the pictures of a family, the two parents first, in the mean light of the parents."""
    imgs = to_img(pictures)
    lights = read_light(imgs)
    return [Image.fromarray(pixels) for pixels in to_pixel_list(in_one_light(imgs, lights, mean_light(lights[:2])))]


def _compose(state: WorkerState, task: MakePrint) -> Image.Image:
    if task.form == "paste_back":
        photo = open_photo(Path(task.person.folder) / (task.photo or ""))
        return add_label(state.studio.paste_back(state.load_drawn(task.person), photo), task.label)
    picture = state.studio.render(state.load_drawn(task.person))
    if task.form == "single":
        return add_label(picture, task.label)
    pictures = _choose_pictures(state, task, picture)
    images = [image for _, image in pictures]
    if task.form == "strip":
        return draw_strip(images, task.design)
    return draw_sheet(images, images.index(picture), task.design)


def _choose_pictures(state: WorkerState, task: MakePrint, main: Image.Image) -> list[Placed]:
    """Return PICTURES different pictures in the order of their places, the main one among them."""
    chosen: list[Placed] = [(MAIN_PLACE, main)]
    for place, image in _candidates(state, task, main):
        if all(_differ(image, other) for _, other in chosen):
            chosen.append((place, image))
        if len(chosen) == PICTURES:
            break
    return sorted(chosen, key=lambda placed: placed[0])


def _candidates(state: WorkerState, task: MakePrint, main: Image.Image) -> Iterator[Placed]:
    """Yield the photo, the steps of the task, and close-ups, which fill the paper of a face without sliders."""
    path = Path(task.person.folder) / f"{task.person.person}.jpg"
    photo = open_photo(path).image if path.is_file() else None
    if photo:
        yield 0.0, photo
    for step in task.steps:
        yield step.place, _draw_step(state, task, step)
    for number, zoom in enumerate((CLOSE_UP, CLOSE_UP**2, CLOSE_UP**3), start=1):
        yield MAIN_PLACE + number, _close_up(main, zoom)
    yield MAIN_PLACE + PICTURES, main.transpose(Image.Transpose.FLIP_LEFT_RIGHT)


def _draw_step(state: WorkerState, task: MakePrint, step: PrintStep) -> Image.Image:
    person = predict_person(state, step.person, task.anchor, {**task.anchor, **step.values}) if step.values else None
    return state.draw(person or step.person, STEP_SIZE)


def _close_up(picture: Image.Image, part: float) -> Image.Image:
    side = round(part * picture.width)
    left, top = (picture.width - side) // 2, round(0.55 * (picture.height - side))  # the eyes stay in the picture
    return picture.crop((left, top, left + side, top + side))


def _differ(one: Image.Image, other: Image.Image) -> bool:
    """Return whether a visitor would see two pictures as different."""
    pair = [np.asarray(image.convert("RGB").resize((COMPARED_SIDE,) * 2), np.float32) for image in (one, other)]
    return float(np.abs(pair[0] - pair[1]).mean()) >= SAME_PICTURE
