"""Statistics of a run: means between two ticks, and a file with one JSON line per tick."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from faceloom.errors import StoreError
from faceloom.files import atomic_write
from faceloom.train.distributed import Ranks

NAMES = ("loss_g", "loss_d", "logits_real", "logits_fake", "sign_real", "sign_fake", "penalty", "path_length")
FILE = "stats.jsonl"


class RunningMeans:
    """Sums and counts on the training device, so that no step waits for them."""

    def __init__(self, device: str = "cpu") -> None:
        self.sums = torch.zeros(len(NAMES), 2, dtype=torch.float32, device=device)

    def add(self, **values: Tensor) -> None:
        """Add all numbers of each tensor under its name."""
        for name, value in values.items():
            row = self.sums[NAMES.index(name)]
            row[0] += value.detach().float().sum()
            row[1] += value.numel()

    def pop(self, ranks: Ranks) -> dict[str, float]:
        """Return the means over all processes, without names that have no values, and reset them."""
        ranks.add([self.sums])
        rows = self.sums.tolist()
        self.sums.zero_()
        return {name: total / count for name, (total, count) in zip(NAMES, rows, strict=True) if count}


def append(path: Path, line: Mapping[str, Any]) -> None:
    """Append one line; numbers that are not finite become null. Raises StoreError when the disk cannot be written."""
    try:
        with path.open("a", encoding="utf-8") as file:
            file.write(json.dumps(_plain(line), ensure_ascii=False) + "\n")
    except OSError as error:
        raise StoreError(f"cannot write {path}: {error.strerror}", "check whether the disk is full") from error


def read(path: Path) -> list[dict[str, Any]]:
    """Read all complete lines; a line that a crash cut off is skipped."""
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


def truncate(path: Path, nimg: int) -> None:
    """Delete lines that were measured after image `nimg`, because a resumed run measures them again."""
    if path.exists():
        remaining = [line for line in read(path) if line.get("nimg", 0) <= nimg]
        with atomic_write(path) as temp_path:
            temp_path.write_text(
                "".join(json.dumps(line, ensure_ascii=False) + "\n" for line in remaining), encoding="utf-8"
            )


def column(lines: Iterable[Mapping[str, Any]], name: str) -> list[tuple[float, float]]:
    """Return one quantity over the run as (kimg, value) pairs, without lines that lack it."""
    measured = [line for line in lines if isinstance(line.get(name), int | float) and "kimg" in line]
    return sorted((line["kimg"], line[name]) for line in measured)


def _plain(line: Mapping[str, Any]) -> dict[str, Any]:
    return {
        name: None if isinstance(value, float) and not math.isfinite(value) else value for name, value in line.items()
    }
