"""Fuzzing of photo intake: every kind of picture that is opened, with its metadata and its color profile."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import numpy as np
from PIL import Image

from faceloom.errors import ImageError, MissingExtra
from faceloom.images import open_photo, photo
from faceloom.images.kinds import EXTRA_KINDS

MAX_PIXELS = 1_000_000  # lower than in use, so that more inputs are read; the check itself is the same
MODES = {
    "JPEG": ("RGB", "L", "CMYK"),
    "PNG": ("RGB", "RGBA", "LA", "L", "P", "1", "I;16"),
    "WEBP": ("RGB", "RGBA"),
    "GIF": ("P", "L"),
    "AVIF": ("RGB", "RGBA"),
    "TIFF": ("RGB", "L", "I;16"),
    "BMP": ("RGB", "P"),
}


def seeds(folder: Path) -> dict[str, bytes]:
    """Return small pictures of every kind and mode: plain, with metadata, progressive, lossless, and animated."""
    pixels = np.random.default_rng(0).integers(0, 255, (16, 16, 3), np.uint8)
    image = Image.fromarray(pixels)
    contents = {f"{kind} {mode}": encode(convert(image, mode), kind) for kind, modes in MODES.items() for mode in modes}
    exif = Image.Exif()
    exif[0x0112], exif[0x010E] = 6, "a description"
    for kind in ("JPEG", "PNG", "WEBP", "AVIF"):
        contents[f"{kind} with metadata"] = encode(image, kind, exif=exif.tobytes(), icc_profile=bytes(132))
    contents["JPEG progressive"] = encode(image, "JPEG", progressive=True)
    contents["WEBP lossless"] = encode(image, "WEBP", lossless=True)
    contents["TIFF deflate"] = encode(image, "TIFF", compression="tiff_deflate")
    frames = [image.rotate(90 * turn) for turn in range(1, 3)]
    for kind in ("GIF", "PNG", "WEBP"):
        contents[f"{kind} animated"] = encode(image, kind, save_all=True, append_images=frames)
    with suppress(ImportError):  # of the extra 'heic'
        import pillow_heif

        pillow_heif.register_heif_opener()
        contents["HEIC"] = encode(image, "HEIF")
    return contents


def convert(image: Image.Image, mode: str) -> Image.Image:
    """Return the image in a mode of Pillow; 16-bit gray levels are those of 8 bits times 257."""
    if mode != "I;16":
        return image.convert(mode)
    return Image.fromarray(np.asarray(image.convert("L")).astype(np.uint16) * 257)


def encode(image: Image.Image, kind: str, **options: object) -> bytes:
    """Return an image as a file."""
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def words() -> Iterable[str]:
    """Return names of chunks and boxes."""
    return (
        "IHDR", "IDAT", "iCCP", "zTXt", "iTXt", "acTL", "fcTL", "tRNS", "eXIf", "VP8X", "VP8L", "ALPH", "ANIM",
        "ANMF", "EXIF", "ftypavif", "meta", "iloc", "iinf", "iprp", "ispe", "Exif", "ICC_PROFILE", "Adobe",
        "NETSCAPE2.0",
    )  # fmt: skip


@contextmanager
def reading(scratch: Path) -> Iterator[Callable[[bytes], None]]:
    """Yield a function that opens a picture; ImageError and MissingExtra are the only errors that it may raise."""

    def read(data: bytes) -> None:
        with suppress(ImageError, MissingExtra):
            opened = open_photo(data, min_side=1, also=EXTRA_KINDS)
            assert opened.image.mode == "RGB"
            assert not opened.image.info
            assert opened.image.width * opened.image.height <= MAX_PIXELS

    before, photo.MAX_PIXELS = photo.MAX_PIXELS, MAX_PIXELS
    yield read
    photo.MAX_PIXELS = before
