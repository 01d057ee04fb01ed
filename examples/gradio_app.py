"""A Gradio demo on the Studio: a photo in, sliders, the face out. `python examples/gradio_app.py`

One visitor's face is kept in their own session, in memory, and nowhere else.
"""

from __future__ import annotations

import os

os.environ.setdefault("GRADIO_ANALYTICS_ENABLED", "False")  # nothing leaves this machine

import gradio as gr
import numpy as np
from PIL import Image

from faceloom import FaceloomError, Studio
from faceloom.images import Photo
from faceloom.invert.budget import EncodeConfig
from faceloom.likeness import Likeness

SIDE = 512
studio = Studio()


def find(photo: Image.Image | None, seconds: float) -> tuple[Likeness, np.ndarray, str]:
    """Find the person in a photo."""
    if photo is None:
        raise gr.Error("give a photo first")
    try:
        person = studio.encode(Photo(photo.convert("RGB")), config=EncodeConfig(seconds=seconds))
    except FaceloomError as error:
        raise gr.Error(f"{error.message}. {error.hint}") from error
    traits = studio.attributes(person).rounded()
    figures = {name: round(value, 3) for name, value in person.quality.items()}
    return person, draw(person), f"how good: {figures}\n\nwhat it shows: {traits}"


def control(person: Likeness | None, age: float, smile: float, yaw: float) -> tuple[np.ndarray, str]:
    """Move the sliders, exactly: the result is looked at and corrected."""
    if person is None:
        raise gr.Error("find somebody first")
    wishes = {"age": age, "yaw": yaw} | ({"smile": smile} if smile >= 0 else {})
    changed = studio.edit(person, {name: value for name, value in wishes.items() if value or name == "smile"})
    after = {name: round(value, 2) for name, value in changed.after.items()}
    return draw(changed.person), f"now: {after}, alike: {changed.identity:.2f}"


def invent(seed: float, psi: float) -> tuple[Likeness, np.ndarray, str]:
    """Draw somebody who does not exist; the sliders work on them, too."""
    person = studio.generate(int(seed), psi)
    return person, draw(person), f"seed {int(seed)}, psi {psi}"


def draw(person: Likeness) -> np.ndarray:
    """A picture to show."""
    return np.asarray(studio.render(person, SIDE))


def page() -> gr.Blocks:
    """The page."""
    with gr.Blocks(title="faceloom", analytics_enabled=False) as blocks:
        person = gr.State(None)
        with gr.Row():
            with gr.Column():
                photo = gr.Image(type="pil", sources=["upload", "webcam"], label="photo")
                seconds = gr.Slider(2, 120, 10, step=1, label="seconds to find you")
                found = gr.Button("Find me", variant="primary")
                seed, psi = gr.Number(7, precision=0, label="seed"), gr.Slider(0, 1, 0.7, label="truncation")
                invented = gr.Button("Invent somebody")
            with gr.Column():
                face = gr.Image(label="AI-generated", height=SIDE)
                age = gr.Slider(-40, 40, 0, step=1, label="years")
                smile = gr.Slider(-1, 1, -1, step=0.05, label="smile (-1: as it is)")
                yaw = gr.Slider(-30, 30, 0, step=1, label="degrees turned")
                moved = gr.Button("Apply")
                said = gr.Markdown()
        found.click(find, [photo, seconds], [person, face, said])
        invented.click(invent, [seed, psi], [person, face, said])
        moved.click(control, [person, age, smile, yaw], [face, said])
    return blocks


if __name__ == "__main__":
    page().launch(server_name="127.0.0.1", theme=gr.themes.Base(font=["system-ui", "sans-serif"]))
