"""What a run measures on its way: means between two ticks, one JSON line a tick."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from faceloom.errors import StoreError
from faceloom.files import replacing
from faceloom.train.distributed import Ranks

NAMES = ("loss_g", "loss_d", "logits_real", "logits_fake", "sign_real", "sign_fake", "penalty", "path_length")
FILE = "stats.jsonl"


class Means:
    """Sums and counts, kept where the images are, so that no step waits for them."""

    def __init__(self, device: str = "cpu") -> None:
        self.sums = torch.zeros(len(NAMES), 2, dtype=torch.float32, device=device)

    def add(self, **values: Tensor) -> None:
        """Add every number of `values`, by name."""
        for name, value in values.items():
            row = self.sums[NAMES.index(name)]
            row[0] += value.detach().float().sum()
            row[1] += value.numel()

    def taken(self, ranks: Ranks) -> dict[str, float]:
        """Give the means over all processes, without those of which nothing was measured, and begin anew."""
        ranks.add([self.sums])
        rows = self.sums.tolist()
        self.sums.zero_()
        return {name: total / count for name, (total, count) in zip(NAMES, rows, strict=True) if count}


def append(path: Path, line: Mapping[str, Any]) -> None:
    """Append one line; numbers that are none become null. Raises StoreError when the disk refuses."""
    try:
        with path.open("a", encoding="utf-8") as file:
            file.write(json.dumps(_plain(line), ensure_ascii=False) + "\n")
    except OSError as error:
        raise StoreError(f"cannot write {path}: {error.strerror}", "is the disk full?") from error


def read(path: Path) -> list[dict[str, Any]]:
    """Read all whole lines: a line that was cut by a crash is left out."""
    if not path.exists():
        return []
    lines = []
    for text in path.read_text(encoding="utf-8", errors="replace").splitlines():
        try:
            line = json.loads(text)
        except ValueError:
            continue
        if isinstance(line, dict):
            lines.append(line)
    return lines


def rewind(path: Path, nimg: int) -> None:
    """Forget what was measured after image `nimg`: a resumed run measures it again."""
    if path.exists():
        kept = [line for line in read(path) if line.get("nimg", 0) <= nimg]
        with replacing(path) as draft:
            draft.write_text("".join(json.dumps(line, ensure_ascii=False) + "\n" for line in kept), encoding="utf-8")


def column(lines: Iterable[Mapping[str, Any]], name: str) -> list[tuple[float, float]]:
    """One measured thing over the run: (kimg, value), where it was measured."""
    there = [line for line in lines if isinstance(line.get(name), int | float) and "kimg" in line]
    return sorted((line["kimg"], line[name]) for line in there)


def _plain(line: Mapping[str, Any]) -> dict[str, Any]:
    return {
        name: None if isinstance(value, float) and not math.isfinite(value) else value for name, value in line.items()
    }
