"""What can be looked at: a sheet of all reproductions, and quality against time."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from pathlib import Path

from PIL import Image, ImageDraw, ImageFont

from bench.inversion.results import Row, compared, median
from bench.judges import SAME
from faceloom.images import contact_sheet
from faceloom.images.sheet import INK, PAPER

COLOURS = ((196, 60, 40), (40, 100, 180), (90, 150, 60), (150, 90, 170), (120, 120, 120))
PANELS = {"lpips": "LPIPS, AlexNet", "mse": "MSE", "identity": "identity, cosine", "dlib": "identity, dlib's distance"}
SIDE, MARGIN = 460, 64


def picture_path(out: Path, row: Row) -> Path:
    """Where a reproduction lies."""
    return out / "pictures" / f"{Path(row.file).stem}-{row.seconds:g}-{row.method}.png"


def sheet(out: Path, rows: Sequence[Row], targets: dict[str, Image.Image], names: Sequence[str]) -> Image.Image:
    """The target and then every method: a row a portrait and budget."""
    by_key = {row.key: row for row in rows}
    empty = Image.new("RGB", (256, 256), PAPER)
    pictures, labels = [], []
    for file, seconds in sorted({(row.file, row.seconds) for row in rows if row.file in targets}):
        pictures.append(targets[file])
        labels.append(f"{seconds:g} s")
        for name in names:
            row = by_key.get((file, seconds, name))
            pictures.append(Image.open(picture_path(out, row)) if row else empty)
            labels.append(f"{name} {row.lpips:.3f}" if row else "")
    return contact_sheet(pictures, 1 + len(names), 192, labels)


def plot(rows: Sequence[Row], names: Sequence[str]) -> Image.Image:
    """Medians against the seconds taken, both on logarithmic scales (identity's is not), a panel a figure."""
    figures = [name for name in PANELS if not any(math.isnan(getattr(row, name)) for row in rows)]
    page = Image.new("RGB", (len(figures) * (SIDE + MARGIN) + MARGIN, SIDE + 2 * MARGIN), PAPER)
    for i, figure in enumerate(figures):
        _Panel(page, MARGIN + i * (SIDE + MARGIN), figure, rows, names).draw()
    return page


class _Panel:
    """One figure: axes, and a line a method."""

    def __init__(self, page: Image.Image, left: int, figure: str, rows: Sequence[Row], names: Sequence[str]) -> None:
        self.pen, self.left, self.figure = ImageDraw.Draw(page), left, figure
        self.font = ImageFont.load_default(size=15)
        self.lines: dict[str, list[tuple[float, float]]] = {name: [] for name in names}
        for methods in compared(rows).values():
            for name, done in methods.items():
                self.lines[name].append((median(done, "took"), median(done, figure)))
        points = [point for line in self.lines.values() for point in line]
        times, values = ([p[axis] for p in points] for axis in (0, 1))
        self.across = Scale(min(times) * 0.8, max(times) * 1.25, True)
        if figure in ("lpips", "mse"):
            self.up = Scale(min(values) / 1.15, max(values) * 1.15, True)
        else:
            best = 1.0 if figure == "identity" else SAME
            self.up = Scale(min(0.0, *values), max(best, *values) * 1.05, False)

    def draw(self) -> None:
        self.pen.text((self.left, MARGIN - 30), PANELS[self.figure], INK, self.font)
        self.pen.rectangle((self.left, MARGIN, self.left + SIDE, MARGIN + SIDE), outline=(190, 190, 190))
        for value in self.across.ticks():
            x, _ = self._at(value, self.up.low)
            self.pen.line((x, MARGIN, x, MARGIN + SIDE), (225, 225, 225))
            self.pen.text((x, MARGIN + SIDE + 14), f"{value:g} s", INK, self.font, anchor="mm")
        for value in self.up.ticks():
            _, y = self._at(self.across.low, value)
            self.pen.line((self.left, y, self.left + SIDE, y), (225, 225, 225))
            self.pen.text((self.left - 4, y), f"{value:g}", INK, self.font, anchor="rm")
        for number, (name, line) in enumerate(self.lines.items()):
            self._line(name, sorted(line), COLOURS[number % len(COLOURS)], number)

    def _line(self, name: str, line: list[tuple[float, float]], colour: tuple[int, int, int], number: int) -> None:
        points = [self._at(*point) for point in line]
        self.pen.line(points, colour, 4 if name == "ours" else 2, joint="curve")
        for x, y in points:
            self.pen.ellipse((x - 4, y - 4, x + 4, y + 4), fill=colour)
        x, y = self.left + 12 + 90 * number, MARGIN + SIDE + 40
        self.pen.ellipse((x - 4, y - 4, x + 4, y + 4), fill=colour)
        self.pen.text((x + 10, y), name, colour, self.font, anchor="lm")

    def _at(self, time: float, value: float) -> tuple[float, float]:
        return self.left + SIDE * self.across.part(time), MARGIN + SIDE * (1 - self.up.part(value))


class Scale:
    """From `low` to `high`, in equal steps or equal ratios."""

    def __init__(self, low: float, high: float, logarithmic: bool) -> None:
        self.low, self.high, self.logarithmic = low, high, logarithmic

    def part(self, value: float) -> float:
        """Where on the scale a value lies, 0...1."""
        if self.logarithmic:
            return math.log(value / self.low) / math.log(self.high / self.low)
        return (value - self.low) / (self.high - self.low)

    def ticks(self) -> list[float]:
        """Round numbers: fifths; or 1, 2, 5, 10 ...; or 1, 2, 3, 4 ... where that is too few."""
        if not self.logarithmic:
            return [n / 5 for n in range(-100, 100) if self.low <= n / 5 <= self.high]
        few, all_of_them = self._decades((1, 2, 5)), self._decades(range(1, 10))
        return few if len(few) > 2 else all_of_them

    def _decades(self, digits: Iterable[int]) -> list[float]:
        decades = range(math.floor(math.log10(self.low)), math.ceil(math.log10(self.high)) + 1)
        return [value for d in decades for m in digits if self.low <= (value := m * 10.0**d) <= self.high]
