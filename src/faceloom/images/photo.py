"""Opening of untrusted picture files: bounded in size, upright, in sRGB, with clear errors."""

from __future__ import annotations

import io
import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

from PIL import AvifImagePlugin, GifImagePlugin, Image, JpegImagePlugin, PngImagePlugin, WebPImagePlugin

from faceloom.errors import FaceloomError, ImageError, MissingExtra
from faceloom.images.color import BACKGROUND, to_srgb
from faceloom.images.kinds import PICTURE_KINDS, detect_file_kind, read_webp_size

__all__ = ["BACKGROUND", "MAX_BYTES", "MAX_PIXELS", "MAX_SIDE", "MIN_SIDE", "Photo", "open_photo"]

MAX_BYTES = 64 * 2**20
"""Maximum size of a picture file in bytes."""
MAX_PIXELS = 40_000_000
"""Maximum width times height."""
MIN_SIDE = 64
"""Minimum width and height in pixels."""
MAX_SIDE = 12_000
"""Maximum width and height in pixels."""
MAX_JPEG_SCANS = 500
"""Maximum scans of a progressive JPEG. Ordinary files have about ten; each costs a pass over the whole picture."""

SAVE_AGAIN = "open it in a viewer and save it again as JPEG or PNG"
ORIENTATION = 0x0112  # EXIF tag
_TRANSPOSITIONS = {  # EXIF orientation -> operation that makes the picture upright
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
_READERS = {
    "JPEG": JpegImagePlugin.jpeg_factory,
    "PNG": PngImagePlugin.PngImageFile,
    "WEBP": WebPImagePlugin.WebPImageFile,
    "GIF": GifImagePlugin.GifImageFile,
    "AVIF": AvifImagePlugin.AvifImageFile,
}


@runtime_checkable
class ByteStream(Protocol):
    """A stream of bytes: an opened file, an archive's member, or an upload."""

    def read(self, size: int, /) -> bytes:
        """Return at most `size` bytes, and none at the end."""
        ...


PhotoSource = Path | str | bytes | bytearray | memoryview | ByteStream
"""A photo to open: the path of a file, the file's content, or a stream of it."""


@dataclass(frozen=True)
class Photo:
    """An opened picture and notes about its conversion.

    Convention: `image` is PIL RGB, upright, sRGB, without metadata; `notes` are short sentences for the user.
    """

    image: Image.Image
    notes: tuple[str, ...] = ()


def open_photo(source: PhotoSource, *, min_side: int = MIN_SIDE) -> Photo:
    """Open a JPEG, PNG, WebP, GIF, AVIF or (with the extra 'heic') HEIC picture, upright and in sRGB.

    Of an animation the first frame is used; transparent parts are shown on BACKGROUND. The kind is detected by content,
    never by the file's name. Raises ImageError for a missing file, another kind, a damaged file, more than MAX_BYTES or
    MAX_PIXELS (read from the header, before decoding), or a side outside `min_side` ... MAX_SIDE; MissingExtra for HEIC
    without its library.
    """
    data = _read(source)
    kind = _check_kind(data, min_side)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # Pillow warns about sizes and metadata; both are checked here
        try:
            return _decode(data, kind, min_side)
        except FaceloomError:
            raise
        except MemoryError as error:
            raise ImageError("not enough memory for this picture", "make it smaller") from error
        except Exception as error:  # decoders raise OSError, SyntaxError, struct.error, EOFError, ...
            raise ImageError(f"this {kind} picture is damaged or cut short", SAVE_AGAIN) from error


def _read(source: PhotoSource) -> bytes:
    if isinstance(source, bytes | bytearray | memoryview):
        data = bytes(source[: MAX_BYTES + 1])
    elif isinstance(source, str | Path):
        data = _read_file(Path(source))
    else:
        data = source.read(MAX_BYTES + 1)
    if len(data) > MAX_BYTES:
        raise ImageError(f"the picture has more than {MAX_BYTES >> 20} MB", "make it smaller, or save it as JPEG")
    return data


def _read_file(path: Path) -> bytes:
    try:
        if path.exists() and not path.is_file():
            raise ImageError(f"{path} is not a file", "give the path of a picture")
        with path.open("rb") as file:
            return file.read(MAX_BYTES + 1)
    except FileNotFoundError as error:
        raise ImageError(f"there is no file {path}", "check the path") from error
    except (OSError, ValueError) as error:  # ValueError: a NUL character in the name
        raise ImageError(f"cannot read {str(path)[:200]!r}: {error}", "check the path and its permissions") from error


def _check_kind(data: bytes, min_side: int) -> str:
    """Return the picture's kind. Raises ImageError, before decoding, for other files and those too costly to decode."""
    if not data:
        raise ImageError("the file is empty", "copy the whole file again")
    kind = detect_file_kind(data)
    if kind not in PICTURE_KINDS:
        problem = f"by its content this is a file of the kind {kind}" if kind else "this is not a picture"
        hint = SAVE_AGAIN if kind else "choose a photo"
        raise ImageError(f"{problem}: expected JPEG, PNG, WebP, GIF, AVIF or HEIC", hint)
    if kind == "WEBP" and (size := read_webp_size(data)):
        _check_size(size, min_side)
    if kind == "JPEG" and data.count(b"\xff\xda") > MAX_JPEG_SCANS:
        raise ImageError(f"this JPEG picture has more than {MAX_JPEG_SCANS} scans", SAVE_AGAIN)
    return kind


def _decode(data: bytes, kind: str, min_side: int) -> Photo:
    image = _reader(kind)(io.BytesIO(data))
    _check_size(image.size, min_side)
    is_animated = kind in ("GIF", "PNG", "WEBP", "AVIF") and bool(getattr(image, "is_animated", False))
    notes = ("animation: first frame used",) if is_animated else ()
    image.load()
    _check_size(image.size, min_side)
    upright, turn_notes = _turn_upright(image)
    srgb, color_notes = to_srgb(upright)
    plain = Image.new("RGB", srgb.size)
    plain.paste(srgb)
    return Photo(plain, notes + turn_notes + color_notes)


def _reader(kind: str) -> Any:
    if kind != "HEIF":
        return _READERS[kind]
    try:
        from pillow_heif import HeifImageFile
    except ImportError as error:
        raise MissingExtra("opening HEIC pictures", "heic") from error
    return HeifImageFile  # applies the container's rotation itself


def _check_size(size: tuple[int, int], min_side: int) -> None:
    width, height = size
    if width * height > MAX_PIXELS or max(size) > MAX_SIDE:
        limits = f"at most {MAX_PIXELS // 10**6} megapixels and {MAX_SIDE} px a side"
        raise ImageError(f"the picture is too large: {width} x {height} px, expected {limits}", "make it smaller")
    if min(size) < min_side:
        raise ImageError(
            f"the picture is too small: {width} x {height} px, expected at least {min_side} px a side",
            "use the original, not a thumbnail",
        )


def _turn_upright(image: Image.Image) -> tuple[Image.Image, tuple[str, ...]]:
    """Apply the EXIF orientation; return the image, and a note when the EXIF data is damaged."""
    try:
        turn = _TRANSPOSITIONS.get(image.getexif().get(ORIENTATION, 1))
    except Exception:  # noqa: BLE001  damaged EXIF raises any exception; the picture is opened without it
        return image, ("the EXIF data is damaged: the picture may be rotated",)
    if turn is None:
        return image, ()
    turned = image.transpose(turn)
    turned.info = dict(image.info)
    return turned, ()
