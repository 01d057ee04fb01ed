"""Saving of pictures: complete or not at all, without the source's metadata, marked when a model made them."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any
from xml.sax.saxutils import escape

from PIL import Image
from PIL.PngImagePlugin import PngInfo

from faceloom.errors import ImageError
from faceloom.files import atomic_write
from faceloom.images.tensors import Picture, to_photo

FORMATS = {".png": "PNG", ".jpg": "JPEG", ".jpeg": "JPEG", ".webp": "WEBP"}
SOURCE_TYPES = "http://cv.iptc.org/newscodes/digitalsourcetype/"  # prefix of the IPTC's identifiers, never fetched
QUALITY = 95  # of JPEG and lossy WebP

_XMP = """<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?>
<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">
<rdf:Description rdf:about="" xmlns:Iptc4xmpExt="http://iptc.org/std/Iptc4xmpExt/2008-02-29/"
 xmlns:xmp="http://ns.adobe.com/xap/1.0/" xmlns:dc="http://purl.org/dc/elements/1.1/">
<xmp:CreatorTool>faceloom</xmp:CreatorTool>{body}
</rdf:Description></rdf:RDF></x:xmpmeta>
<?xpacket end="w"?>"""


def save_picture(
    picture: Picture, path: Path | str, *, ai_generated: bool, composite: bool = False, description: str = ""
) -> Path:
    """Write a picture as PNG, JPEG or WebP, by the path's suffix, and return the path.

    Only the pixels of `picture` are written: no EXIF, no location, no thumbnail. With `ai_generated`, XMP metadata
    (IPTC DigitalSourceType) says that a model made the picture, or with `composite` a part of it.
    Raises ImageError for another suffix, StoreError when the file cannot be written.
    """
    path = Path(path)
    format = FORMATS.get(path.suffix.lower())
    if format is None:
        raise ImageError(
            f"cannot save as '{path.suffix or path.name}': expected {', '.join(FORMATS)}",
            "change the file name's suffix",
        )
    photo = copy_pixels(to_photo(picture))
    with atomic_write(path) as draft:
        photo.save(draft, format=format, **_save_options(format, xmp_packet(ai_generated, composite, description)))
    return path


def copy_pixels(photo: Image.Image) -> Image.Image:
    """Copy the pixels only, without the profile, comment and EXIF that Pillow would carry over from the source."""
    copy = Image.new(photo.mode, photo.size)
    copy.paste(photo)
    return copy


def xmp_packet(ai_generated: bool, composite: bool = False, description: str = "") -> bytes:
    """Return the XMP packet with the creator tool, the kind of source and a description; empty without the last two.

    Source: IPTC Photo Metadata Standard, "Digital Source Type".
    """
    body = ""
    if ai_generated or composite:
        kind = "compositeWithTrainedAlgorithmicMedia" if composite else "trainedAlgorithmicMedia"
        body += f"\n<Iptc4xmpExt:DigitalSourceType>{SOURCE_TYPES}{kind}</Iptc4xmpExt:DigitalSourceType>"
    if description:
        text = escape(re.sub(r"[^\t\n\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]", "", description))
        body += f'\n<dc:description><rdf:Alt><rdf:li xml:lang="x-default">{text}</rdf:li></rdf:Alt></dc:description>'
    return _XMP.format(body=body).encode() if body else b""


def _save_options(format: str, xmp: bytes) -> dict[str, Any]:
    if format == "PNG":
        text = PngInfo()
        if xmp:
            text.add_itxt("XML:com.adobe.xmp", xmp.decode())
        return {"pnginfo": text}
    options: dict[str, Any] = {"quality": QUALITY} | ({"xmp": xmp} if xmp else {})
    return options | ({"subsampling": 0} if format == "JPEG" else {})
