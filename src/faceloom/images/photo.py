"""Opening of untrusted picture files: bounded in size, upright, in sRGB, with clear errors."""

from __future__ import annotations

import io
import warnings
from collections.abc import Collection
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

from PIL import (
    AvifImagePlugin,
    BmpImagePlugin,
    GifImagePlugin,
    Image,
    JpegImagePlugin,
    PngImagePlugin,
    TiffImagePlugin,
    WebPImagePlugin,
)

from faceloom.errors import FaceloomError, ImageError, MissingExtra
from faceloom.files import open_regular
from faceloom.images.color import BACKGROUND, to_srgb
from faceloom.images.kinds import PICTURE_KINDS, detect_file_kind, is_sequential_jpeg, read_webp_size
from faceloom.marks.source_type import Marks, read_marks

__all__ = ["BACKGROUND", "MAX_BYTES", "MAX_PIXELS", "MAX_SIDE", "MIN_SIDE", "Photo", "open_photo"]

MAX_BYTES = 64 * 2**20
"""Maximum size of a picture file in bytes."""
MAX_PIXELS = 40_000_000
"""Maximum width times height of a decoded picture."""
MIN_SIDE = 64
"""Minimum width and height in pixels."""
MAX_SIDE = 12_000
"""Maximum width and height of a decoded picture in pixels."""
MAX_JPEG_PIXELS = 260_000_000
"""Maximum width times height of a JPEG that is reduced while it is decoded; phone cameras have up to 200 million."""
MAX_JPEG_SIDE = 32_000
"""Maximum width and height in pixels of a JPEG that is reduced while it is decoded."""
JPEG_REDUCTIONS = (2, 4, 8)
"""Factors by which a decoder can reduce a JPEG without ever holding its full size."""
MAX_JPEG_SCANS = 500
"""Maximum scans of a progressive JPEG. Ordinary files have about ten; each costs a pass over the whole picture."""

SAVE_AGAIN = "open it in a viewer and save it again as JPEG or PNG"
SMALLER = f"make it smaller; only a JPEG that is not progressive may have {MAX_JPEG_PIXELS // 10**6} megapixels"
ORIENTATION = 0x0112  # EXIF tag
_TILE_WIDTH, _TILE_LENGTH = 322, 323  # TIFF tags
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
    "TIFF": TiffImagePlugin.TiffImageFile,
    "BMP": BmpImagePlugin.BmpImageFile,
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
    """An opened picture, notes about its conversion, and the marks of origin in its file.

    Convention: `image` is PIL RGB, upright, sRGB, without metadata, or of any mode of `channels.COLORS` where it was
    asked for; `notes` are short sentences for the user.
    """

    image: Image.Image
    notes: tuple[str, ...] = ()
    marks: Marks = field(default_factory=Marks)


def open_photo(
    source: PhotoSource, *, min_side: int = MIN_SIDE, also: Collection[str] = (), keeps_channels: bool = False
) -> Photo:
    """Open a JPEG, PNG, WebP, GIF, AVIF or (with the extra 'heic') HEIC picture, upright and in sRGB.

    `also` adds kinds of `kinds.EXTRA_KINDS`. Of an animation the first frame is used; transparent parts are shown on
    BACKGROUND; with `keeps_channels` they stay transparent (RGBA), and gray stays gray, of 16 bits, too. The kind is
    detected by content, never by the file's name. A JPEG of more than MAX_PIXELS is opened at a half, a quarter or an
    eighth of its size, if it can be reduced while it is decoded.
    Raises ImageError for a missing file, another kind, a damaged file, more than MAX_BYTES or MAX_PIXELS (read from the
    header, before decoding), or a side outside `min_side` ... MAX_SIDE; MissingExtra for HEIC without its library.
    """
    data = _read(source)
    kind = _check_kind(data, min_side, also)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # Pillow warns about sizes and metadata; both are checked here
        try:
            return _decode(data, kind, min_side, keeps_channels)
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
        with open_regular(path) as file:
            return file.read(MAX_BYTES + 1)
    except FileNotFoundError as error:
        raise ImageError(f"there is no file {path}", "check the path") from error
    except (OSError, ValueError) as error:  # ValueError: a NUL character in the name
        raise ImageError(f"cannot read {str(path)[:200]!r}: {error}", "check the path and its permissions") from error


def _check_kind(data: bytes, min_side: int, also: Collection[str]) -> str:
    """Return the picture's kind. Raises ImageError, before decoding, for other files and those too costly to decode."""
    if not data:
        raise ImageError("the file is empty", "copy the whole file again")
    kind = detect_file_kind(data)
    if kind not in (*PICTURE_KINDS, *also):
        problem = f"by its content this is a file of the kind {kind}" if kind else "this is not a picture"
        hint = SAVE_AGAIN if kind else "choose a photo"
        raise ImageError(f"{problem}: expected JPEG, PNG, WebP, GIF, AVIF or HEIC", hint)
    if kind == "WEBP" and (size := read_webp_size(data)):
        _check_size(size, min_side)
    if kind == "JPEG" and data.count(b"\xff\xda") > MAX_JPEG_SCANS:
        raise ImageError(f"this JPEG picture has more than {MAX_JPEG_SCANS} scans", SAVE_AGAIN)
    return kind


def _decode(data: bytes, kind: str, min_side: int, keeps_channels: bool) -> Photo:
    image = _reader(kind)(io.BytesIO(data))
    is_animated = kind in ("GIF", "PNG", "WEBP", "AVIF") and bool(getattr(image, "is_animated", False))
    notes: tuple[str, ...] = ("animation: first frame used",) if is_animated else ()
    if kind == "JPEG":
        notes += _reduce_jpeg(image, data)
    _check_size(image.size, min_side)
    if kind == "TIFF":
        _check_tiff(image)
    image.load()
    _check_size(image.size, min_side)
    marks = read_marks(data, *(value for value in image.info.values() if isinstance(value, str | bytes)))
    upright, turn_notes = _turn_upright(image)
    srgb, color_notes = to_srgb(upright, keeps_channels=keeps_channels)
    plain = Image.new(srgb.mode, srgb.size)
    plain.paste(srgb)
    return Photo(plain, notes + turn_notes + color_notes, marks)


def _reduce_jpeg(image: Any, data: bytes) -> tuple[str, ...]:
    """Let the decoder reduce a large JPEG by the smallest factor that suffices; return a note for the user.

    A JPEG that is too large even so, or that would be kept in memory as a whole, stays at its size and is refused.
    """
    width, height = image.size
    if _is_within(image.size, MAX_PIXELS, MAX_SIDE) or not _is_within(image.size, MAX_JPEG_PIXELS, MAX_JPEG_SIDE):
        return ()
    sizes = {factor: (-(-width // factor), -(-height // factor)) for factor in JPEG_REDUCTIONS}
    factor = next((factor for factor, size in sizes.items() if _is_within(size, MAX_PIXELS, MAX_SIDE)), None)
    if factor is None or not is_sequential_jpeg(data):
        return ()
    image.draft(None, (max(1, width // factor), max(1, height // factor)))
    return (f"the photo of {width} x {height} px is opened at 1/{factor} of its width and height",)


def _check_tiff(image: Any) -> None:
    """Raise ImageError for a TIFF whose tiles are larger than a picture may be, or whose levels have no known range."""
    tile = (int(image.tag_v2.get(_TILE_WIDTH, 1)), int(image.tag_v2.get(_TILE_LENGTH, 1)))
    if not _is_within(tile, MAX_PIXELS, MAX_SIDE):
        raise ImageError(f"the TIFF picture has tiles of {tile[0]} x {tile[1]} px", SAVE_AGAIN)
    if image.mode in ("F", "I"):
        raise ImageError("the TIFF picture has 32-bit levels: expected 8 or 16 bits", SAVE_AGAIN)


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
    if not _is_within(size, MAX_PIXELS, MAX_SIDE):
        limits = f"at most {MAX_PIXELS // 10**6} megapixels and {MAX_SIDE} px a side"
        raise ImageError(f"the picture is too large: {width} x {height} px, expected {limits}", SMALLER)
    if min(size) < min_side:
        raise ImageError(
            f"the picture is too small: {width} x {height} px, expected at least {min_side} px a side",
            "use the original, not a thumbnail",
        )


def _is_within(size: tuple[int, int], max_pixels: int, max_side: int) -> bool:
    return size[0] * size[1] <= max_pixels and max(size) <= max_side


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
