"""The license of a generator, which a cast carries in every row."""

from __future__ import annotations

from faceloom.assets.manifest import MANIFEST
from faceloom.checkpoints.library import CARD, locate_generator
from faceloom.checkpoints.readers.native import read_card


def license_of(generator: str) -> str:
    """Return the license of a generator, as its card states it."""
    if generator in MANIFEST:
        return MANIFEST[generator].license
    return str(read_card(locate_generator(generator) / CARD).get("licence") or "unknown")
