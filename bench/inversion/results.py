"""Results of the measurement: a table on disk, from which a stopped run continues, and medians."""

from __future__ import annotations

import csv
import math
import statistics
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, fields
from pathlib import Path

from bench.evaluators import SAME


@dataclass(frozen=True)
class Row:
    """One portrait within one time budget by one method. The figures are those of `quality.Quality`."""

    file: str
    seconds: float  # the budget
    method: str
    took: float  # seconds, from call to return
    steps: int
    lpips: float
    lpips_vgg: float
    mse: float
    identity: float
    dlib: float

    @property
    def key(self) -> tuple[str, float, str]:
        """The portrait, the budget and the method, which identify a row."""
        return self.file, self.seconds, self.method

    def __str__(self) -> str:
        figures = (self.lpips, self.lpips_vgg, self.mse, self.identity, self.dlib)
        measured = "".join(f"{x:9.4f}" for x in figures)
        return f"{self.file:<14}{self.seconds:>6g} s  {self.method:<6}{self.took:8.2f} s{self.steps:>5} {measured}"


COLUMNS = ("LPIPS", "VGG", "MSE", "identity", "dlib")
HEADER = f"{'portrait':<14}{'given':>8}  {'by':<6}{'took':>10}{'steps':>5} " + "".join(f"{x:>9}" for x in COLUMNS)


def read_rows(path: Path) -> list[Row]:
    """Read the rows of earlier runs; the result is empty when there is no file."""
    if not path.exists():
        return []
    kinds: dict[str, Callable[[str], object]] = {"file": str, "method": str, "steps": int}
    with path.open(newline="") as table:
        return [Row(**{k: kinds.get(k, float)(v) for k, v in row.items()}) for row in csv.DictReader(table)]  # type: ignore[arg-type]


def append(path: Path, row: Row) -> None:
    """Append a row, and first the column names to a new file."""
    new = not path.exists()
    with path.open("a", newline="") as table:
        writer = csv.DictWriter(table, [field.name for field in fields(Row)])
        if new:
            writer.writeheader()
        writer.writerow(asdict(row))


def rows_by_method(rows: Sequence[Row]) -> dict[float, dict[str, list[Row]]]:
    """Group rows by seconds and method, with only those portraits that every method has completed, in one order."""
    groups: dict[float, dict[str, list[Row]]] = {}
    for row in sorted(rows, key=lambda row: (row.seconds, row.file)):
        groups.setdefault(row.seconds, {}).setdefault(row.method, []).append(row)
    for methods in groups.values():
        shared = set.intersection(*({row.file for row in method_rows} for method_rows in methods.values()))
        for name, method_rows in methods.items():
            methods[name] = [row for row in method_rows if row.file in shared]
    return {seconds: methods for seconds, methods in groups.items() if all(methods.values())}


def median(rows: Sequence[Row], figure: str) -> float:
    """Return the median of a column."""
    return statistics.median(float(getattr(row, figure)) for row in rows)


def medians(rows: Sequence[Row], names: Sequence[str]) -> str:
    """Return a Markdown table of medians.

    'to ours' is the ratio of LPIPS, above 1 where ours is better; 'ours ahead' counts portraits.
    """
    lines = [
        "| seconds | | n | took | steps | LPIPS | to ours | ours ahead | LPIPS-VGG | MSE | identity | dlib | same |",
        "|" + "---|" * 13,
    ]
    for seconds, methods in rows_by_method(rows).items():
        for name in sorted(methods, key=names.index):
            lines.append(_line(seconds, name, methods[name], methods.get("ours", [])))
    return "\n".join(lines)


def _line(seconds: float, name: str, rows: Sequence[Row], ours: Sequence[Row]) -> str:
    took, steps, lpips, vgg, mse, identity, dlib = (
        median(rows, x) for x in ("took", "steps", "lpips", "lpips_vgg", "mse", "identity", "dlib")
    )
    ratio = ahead = ""
    if ours and name != "ours":
        ratio = f"{lpips / median(ours, 'lpips'):.2f}"
        ahead = f"{sum(a.lpips < b.lpips for a, b in zip(ours, rows, strict=True))} of {len(rows)}"
    judged = not any(math.isnan(row.dlib) for row in rows)
    same = f"{sum(row.dlib < SAME for row in rows) / len(rows):.0%}" if judged else ""
    cells = (f"{seconds:g}", name, len(rows), f"{took:.2f}", f"{steps:.0f}", f"{lpips:.3f}", ratio, ahead)
    rest = (f"{vgg:.3f}", f"{mse:.4f}", f"{identity:.3f}", f"{dlib:.2f}" if judged else "", same)
    return "| " + " | ".join(map(str, cells + rest)) + " |"
