"""Opening of pictures: formats, orientation, colors, limits, and errors for damaged or hostile files."""

from __future__ import annotations

import io
import struct
import sys
import time
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import GifImagePlugin, Image, JpegImagePlugin, PngImagePlugin

from faceloom.errors import ImageError, MissingExtra
from faceloom.images import BACKGROUND, MAX_BYTES, MAX_PIXELS, MAX_SIDE, MIN_SIDE, open_photo
from faceloom.images.kinds import is_sequential_jpeg
from tests.images.icc_profiles import ADOBE, P3, make_cmyk_profile, make_rgb_profile, srgb_of_lab, srgb_of_rgb

FORMATS = ("JPEG", "PNG", "WEBP", "GIF", "AVIF")


def encode_picture(image: Image.Image, form: str, **options: Any) -> bytes:
    file = io.BytesIO()
    image.save(file, form, **options)
    return file.getvalue()


def make_picture(width: int = 96, height: int = 80, seed: int = 0) -> Image.Image:
    """Return a smooth color picture that changes little in lossy formats."""
    coarse = np.random.default_rng(seed).integers(0, 256, (3, 3, 3), dtype=np.uint8)
    return Image.fromarray(coarse).resize((width, height), Image.Resampling.BICUBIC)


def open_pixels(source: Any) -> np.ndarray:
    return np.asarray(open_photo(source).image).astype(int)


def make_png(width: int, height: int, depth: int, color: int, rows: bytes) -> bytes:
    """Return a PNG file with the given rows."""

    def chunk(name: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))

    header = struct.pack(">IIBBBBB", width, height, depth, color, 0, 0, 0)
    body = chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + body


# -- formats and sources ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("form", FORMATS)
def test_formats(form: str) -> None:
    photo = open_photo(encode_picture(make_picture(), form))
    assert photo.image.mode == "RGB"
    assert type(photo.image) is Image.Image
    assert photo.notes == ()
    assert not photo.image.info
    assert np.abs(np.asarray(photo.image).astype(int) - np.asarray(make_picture())).mean() < 6


def test_sources(tmp_path: Path) -> None:
    data = encode_picture(make_picture(), "PNG")
    path = tmp_path / "Müller 🙂 photo.txt"
    path.write_bytes(data)
    for source in (path, str(path), data, bytearray(data), io.BytesIO(data)):
        assert (open_pixels(source) == np.asarray(make_picture())).all()


@pytest.mark.parametrize("form", ["JPEG", "PNG", "WEBP", "AVIF"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_exif_orientation(form: str, orientation: int) -> None:
    undo = {
        1: [],
        2: [Image.Transpose.FLIP_LEFT_RIGHT],
        3: [Image.Transpose.ROTATE_180],
        4: [Image.Transpose.FLIP_TOP_BOTTOM],
        5: [Image.Transpose.FLIP_LEFT_RIGHT, Image.Transpose.ROTATE_90],
        6: [Image.Transpose.ROTATE_90],
        7: [Image.Transpose.FLIP_LEFT_RIGHT, Image.Transpose.ROTATE_270],
        8: [Image.Transpose.ROTATE_270],
    }
    stored = make_picture()
    for step in undo[orientation]:
        stored = stored.transpose(step)
    exif = Image.Exif()
    exif[0x0112] = orientation
    exif[0x8825] = {1: "N", 2: (48.0, 8.0, 0.0)}  # GPS location
    photo = open_photo(encode_picture(stored, form, exif=exif))
    assert photo.image.size == make_picture().size
    assert np.abs(np.asarray(photo.image).astype(int) - np.asarray(make_picture())).mean() < 6
    assert not photo.image.getexif()


@pytest.mark.parametrize(
    "exif", [b"Exif\0\0garbage", b"Exif\0\0II*\0\xff\xff\xff\xff", b"Exif\0\0MM\0*\0\0\0\x08\xff\xff"]
)
def test_damaged_exif_is_ignored(exif: bytes) -> None:
    assert open_photo(encode_picture(make_picture(), "JPEG", exif=exif)).image.size == make_picture().size


def test_invalid_orientation_is_ignored() -> None:
    exif = Image.Exif()
    exif[0x0112] = 77
    assert open_photo(encode_picture(make_picture(), "JPEG", exif=exif)).image.size == make_picture().size


# -- colors -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("primaries", "gamma"), [(P3, 2.2), (ADOBE, 2.19921875)])
@pytest.mark.parametrize("levels", [(200, 100, 60), (128, 128, 128), (30, 180, 90)])
@pytest.mark.parametrize("form", ["PNG", "JPEG", "WEBP"])
def test_wide_gamut_profiles_are_converted(
    primaries: Any, gamma: float, levels: tuple[int, int, int], form: str
) -> None:
    data = encode_picture(Image.new("RGB", (64, 64), levels), form, icc_profile=make_rgb_profile(primaries, gamma))
    assert np.abs(open_pixels(data)[5, 5] - srgb_of_rgb(levels, primaries, gamma)).max() < 4


def test_cmyk_without_profile_is_not_inverted() -> None:
    data = encode_picture(Image.new("CMYK", (64, 64), (255, 0, 0, 51)), "JPEG", quality=98)
    assert np.abs(open_pixels(data)[5, 5] - (0, 204, 204)).max() < 4


def test_ycck_is_not_inverted() -> None:
    stored = Image.new("RGB", (64, 64), (40, 90, 200)).convert("YCbCr").split()
    inverted = [channel.point(lambda level: 255 - level) for channel in stored]  # Pillow inverts when it writes
    data = encode_picture(Image.merge("CMYK", [*inverted, Image.new("L", (64, 64), 0)]), "JPEG", quality=98)
    at = data.index(b"Adobe") + 11
    data = data[:at] + b"\2" + data[at + 1 :]  # YCCK
    assert np.abs(open_pixels(data)[5, 5] - (255 - 40, 255 - 90, 255 - 200)).max() < 6


def test_cmyk_profile_is_applied() -> None:
    cyan = (60.0, -30.0, -40.0)
    profile = make_cmyk_profile(cyan)
    data = encode_picture(Image.new("CMYK", (64, 64), (255, 0, 0, 0)), "JPEG", quality=98, icc_profile=profile)
    assert np.abs(open_pixels(data)[5, 5] - srgb_of_lab(*cyan)).max() < 6
    white = encode_picture(Image.new("CMYK", (64, 64), (0, 0, 0, 0)), "JPEG", quality=98, icc_profile=profile)
    assert open_pixels(white).min() > 250


def test_gray_with_an_rgb_profile() -> None:
    data = encode_picture(Image.new("L", (64, 64), 128), "JPEG", icc_profile=make_rgb_profile(ADOBE, 2.19921875))
    assert np.abs(open_pixels(data)[5, 5] - srgb_of_rgb((128, 128, 128), ADOBE, 2.19921875)).max() < 4


@pytest.mark.parametrize("profile", [b"no profile", make_rgb_profile(P3, 2.2)[:200], make_cmyk_profile((50, 0, 0))])
def test_invalid_profile_is_noted(profile: bytes) -> None:
    photo = open_photo(encode_picture(make_picture(), "PNG", icc_profile=profile))
    assert "color profile" in photo.notes[0]
    assert (np.asarray(photo.image) == np.asarray(make_picture())).all()


def test_sixteen_bit_gray_is_scaled() -> None:
    levels = np.linspace(0, 65535, 64 * 64).astype(">u2").reshape(64, 64)
    rows = b"".join(b"\0" + row.tobytes() for row in levels)
    assert abs(open_pixels(make_png(64, 64, 16, 0, rows)).mean() - 127.5) < 1


def test_sixteen_bit_rgb_is_scaled() -> None:
    levels = np.linspace(0, 65535, 64 * 64 * 3).astype(">u2").reshape(64, 192)
    rows = b"".join(b"\0" + row.tobytes() for row in levels)
    assert abs(open_pixels(make_png(64, 64, 16, 2, rows)).mean() - 127.5) < 1


@pytest.mark.parametrize("mode", ["RGBA", "LA", "P", "L", "RGB"])
def test_transparency_is_shown_on_background(mode: str) -> None:
    left = Image.new("RGBA", (80, 80), (0, 0, 0, 0))
    left.paste((90, 90, 90, 255), (40, 0, 80, 80))
    options: dict[str, Any] = {}
    if mode in ("L", "RGB"):
        image = left.convert(mode)
        options["transparency"] = 0 if mode == "L" else (0, 0, 0)
    else:
        image = left.convert(mode)
    photo = open_photo(encode_picture(image, "PNG", **options))
    assert photo.image.getpixel((10, 10)) == BACKGROUND
    assert np.abs(np.array(photo.image.getpixel((70, 40))) - 90).max() <= 2
    assert photo.notes == ("transparent parts: shown on white",)


def test_half_transparency_is_blended() -> None:
    half = Image.new("RGBA", (64, 64), (0, 0, 0, 128))
    assert np.abs(open_pixels(encode_picture(half, "PNG")) - 127).max() <= 1


@pytest.mark.parametrize("mode", ["1", "L", "P"])
def test_plain_modes(mode: str) -> None:
    image = Image.new("L", (64, 64), 255)
    image.paste(0, (0, 0, 32, 64))
    assert (open_pixels(encode_picture(image.convert(mode), "PNG")) == np.asarray(image)[..., None]).all()


# -- animations -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("form", ["GIF", "PNG", "WEBP"])
def test_animation_uses_the_first_frame(form: str) -> None:
    frames = [Image.new("RGB", (64, 64), color) for color in ((200, 0, 0), (0, 200, 0), (0, 0, 200))]
    photo = open_photo(encode_picture(frames[0], form, save_all=True, append_images=frames[1:]))
    assert np.abs(np.array(photo.image.getpixel((5, 5))) - (200, 0, 0)).max() < 4
    assert photo.notes == ("animation: first frame used",)


def test_further_frames_are_not_decoded(monkeypatch: pytest.MonkeyPatch) -> None:
    frames = [Image.new("L", (64, 64), level) for level in (10, 250)]
    data = encode_picture(frames[0], "GIF", save_all=True, append_images=frames[1:])
    second = data.rindex(b"\x21\xf9")  # start of the second frame
    data = data[:second] + data[second:-1] * 10_000 + b";"
    seek, frames_sought = GifImagePlugin.GifImageFile._seek, []
    monkeypatch.setattr(
        GifImagePlugin.GifImageFile, "_seek", lambda gif, *args: (frames_sought.append(args), seek(gif, *args))[1]
    )
    assert open_photo(data).notes == ("animation: first frame used",)
    assert 0 < len(frames_sought) < 5


# -- refused files ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "empty"),
        (b"\xff", "not a picture"),
        (b"plain text", "not a picture"),
        (b"\xff\xd8\xff", "damaged"),
        (b"%PDF-1.7\n", "PDF"),
        (b'<?xml version="1.0"?>\n<svg xmlns="http://www.w3.org/2000/svg"/>', "SVG"),
        (b"%!PS-Adobe-3.0 EPSF-3.0", "PostScript"),
        (b"8BPS\0\1", "Photoshop"),
        (b"SIMPLE  =                    T", "FITS"),
        (b"<!DOCTYPE html><html>", "web page"),
        (b"\0\0\0\x18ftypisom\0\0\0\0isomiso2", "video"),
    ],
)
def test_other_files_are_refused(tmp_path: Path, data: bytes, message: str) -> None:
    path = tmp_path / "photo.jpg"
    path.write_bytes(data)
    with pytest.raises(ImageError, match=message) as caught:
        open_photo(path)
    assert caught.value.hint


@pytest.mark.parametrize("form", ["TIFF", "BMP", "ICO", "PPM", "TGA", "PCX", "JPEG2000", "EPS", "PDF"])
def test_unsupported_formats_are_refused(form: str) -> None:
    with pytest.raises(ImageError, match=r"expected JPEG|not a picture"):
        open_photo(encode_picture(make_picture(), form))


@pytest.mark.parametrize("form", FORMATS)
@pytest.mark.parametrize("part", range(0, 100, 5))
def test_truncated_files(form: str, part: int) -> None:
    data = encode_picture(make_picture(), form)
    with pytest.raises(ImageError):
        open_photo(data[: len(data) * part // 100])


@pytest.mark.parametrize("form", FORMATS)
def test_flipped_bytes_raise_image_error_only(form: str) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    options = {} if form == "GIF" else {"exif": exif, "icc_profile": make_rgb_profile(P3, 2.2)}
    data = encode_picture(make_picture(), form, **options)
    rng = np.random.default_rng(0)
    for _ in range(60):
        broken = bytearray(data)
        for at in rng.integers(0, min(len(data), rng.choice([64, 400, len(data)])), 3):
            broken[at] = rng.integers(256)
        try:
            photo = open_photo(bytes(broken))
        except (ImageError, MissingExtra):
            continue
        assert photo.image.mode == "RGB"


@pytest.mark.parametrize("side", [10_000, 20_000])
def test_size_is_checked_before_decoding(side: int, monkeypatch: pytest.MonkeyPatch) -> None:
    rows = (b"\0" + bytes(side // 8)) * side
    data = make_png(side, side, 1, 0, rows)
    assert len(data) < 200_000
    monkeypatch.setattr(PngImagePlugin.PngImageFile, "load_prepare", lambda _: pytest.fail("it was decoded"))
    with pytest.raises(ImageError, match="too large"):
        open_photo(data)


def make_webp_file(width: int, height: int) -> bytes:
    """Return an extended WebP file with a declared size that differs from its picture."""
    inner = encode_picture(make_picture(), "WEBP")[12:]
    header = b"VP8X" + struct.pack("<I", 10) + bytes(4)
    header += (width - 1).to_bytes(3, "little") + (height - 1).to_bytes(3, "little")
    return b"RIFF" + struct.pack("<I", 4 + len(header) + len(inner)) + b"WEBP" + header + inner


@pytest.mark.parametrize("make", [lambda: make_webp_file(16_000, 16_000), lambda: make_webp_file(2**24, 2**24)])
def test_webp_size_is_checked_before_opening(make: Callable[[], bytes], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules["faceloom.images.photo"]._READERS, "WEBP", None)
    with pytest.raises(ImageError, match="too large"):
        open_photo(make())


@pytest.mark.parametrize("lossless", [True, False])
def test_webp_size_from_header(lossless: bool) -> None:
    from faceloom.images.kinds import read_webp_size

    assert read_webp_size(encode_picture(make_picture(301, 77), "WEBP", lossless=lossless)) == (301, 77)
    transparent = make_picture(301, 77).convert("RGBA")
    transparent.putalpha(99)
    assert read_webp_size(encode_picture(transparent, "WEBP", lossless=lossless)) == (301, 77)


def test_limits() -> None:
    with pytest.raises(ImageError, match=f"at least {MIN_SIDE}"):
        open_photo(encode_picture(make_picture(MIN_SIDE - 1, 200), "PNG"))
    assert open_photo(encode_picture(make_picture(MIN_SIDE, MIN_SIDE), "PNG")).image.size == (MIN_SIDE, MIN_SIDE)
    with pytest.raises(ImageError, match=f"{MAX_SIDE} px"):
        open_photo(encode_picture(Image.new("L", (MAX_SIDE + 1, 64)), "PNG"))
    with pytest.raises(ImageError, match=f"{MAX_PIXELS // 10**6} megapixels"):
        open_photo(encode_picture(Image.new("1", (8000, 5001)), "PNG"))
    with pytest.raises(ImageError, match="MB"):
        open_photo(encode_picture(make_picture(), "PNG") + bytes(MAX_BYTES))


# -- large JPEG photos ------------------------------------------------------------------------------------------------


def encode_large_jpeg(width: int, height: int, **options: Any) -> bytes:
    """Return a gray JPEG with a white bottom right quarter."""
    image = Image.new("L", (width, height), 60)
    image.paste(255, (width // 2, height // 2, width, height))
    return encode_picture(image, "JPEG", **options)


@pytest.mark.parametrize(
    ("size", "factor"), [((6048, 8064), 2), ((12_240, 16_320), 4), ((13_000, 500), 2), ((30_000, 8000), 4)]
)
def test_large_jpeg_photos_are_reduced_while_decoding(size: tuple[int, int], factor: int) -> None:
    photo = open_photo(encode_large_jpeg(*size))
    assert photo.image.size == (size[0] // factor, size[1] // factor)
    assert photo.image.width * photo.image.height <= MAX_PIXELS
    assert photo.notes == (f"the photo of {size[0]} x {size[1]} px is opened at 1/{factor} of its width and height",)
    assert photo.image.getpixel((5, 5)) == (60, 60, 60)
    assert photo.image.getpixel((photo.image.width - 5, photo.image.height - 5)) == (255, 255, 255)


def test_large_jpeg_photo_is_turned_and_keeps_its_mode() -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    assert open_photo(encode_large_jpeg(8000, 6000, exif=exif)).image.size == (3000, 4000)
    data = encode_picture(Image.new("CMYK", (8000, 6000), (255, 0, 0, 51)), "JPEG")
    assert np.abs(np.array(open_photo(data).image.getpixel((5, 5))) - (0, 204, 204)).max() < 4


def test_large_pictures_that_cannot_be_reduced_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(JpegImagePlugin.JpegImageFile, "load_prepare", lambda _: pytest.fail("it was decoded"))
    for data in (
        encode_large_jpeg(6048, 8064, progressive=True),  # its coefficients would all be kept in memory
        encode_large_jpeg(20_000, 13_001),  # more than 260 million pixels
        encode_large_jpeg(32_001, 2000),
        split_scans(encode_picture(Image.new("RGB", (6400, 6400)), "JPEG")),
        lossless(encode_large_jpeg(6400, 6400)),
    ):
        with pytest.raises(ImageError, match="too large"):
            open_photo(data)


def split_scans(data: bytes) -> bytes:
    """Return a JPEG whose first scan states one of three components."""
    at = data.index(b"\xff\xda")
    return data[: at + 2] + struct.pack(">HB", 8, 1) + data[at + 5 : at + 7] + data[at + 11 :]


def lossless(data: bytes) -> bytes:
    """Return a JPEG that claims a lossless frame, which a decoder does not reduce."""
    at = data.index(b"\xff\xc0")
    return data[:at] + b"\xff\xc3" + data[at + 2 :]


def test_sequential_jpegs_are_recognized() -> None:
    plain = encode_picture(make_picture(), "JPEG")
    assert is_sequential_jpeg(plain)
    assert is_sequential_jpeg(plain[:2] + b"\xff\xff\xff\xe5\0\4ab" + plain[2:])
    hostile = [plain[:100], b"", b"\xff\xd8" + b"\xff" * 10**6, b"\xff\xd8" + b"\xff\xe0\0\2" * 10**6]
    progressive = encode_picture(make_picture(), "JPEG", progressive=True)
    for data in (progressive, split_scans(plain), lossless(plain), *hostile):
        start = time.process_time()
        assert not is_sequential_jpeg(data)
        assert time.process_time() - start < 2


# -- kinds that are opened on request ---------------------------------------------------------------------------------


@pytest.mark.parametrize("form", ["TIFF", "BMP"])
def test_kinds_on_request(form: str) -> None:
    data = encode_picture(make_picture(), form)
    assert (np.asarray(open_photo(data, also=[form]).image) == np.asarray(make_picture())).all()
    with pytest.raises(ImageError, match=f"of the kind {form}"):
        open_photo(data, also=["BMP" if form == "TIFF" else "TIFF"])
    with pytest.raises(ImageError, match=f"{MAX_SIDE} px"):
        open_photo(encode_picture(Image.new("L", (MAX_SIDE + 1, 64)), form), also=[form])


@pytest.mark.parametrize("compression", [None, "tiff_lzw", "tiff_deflate", "jpeg"])
@pytest.mark.parametrize("orientation", [1, 3, 6, 8])
def test_tiff_is_turned_upright(compression: str | None, orientation: int) -> None:
    undo = {3: Image.Transpose.ROTATE_180, 6: Image.Transpose.ROTATE_90, 8: Image.Transpose.ROTATE_270}
    stored = make_picture().transpose(undo[orientation]) if orientation in undo else make_picture()
    exif = Image.Exif()
    exif[0x0112] = orientation
    photo = open_photo(encode_picture(stored, "TIFF", exif=exif, compression=compression), also=["TIFF"])
    assert np.abs(np.asarray(photo.image).astype(int) - np.asarray(make_picture())).mean() < 2


def test_sixteen_bit_tiff_is_scaled_and_others_are_refused() -> None:
    levels = np.linspace(0, 65535, 64 * 64).astype(np.uint16).reshape(64, 64)
    data = encode_picture(Image.fromarray(levels), "TIFF")
    assert abs(np.asarray(open_photo(data, also=["TIFF"]).image).mean() - 127.5) < 1
    for kind in (np.float32, np.int32):
        with pytest.raises(ImageError, match="32-bit levels"):
            open_photo(encode_picture(Image.fromarray(levels.astype(kind)), "TIFF"), also=["TIFF"])


def test_tiff_with_huge_tiles_is_refused() -> None:
    data = encode_picture(make_picture(), "TIFF")
    for tag, other in ((278, 322), (279, 323)):  # rows and bytes of a strip become width and height of a tile
        at = next(at for kind in (3, 4) if (at := data.find(struct.pack("<HHI", tag, kind, 1))) >= 0)
        data = data[:at] + struct.pack("<HHII", other, 4, 1, 2**16) + data[at + 12 :]
    with pytest.raises(ImageError, match=r"tiles of 65536 x 65536"):
        open_photo(data, also=["TIFF"])


@pytest.mark.parametrize("form", ["TIFF", "BMP"])
def test_damaged_files_on_request_raise_image_error_only(form: str) -> None:
    data = encode_picture(make_picture(), form)
    rng = np.random.default_rng(0)
    for _ in range(80):
        broken = bytearray(data)
        for at in rng.integers(0, min(len(data), rng.choice([64, 400, len(data)])), 3):
            broken[at] = rng.integers(256)
        if rng.random() < 0.3:
            broken = broken[: rng.integers(len(broken))]
        try:
            assert open_photo(bytes(broken), also=[form]).image.mode == "RGB"
        except ImageError:
            continue


def test_endless_stream_is_bounded() -> None:
    class Endless(io.RawIOBase):
        def read(self, size: int = -1) -> bytes:
            assert 0 < size <= MAX_BYTES + 1
            return bytes(size)

    with pytest.raises(ImageError, match="MB"):
        open_photo(Endless())


def test_huge_png_text_is_refused() -> None:
    text = PngImagePlugin.PngInfo()
    text.add_text("comment", "0" * (40 * 2**20), zip=True)
    data = encode_picture(make_picture(), "PNG", pnginfo=text)
    assert len(data) < 200_000
    with pytest.raises(ImageError, match="damaged"):
        open_photo(data)


def test_many_large_jpeg_segments() -> None:
    data = encode_picture(make_picture(), "JPEG")
    segment = b"\xff\xe5" + struct.pack(">H", 65535) + bytes(65533)
    data = data[:2] + segment * 300 + data[2:]
    start = time.process_time()
    assert open_photo(data).image.size == make_picture().size
    assert time.process_time() - start < 20  # a wide margin: it takes some hundredths of a second


def test_too_many_jpeg_scans_are_refused() -> None:
    data = encode_picture(make_picture(), "JPEG", progressive=True)
    last = data.rindex(b"\xff\xda")
    with pytest.raises(ImageError, match="scans"):
        open_photo(data[:last] + data[last:-2] * 1000 + data[-2:])


def test_trailing_data_is_dropped() -> None:
    data = encode_picture(make_picture(), "JPEG") + b"<script>alert(1)</script>PK\x03\x04"
    assert b"script" not in open_photo(data).image.tobytes()


@pytest.mark.parametrize("name", ["missing.jpg", "a\0b.jpg", "x" * 5000, "."])
def test_invalid_paths(tmp_path: Path, name: str) -> None:
    with pytest.raises(ImageError):
        open_photo(tmp_path / name)


def test_devices_are_not_read() -> None:
    with pytest.raises(ImageError, match="not a file"):
        open_photo("/dev/zero")


# -- HEIC -------------------------------------------------------------------------------------------------------------

HEIC_START = b"\0\0\0\x18ftypheic\0\0\0\0heicmif1"


def test_heic_without_its_library(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pillow_heif", None)
    with pytest.raises(MissingExtra, match="heic"):
        open_photo(HEIC_START + bytes(100))


def test_heic() -> None:
    heif = pytest.importorskip("pillow_heif")
    exif = Image.Exif()
    exif[0x0112] = 6
    file = io.BytesIO()
    heif.from_pillow(make_picture().transpose(Image.Transpose.ROTATE_90)).save(file, exif=exif.tobytes(), quality=90)
    photo = open_photo(file.getvalue())
    assert photo.image.size == make_picture().size
    assert np.abs(np.asarray(photo.image).astype(int) - np.asarray(make_picture())).mean() < 8
    with pytest.raises(ImageError, match="HEIF"):
        open_photo(file.getvalue()[:300])
