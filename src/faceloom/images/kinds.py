"""Detection of a file's kind by its first bytes, never by its name. Decodes nothing."""

from __future__ import annotations

import struct

PICTURE_KINDS = ("JPEG", "PNG", "WEBP", "GIF", "AVIF", "HEIF")
"""Kinds of pictures that faceloom opens, in Pillow's names. Pillow's other decoders are deliberately not used."""

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
_HEIF_BRANDS = {b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1"}


def detect_file_kind(data: bytes) -> str:
    """Return a file's kind by its content: one of PICTURE_KINDS, another known kind, or '' for an unknown one."""
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return "WEBP"
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
