"""Marks of origin in a file's metadata: the IPTC's digital source type, written and read, of faceloom and of others."""

from __future__ import annotations

import re
from dataclasses import dataclass
from xml.sax.saxutils import escape

from faceloom.marks.origin import Kind

SOURCE_TYPES = "http://cv.iptc.org/newscodes/digitalsourcetype/"  # prefix of the IPTC's identifiers, never fetched

AI_SOURCE_TYPES = (
    "trainedAlgorithmicMedia",
    "compositeWithTrainedAlgorithmicMedia",
    "compositeSynthetic",
    "trainedAlgorithmicData",
)
"""Digital source types of pictures that a model made wholly or in part.

Source: IPTC NewsCodes "Digital Source Type", and the C2PA specification for the last one.
"""

LAYERS = ("metadata", "watermark", "credentials")
"""The layers of marks. The metadata state which of them were written, so that a lost one is noticed."""

SOUND_LAYERS = ("metadata", "credentials")
"""The layers of marks of a sound, which has no watermark."""

_XMP = """<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?>
<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">
<rdf:Description rdf:about="" xmlns:Iptc4xmpExt="http://iptc.org/std/Iptc4xmpExt/2008-02-29/"
 xmlns:xmp="http://ns.adobe.com/xap/1.0/" xmlns:dc="http://purl.org/dc/elements/1.1/" xmlns:faceloom="urn:faceloom:1">
<xmp:CreatorTool>faceloom</xmp:CreatorTool>{body}
</rdf:Description></rdf:RDF></x:xmpmeta>
<?xpacket end="w"?>"""
_LAYERS = re.compile(rb"faceloom:layers>([a-z ]{1,80})<|faceloom layers: ([a-z ]{1,80})\.")
_CREDENTIALS = b"jumdc2pa"  # start of the description box of a C2PA manifest store (ISO 19566-5)
_SOURCE_TYPE = re.compile(
    rb"[dD]igital[sS]ource[tT]ype(?:/|>|=[\"']|\" ?: ?\")(?:https?://[^\s\"'<>]{1,80}/)?([A-Za-z]{4,50})(?![A-Za-z:])"
)


@dataclass(frozen=True, slots=True)
class Marks:
    """The marks in one file.

    `source_type` is the term of the IPTC's vocabulary, such as 'trainedAlgorithmicMedia' or 'digitalCapture', ''
    without one. `has_credentials` says whether the file holds a C2PA manifest. Signatures are not verified. `layers`
    are the layers of marks that faceloom wrote, as the metadata state them.
    """

    source_type: str = ""
    has_credentials: bool = False
    layers: tuple[str, ...] = ()


def is_ai_source_type(source_type: str) -> bool:
    """Return whether a digital source type says that a model made the picture or a part of it."""
    return source_type.lower() in {known.lower() for known in AI_SOURCE_TYPES}


def source_type_of(kind: Kind) -> str:
    """Return the IPTC's term for a kind of picture."""
    return "compositeWithTrainedAlgorithmicMedia" if kind == "composite" else "trainedAlgorithmicMedia"


def make_xmp(kind: Kind | None, description: str = "", layers: tuple[str, ...] = ()) -> bytes:
    """Return the XMP packet with the creator tool, the source type, a description and the layers of marks.

    It is empty without a kind and a description. Source: IPTC Photo Metadata Standard, "Digital Source Type".
    """
    body = ""
    if kind:
        term = SOURCE_TYPES + source_type_of(kind)
        body += f"\n<Iptc4xmpExt:DigitalSourceType>{term}</Iptc4xmpExt:DigitalSourceType>"
    if layers:
        body += f"\n<faceloom:layers>{' '.join(layers)}</faceloom:layers>"
    if description:
        text = escape(re.sub(r"[^\t\n\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]", "", description))
        body += f'\n<dc:description><rdf:Alt><rdf:li xml:lang="x-default">{text}</rdf:li></rdf:Alt></dc:description>'
    return _XMP.format(body=body).encode() if body else b""


def make_comment(kind: Kind, layers: tuple[str, ...] = ()) -> str:
    """Return the mark of a film whose format holds a comment instead of XMP."""
    part = "A part of it AI-generated" if kind == "composite" else "AI-generated"
    stated = f". faceloom layers: {' '.join(layers)}." if layers else ""
    return f"{part} with faceloom ({SOURCE_TYPES}{source_type_of(kind)}){stated}"


def read_marks(data: bytes, *metadata: bytes | str) -> Marks:
    """Return the marks in a picture file; an AI source type takes precedence over other types.

    Convention: `data` is the whole file; `metadata` are texts that the file stores compressed, such as the XMP packet
    of a PNG.
    """
    parts = [data, *(text.encode(errors="replace") if isinstance(text, str) else text for text in metadata)]
    terms = [match[1].decode() for part in parts if _may_hold_type(part) for match in _SOURCE_TYPE.finditer(part)]
    source_type = next((term for term in terms if is_ai_source_type(term)), terms[0] if terms else "")
    return Marks(source_type, _CREDENTIALS in data, _read_layers(parts))


def _read_layers(parts: list[bytes]) -> tuple[str, ...]:
    found = (match for part in parts if b"faceloom" in part for match in _LAYERS.finditer(part))
    return next((tuple((match[1] or match[2]).decode().split()) for match in found), ())


def _may_hold_type(data: bytes) -> bool:
    """Return whether the pattern may occur: two plain searches are much faster than the pattern."""
    return b"ourceType" in data or b"ourcetype" in data
