"""Saving of pictures: complete or not at all, without the source's metadata, marked when a model made them.

Every picture that faceloom makes leaves through `encode_picture`, and every film through `edit.film.save_film`.
"""

from __future__ import annotations

import io
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image
from PIL.PngImagePlugin import PngInfo
from torch import Tensor

from faceloom.errors import ImageError
from faceloom.files import atomic_write
from faceloom.images.channels import GRAY, GRAY16, RGB, RGBA, convert, to_pictures
from faceloom.images.tensors import Picture, to_photo
from faceloom.marks.credentials import MIME_TYPES, can_sign, sign, sign_file
from faceloom.marks.origin import Kind, Origin
from faceloom.marks.payload import Payload
from faceloom.marks.source_type import LAYERS, make_xmp
from faceloom.marks.watermark import embed, embed_gray, embed_transparent

FORMATS = {".png": "PNG", ".jpg": "JPEG", ".jpeg": "JPEG", ".webp": "WEBP"}
QUALITY = 95  # of JPEG and lossy WebP
FULL_COLOR_QUALITY = 92  # of JPEG, from which color is stored at the full resolution


def save_picture(
    picture: Picture,
    path: Path | str,
    *,
    ai_generated: bool,
    composite: bool = False,
    description: str = "",
    origin: Origin | None = None,
) -> Path:
    """Write a picture as PNG, JPEG or WebP, by the path's suffix, and return the path.

    The other arguments are those of `encode_picture`.
    Raises ImageError for another suffix, StoreError when the file cannot be written.
    """
    path = Path(path)
    data = encode_picture(
        picture, path, ai_generated=ai_generated, composite=composite, description=description, origin=origin
    )
    with atomic_write(path) as draft:
        draft.write_bytes(data)
    return path


def encode_picture(
    picture: Picture,
    name: Path | str,
    *,
    ai_generated: bool,
    composite: bool = False,
    description: str = "",
    origin: Origin | None = None,
    quality: int = QUALITY,
    signed: bool = True,
    opacity: Image.Image | None = None,
) -> bytes:
    """Return a picture as the content of a PNG, JPEG or WebP file, by the suffix of `name`.

    Gray, 16-bit gray and transparent pictures stay as they are where the format allows it: PNG holds all of them, WebP
    transparency, and a JPEG shows transparent parts on white. Only the pixels of `picture` are written: no EXIF, no
    location, no thumbnail. With `ai_generated`, marks say that a model made the picture, or with `composite` a part of
    it: XMP metadata (IPTC DigitalSourceType), an invisible watermark, and content credentials where the extra
    'credentials' is installed. `origin` is what they say about the generator and the photo. Previews that are replaced
    within a second are not `signed`. With `opacity`, a picture of mode L, a PNG or WebP is transparent.
    Raises ImageError for another suffix, StoreError when the file cannot be signed.
    """
    suffix = Path(name).suffix.lower()
    if suffix not in FORMATS:
        raise ImageError(
            f"cannot save as '{suffix or Path(name).name}': expected {', '.join(FORMATS)}",
            "change the file name's suffix",
        )
    photo, origin = copy_pixels(_to_format(picture, FORMATS[suffix])), origin or Origin()
    if not ai_generated and not composite:
        return _encode(photo, FORMATS[suffix], make_xmp(None, description), quality)
    kind = origin.kind(composite)
    layers = LAYERS if signed and can_sign() else LAYERS[:2]
    marked = watermarked(photo, kind, origin)
    if opacity is not None:
        marked.putalpha(opacity)
    data = _encode(marked, FORMATS[suffix], make_xmp(kind, description, layers), quality)
    return sign(data, MIME_TYPES[suffix], origin, kind) if layers == LAYERS else data


def save_animation(frames: Sequence[Image.Image], path: Path, durations: Sequence[int], quality: int = 80) -> Path:
    """Write generated pictures as an endless WebP animation with all marks, and return the path.

    Convention: `durations` are milliseconds, one a frame. Raises StoreError when the file cannot be written.
    """
    origin, layers = Origin(), LAYERS if can_sign() else LAYERS[:2]
    first, *rest = (watermarked(frame.convert("RGB"), "generated", origin) for frame in frames)
    xmp, timing = make_xmp("generated", layers=layers), {"duration": list(durations), "loop": 0}
    with atomic_write(path) as draft:
        first.save(draft, "WEBP", save_all=True, append_images=rest, quality=quality, xmp=xmp, **timing)
        if layers == LAYERS:
            sign_file(draft, MIME_TYPES[".webp"], origin, "generated")
    return path


def watermarked(picture: Image.Image, kind: Kind, origin: Origin) -> Image.Image:
    """Return a copy of a picture of any kind of `channels.COLORS` with the invisible watermark."""
    payload = Payload.of(kind, origin.generator, origin.day)
    levels = np.asarray(picture)
    if picture.mode in (GRAY.mode, GRAY16.mode):
        return Image.fromarray(embed_gray(levels, payload))
    return Image.fromarray(embed_transparent(levels, payload) if picture.mode == RGBA.mode else embed(levels, payload))


def _to_format(picture: Picture, format: str) -> Image.Image:
    """Return a picture of any form in the kind of channels that a file format can hold."""
    if isinstance(picture, Tensor) and picture.ndim == 4 and len(picture) == 1:
        picture = to_pictures(picture)[0]
    if not isinstance(picture, Image.Image) or picture.mode not in (GRAY.mode, GRAY16.mode, RGBA.mode):
        return to_photo(picture)
    if format == "PNG" or (format == "WEBP" and picture.mode == RGBA.mode):
        return picture
    return convert(picture, RGB)


def copy_pixels(photo: Image.Image) -> Image.Image:
    """Copy the pixels only, without the profile, comment and EXIF that Pillow would carry over from the source."""
    copy = Image.new(photo.mode, photo.size)
    copy.paste(photo)
    return copy


def _encode(photo: Image.Image, format: str, xmp: bytes, quality: int) -> bytes:
    options: dict[str, Any] = {"quality": quality} | ({"xmp": xmp} if xmp else {})
    if format == "PNG":
        text = PngInfo()
        if xmp:
            text.add_itxt("XML:com.adobe.xmp", xmp.decode())
        options = {"pnginfo": text}
    elif format == "JPEG" and quality >= FULL_COLOR_QUALITY:
        options["subsampling"] = 0
    file = io.BytesIO()
    photo.save(file, format=format, **options)
    return file.getvalue()
