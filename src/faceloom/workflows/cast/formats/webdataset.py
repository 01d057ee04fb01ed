"""WebDataset shards: tar files in which NAME.png, NAME.mask.png and NAME.json belong together.

The same pictures give the same bytes: times, owners and modes are fixed. Source: webdataset, "The WebDataset Format".
"""

from __future__ import annotations

import io
import json
import tarfile
from collections.abc import Iterable
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from faceloom.workflows.cast.formats.entries import Entry

FOLDER = "webdataset"
PICTURES_A_SHARD = 1000


def write(entries: Iterable[Entry], folder: Path, card: dict[str, Any]) -> None:
    """Write webdataset/SPLIT-NNNNNN.tar, a thousand pictures each."""
    (folder / FOLDER).mkdir()
    counts: dict[str, int] = {}
    with ExitStack() as stack:
        open_tars: dict[str, tarfile.TarFile] = {}
        for entry in entries:
            count = counts[entry.split] = counts.get(entry.split, -1) + 1
            if count % PICTURES_A_SHARD == 0:
                if entry.split in open_tars:
                    open_tars[entry.split].close()
                name = folder / FOLDER / f"{entry.split}-{count // PICTURES_A_SHARD:06d}.tar"
                open_tars[entry.split] = stack.enter_context(tarfile.open(name, "w", format=tarfile.USTAR_FORMAT))
            tar = open_tars[entry.split]
            _add(tar, entry.picture.name, entry.picture.read_bytes())
            if entry.mask is not None:
                _add(tar, f"{entry.stem}.mask.png", entry.mask.read_bytes())
            _add(tar, f"{entry.stem}.json", json.dumps(entry.row, ensure_ascii=False).encode())


def _add(tar: tarfile.TarFile, name: str, content: bytes) -> None:
    info = tarfile.TarInfo(name)
    info.size, info.mode = len(content), 0o644
    tar.addfile(info, io.BytesIO(content))
