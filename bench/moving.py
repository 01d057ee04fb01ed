"""Videos made from a still picture by a moving camera, so that the position of the face in each frame is known."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from faceloom.faces.geometry import Frame, invert_frame

SIZE = (320, 240)


def camera_frame(t: float, center: tuple[float, float] = (220, 140), width: float = 400, shake: float = 1.0) -> Frame:
    """Return the map from the video's pixels to the still's at time t (seconds): drifting, zooming and rotating."""
    zoom = width / SIZE[0] * (1 + 0.12 * shake * np.sin(2.1 * t + 0.4))
    turn = 0.14 * shake * np.sin(1.7 * t)
    matrix = zoom * np.array([(np.cos(turn), -np.sin(turn)), (np.sin(turn), np.cos(turn))])
    middle = np.array(center) + shake * width * np.array([0.07 * np.sin(2.6 * t), 0.05 * np.cos(1.9 * t)])
    return np.column_stack([matrix, middle - matrix @ (SIZE[0] / 2, SIZE[1] / 2)])


def render_shot(still: Image.Image, frame: Frame) -> Image.Image:
    """Render the still as the camera sees it."""
    return still.transform(SIZE, Image.Transform.AFFINE, frame.ravel().tolist(), Image.Resampling.BICUBIC)


def still_to_video(points: np.ndarray, frame: Frame) -> np.ndarray:
    """Map points of the still to the video."""
    back = invert_frame(frame)
    return np.asarray(points @ back[:, :2].T + back[:, 2])


def write_video(
    path: Path,
    frames: list[np.ndarray],
    fps: float = 25,
    *,
    times: list[int] | None = None,
    rotation: int = 0,
    sound: bool = False,
    codec: str = "libx264",
) -> Path:
    """Write a video as a phone might: `times` in 1/1000 s instead of a constant rate, `rotation` in degrees."""
    import av

    with av.open(str(path), "w") as container:
        stream: Any = container.add_stream(codec, rate=round(fps) if times is None else 1000)
        stream.height, stream.width = frames[0].shape[:2]
        stream.pix_fmt = "yuv420p"
        stream.options = {"crf": "10"} if codec == "libx264" else {}
        if rotation:
            stream.set_display_rotation(rotation)
        audio: Any = container.add_stream("aac", rate=44100) if sound else None
        for i, pixels in enumerate(frames):
            frame = av.VideoFrame.from_ndarray(pixels, format="rgb24").reformat(format="yuv420p")
            if times is not None:
                frame.pts = times[i]
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
        if audio:
            _beep(container, audio, len(frames) / fps)
    return path


def _beep(container: Any, stream: Any, seconds: float) -> None:
    import av

    wave = np.sin(np.arange(int(seconds * 44100)) * 0.06).astype(np.float32)[None]
    for start in range(0, wave.shape[1] - 1024, 1024):
        part = av.AudioFrame.from_ndarray(wave[:, start : start + 1024].repeat(1, 0), format="fltp", layout="mono")
        part.sample_rate, part.pts = 44100, start
        container.mux(stream.encode(part))
    container.mux(stream.encode())
