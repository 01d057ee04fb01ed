"""Detection of a file's kind by its first bytes, never by its name. Decodes nothing."""

from __future__ import annotations

import re
import struct

PICTURE_KINDS = ("JPEG", "PNG", "WEBP", "GIF", "AVIF", "HEIF")
"""Kinds of pictures that faceloom opens, in Pillow's names. Pillow's other decoders are deliberately not used."""

EXTRA_KINDS = ("TIFF", "BMP")
"""Kinds of pictures that are opened only on request."""

_SIGNATURES = {
    b"\xff\xd8\xff": "JPEG",
    b"\x89PNG\r\n\x1a\n": "PNG",
    b"GIF87a": "GIF",
    b"GIF89a": "GIF",
    b"%PDF": "PDF",
    b"%!PS": "PostScript",
    b"\xc5\xd0\xd3\xc6": "PostScript",
    b"II*\0": "TIFF",
    b"MM\0*": "TIFF",
    b"II+\0": "TIFF",  # BigTIFF
    b"MM\0+": "TIFF",
    b"8BPS": "Photoshop",
    b"BM": "BMP",
    b"SIMPLE  =": "FITS",
    b"\0\0\0\x0cjP  ": "JPEG 2000",
    b"\xff\x4f\xff\x51": "JPEG 2000",
    b"\0\0\x01\0": "icon",
    b"PK\x03\x04": "zip",
    b"\x1f\x8b": "gzip",
    b"\x1aE\xdf\xa3": "Matroska video",
}
_RIFF_KINDS = {b"WEBP": "WEBP", b"WAVE": "WAV sound"}
MAX_JPEG_SEGMENTS = 10_000  # maximum number of segments before a JPEG's first scan
_JPEG_MARKER = re.compile(rb"\xff([^\xff\x00])")
_HEIF_BRANDS = {b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1"}


def detect_file_kind(data: bytes) -> str:
    """Return a file's kind by its content: one of PICTURE_KINDS, another known kind, or '' for an unknown one."""
    if data[:4] == b"RIFF":
        return _RIFF_KINDS.get(data[8:12], "")
    if data[4:8] == b"ftyp":
        return _detect_iso_kind(data)
    for signature, kind in _SIGNATURES.items():
        if data.startswith(signature):
            return kind
    start = data[:512].lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    if b"<svg" in start:
        return "SVG"
    return "web page" if start.startswith((b"<!doctype html", b"<html")) else ""


def _detect_iso_kind(data: bytes) -> str:
    """Distinguish AVIF, HEIF and MP4 by the brands in the `ftyp` box (ISO/IEC 14496-12, 4.3)."""
    length = min(int.from_bytes(data[:4]), 256)
    brands = {data[8:12]} | {data[i : i + 4] for i in range(16, length, 4)}
    if brands & {b"avif", b"avis"}:
        return "AVIF"
    return "HEIF" if brands & _HEIF_BRANDS else "MP4 video"


def read_webp_size(data: bytes) -> tuple[int, int] | None:
    """Read (width, height) from a WebP header; return None for an unknown header.

    Pillow's WebP reader allocates the whole canvas when it opens a file, so the size must be checked before.
    Source: RFC 9649, sections 2.5-2.7.
    """
    chunk, body = data[12:16], data[20:30]
    if len(body) < 10:
        return None
    if chunk == b"VP8X":
        return 1 + int.from_bytes(body[4:7], "little"), 1 + int.from_bytes(body[7:10], "little")
    if chunk == b"VP8 " and body[3:6] == b"\x9d\x01\x2a":
        width, height = struct.unpack("<HH", body[6:10])
        return width & 0x3FFF, height & 0x3FFF
    if chunk == b"VP8L" and body[0] == 0x2F:
        bits = int.from_bytes(body[1:5], "little")
        return 1 + (bits & 0x3FFF), 1 + (bits >> 14 & 0x3FFF)
    return None


def is_sequential_jpeg(data: bytes) -> bool:
    """Return whether a JPEG is decoded from top to bottom in one scan, so that a decoder can reduce it row by row.

    Of a progressive JPEG, and of one with several scans, a decoder keeps the coefficients of the whole picture in
    memory. Source: ITU-T T.81, annex B.
    """
    components, at = 0, 2
    for _ in range(MAX_JPEG_SEGMENTS):
        found = _JPEG_MARKER.search(data, at)
        if found is None:
            return False
        marker, payload = found[1], found.end() + 2
        if marker == b"\xda":  # start of a scan
            return data[payload : payload + 1] == bytes([components])
        if marker in (b"\xc0", b"\xc1"):  # baseline and extended sequential frames
            components = int.from_bytes(data[payload + 5 : payload + 6])
        elif b"\xc2" <= marker <= b"\xcf" and marker not in (b"\xc4", b"\xc8", b"\xcc"):  # all other frames
            return False
        has_no_payload = marker == b"\x01" or b"\xd0" <= marker <= b"\xd8"
        at = found.end() + (0 if has_no_payload else max(2, int.from_bytes(data[found.end() : found.end() + 2])))
    return False
