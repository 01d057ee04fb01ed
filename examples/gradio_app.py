"""A Gradio demo on the Studio: a photo, sliders, and the edited face. `python examples/gradio_app.py`

Each visitor's face is kept in memory, in their own session only.
"""

from __future__ import annotations

import os

os.environ.setdefault("GRADIO_ANALYTICS_ENABLED", "False")  # send no usage data

import gradio as gr
import numpy as np
from PIL import Image

from faceloom import EncodeConfig, FaceloomError, Likeness, Photo, Studio

SIDE = 512  # of the shown picture in pixels
studio = Studio()


def encode(photo: Image.Image | None, seconds: float) -> tuple[Likeness, np.ndarray, str]:
    """Encode the person in a photo."""
    if photo is None:
        raise gr.Error("give a photo first")
    try:
        person = studio.encode(Photo(photo.convert("RGB")), config=EncodeConfig(seconds=seconds))
    except FaceloomError as error:
        raise gr.Error(f"{error.message}. {error.hint}") from error
    attributes = studio.attributes(person).rounded()
    quality = {name: round(value, 3) for name, value in person.quality.items()}
    return person, render(person), f"quality: {quality}\n\nattributes: {attributes}"


def edit(person: Likeness | None, age: float, smile: float, yaw: float) -> tuple[np.ndarray, str]:
    """Apply the sliders; the result is measured and corrected."""
    if person is None:
        raise gr.Error("encode a photo or generate a face first")
    values = {"age": age, "yaw": yaw} | ({"smile": smile} if smile >= 0 else {})
    result = studio.edit(person, {name: value for name, value in values.items() if value or name == "smile"})
    after = {name: round(value, 2) for name, value in result.after.items()}
    return render(result.person), f"attributes: {after}, identity similarity: {result.identity:.2f}"


def generate(seed: float, psi: float) -> tuple[Likeness, np.ndarray, str]:
    """Generate a face from a seed; the sliders work on it, too."""
    person = studio.generate(int(seed), psi)
    return person, render(person), f"seed {int(seed)}, psi {psi}"


def render(person: Likeness) -> np.ndarray:
    """Render the picture of a person."""
    return np.asarray(studio.render(person, SIDE))


def make_page() -> gr.Blocks:
    """Lay out the page."""
    with gr.Blocks(title="faceloom", analytics_enabled=False) as blocks:
        person = gr.State(None)
        with gr.Row():
            with gr.Column():
                photo = gr.Image(type="pil", sources=["upload", "webcam"], label="photo")
                seconds = gr.Slider(2, 120, 10, step=1, label="seconds for encoding")
                encode_button = gr.Button("Encode", variant="primary")
                seed, psi = gr.Number(7, precision=0, label="seed"), gr.Slider(0, 1, 0.7, label="truncation")
                generate_button = gr.Button("Generate a face")
            with gr.Column():
                face = gr.Image(label="AI-generated", height=SIDE)
                age = gr.Slider(-40, 40, 0, step=1, label="years")
                smile = gr.Slider(-1, 1, -1, step=0.05, label="smile (-1: unchanged)")
                yaw = gr.Slider(-30, 30, 0, step=1, label="turn in degrees")
                edit_button = gr.Button("Apply")
                report = gr.Markdown()
        encode_button.click(encode, [photo, seconds], [person, face, report])
        generate_button.click(generate, [seed, psi], [person, face, report])
        edit_button.click(edit, [person, age, smile, yaw], [face, report])
    return blocks


if __name__ == "__main__":
    make_page().launch(server_name="127.0.0.1", theme=gr.themes.Base(font=["system-ui", "sans-serif"]))
