"""Formats in which a cast is written, each from the same complete shards."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from faceloom.workflows.cast.formats import coco, imagefolder, nvidia, parquet, webdataset
from faceloom.workflows.cast.formats.entries import Writer


@dataclass(frozen=True)
class Format:
    """A format: the function that writes it, and one that raises MissingExtra where its library is missing."""

    write: Writer
    check: Callable[[], None] = lambda: None


FORMATS: Mapping[str, Format] = {
    "imagefolder": Format(imagefolder.write),
    "coco": Format(coco.write),
    "webdataset": Format(webdataset.write),
    "nvidia": Format(nvidia.write),
    "parquet": Format(parquet.write, parquet.check),
}
"""Every format by its name."""
