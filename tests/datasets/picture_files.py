"""Small picture collections for tests, one function per layout that faceloom reads."""

from __future__ import annotations

import io
import json
import tarfile
import zipfile
from collections.abc import Mapping
from pathlib import Path

import numpy as np
from PIL import Image


def make_picture(seed: int, size: tuple[int, int] = (96, 80)) -> Image.Image:
    """Return a smooth picture that differs from those of all other seeds."""
    levels = np.random.default_rng(seed).integers(0, 255, (5, 5, 3), np.uint8)
    return Image.fromarray(levels).resize(size, Image.Resampling.BICUBIC)


def encode_image(image: Image.Image, kind: str = "PNG", **options: object) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def make_folder(path: Path, files: Mapping[str, bytes | Image.Image | str]) -> Path:
    for name, content in files.items():
        (path / name).parent.mkdir(parents=True, exist_ok=True)
        (path / name).write_bytes(to_bytes(content))
    return path


def make_zip(path: Path, files: Mapping[str, bytes | Image.Image | str]) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(name, to_bytes(content))
    return path


def make_tar(path: Path, files: Mapping[str, bytes | Image.Image | str]) -> Path:
    with tarfile.open(path, "w") as archive:
        for name, content in files.items():
            info = tarfile.TarInfo(name)
            info.size = len(to_bytes(content))
            archive.addfile(info, io.BytesIO(to_bytes(content)))
    return path


def nvidia_table(labels: Mapping[str, int]) -> str:
    return json.dumps({"labels": [list(pair) for pair in labels.items()]})


def to_bytes(content: bytes | Image.Image | str) -> bytes:
    if isinstance(content, Image.Image):
        return encode_image(content)
    return content.encode() if isinstance(content, str) else content
