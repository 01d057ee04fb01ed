"""Marks of origin in picture files: the IPTC's digital source type, and content credentials (C2PA)."""

from __future__ import annotations

import re
from dataclasses import dataclass

AI_SOURCE_TYPES = (
    "trainedAlgorithmicMedia",
    "compositeWithTrainedAlgorithmicMedia",
    "compositeSynthetic",
    "trainedAlgorithmicData",
)
"""Digital source types of pictures that a model made wholly or in part.

Source: IPTC NewsCodes "Digital Source Type", and the C2PA specification for the last one.
"""

_CREDENTIALS = b"jumdc2pa"  # start of the description box of a C2PA manifest store (ISO 19566-5)
_SOURCE_TYPE = re.compile(
    rb"[dD]igital[sS]ource[tT]ype(?:/|>|=[\"']|\" ?: ?\")(?:https?://[^\s\"'<>]{1,80}/)?([A-Za-z]{4,50})(?![A-Za-z:])"
)


@dataclass(frozen=True, slots=True)
class Marks:
    """The marks in one file.

    `source_type` is the term of the IPTC's vocabulary, such as 'trainedAlgorithmicMedia' or 'digitalCapture', ''
    without one. `has_credentials` says whether the file holds a C2PA manifest. Signatures are not verified.
    """

    source_type: str = ""
    has_credentials: bool = False


def is_ai_source_type(source_type: str) -> bool:
    """Return whether a digital source type says that a model made the picture or a part of it."""
    return source_type.lower() in {known.lower() for known in AI_SOURCE_TYPES}


def read_marks(data: bytes, *metadata: bytes | str) -> Marks:
    """Return the marks in a picture file; an AI source type takes precedence over other types.

    Convention: `data` is the whole file; `metadata` are texts that the file stores compressed, such as the XMP packet
    of a PNG.
    """
    parts = [data, *(text.encode(errors="replace") if isinstance(text, str) else text for text in metadata)]
    terms = [match[1].decode() for part in parts if _may_hold_type(part) for match in _SOURCE_TYPE.finditer(part)]
    return Marks(
        next((term for term in terms if is_ai_source_type(term)), terms[0] if terms else ""), _CREDENTIALS in data
    )


def _may_hold_type(data: bytes) -> bool:
    """Return whether the pattern may occur: two plain searches are much faster than the pattern."""
    return b"ourceType" in data or b"ourcetype" in data
