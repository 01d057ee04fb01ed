"""Writes pictures: whole or not at all, nothing of the source's metadata, and a mark when a model made them."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any
from xml.sax.saxutils import escape

from PIL import Image
from PIL.PngImagePlugin import PngInfo

from faceloom.errors import ImageError
from faceloom.files import replacing
from faceloom.images.tensors import Picture, as_photo

FORMATS = {".png": "PNG", ".jpg": "JPEG", ".jpeg": "JPEG", ".webp": "WEBP"}
SOURCE_TYPES = "http://cv.iptc.org/newscodes/digitalsourcetype/"  # an identifier of the IPTC, never fetched
QUALITY = 95

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
    """Write a picture as PNG, JPEG or WebP, by the path's suffix, and give back the path.

    Nothing but the pixels is taken from `picture`: no EXIF, no place, no thumbnail. When `ai_generated`, the file
    says so in XMP (IPTC DigitalSourceType): made by a model, or with `composite` a photo with a part made by one.
    Raises ImageError for another suffix, StoreError when the disk refuses.
    """
    path = Path(path)
    form = FORMATS.get(path.suffix.lower())
    if form is None:
        raise ImageError(
            f"cannot save as '{path.suffix or path.name}': expected {', '.join(FORMATS)}", "change the name's ending"
        )
    photo = clean_copy(as_photo(picture))
    with replacing(path) as draft:
        photo.save(draft, format=form, **_options(form, xmp_packet(ai_generated, composite, description)))
    return path


def clean_copy(photo: Image.Image) -> Image.Image:
    """Copy the pixels alone: what Pillow would carry over from the source (profile, comment, EXIF) stays behind."""
    copy = Image.new(photo.mode, photo.size)
    copy.paste(photo)
    return copy


def xmp_packet(ai_generated: bool, composite: bool = False, description: str = "") -> bytes:
    """Write the XMP packet: who made the file, by which kind of source, and a description. Empty if nothing is to say.

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


def _options(form: str, xmp: bytes) -> dict[str, Any]:
    if form == "PNG":
        text = PngInfo()
        if xmp:
            text.add_itxt("XML:com.adobe.xmp", xmp.decode())
        return {"pnginfo": text}
    options: dict[str, Any] = {"quality": QUALITY} | ({"xmp": xmp} if xmp else {})
    return options | ({"subsampling": 0} if form == "JPEG" else {})
