"""A contact sheet of all reproductions, and a plot of quality against time."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from pathlib import Path

from PIL import Image, ImageDraw, ImageFont

from bench.evaluators import SAME
from bench.inversion.results import Row, median, rows_by_method
from faceloom.images import make_contact_sheet
from faceloom.images.sheet import BACKGROUND_COLOR, TEXT_COLOR

COLORS = ((196, 60, 40), (40, 100, 180), (90, 150, 60), (150, 90, 170), (120, 120, 120))
PANELS = {"lpips": "LPIPS, AlexNet", "mse": "MSE", "identity": "identity, cosine", "dlib": "identity, dlib's distance"}
SIDE, MARGIN = 460, 64


def picture_path(out: Path, row: Row) -> Path:
    """Return the path of a reproduction."""
    return out / "pictures" / f"{Path(row.file).stem}-{row.seconds:g}-{row.method}.png"


def sheet(out: Path, rows: Sequence[Row], targets: dict[str, Image.Image], names: Sequence[str]) -> Image.Image:
    """Make a contact sheet with a row for each portrait and budget: the target, then every method."""
    by_key = {row.key: row for row in rows}
    empty = Image.new("RGB", (256, 256), BACKGROUND_COLOR)
    pictures, labels = [], []
    for file, seconds in sorted({(row.file, row.seconds) for row in rows if row.file in targets}):
        pictures.append(targets[file])
        labels.append(f"{seconds:g} s")
        for name in names:
            row = by_key.get((file, seconds, name))
            pictures.append(Image.open(picture_path(out, row)) if row else empty)
            labels.append(f"{name} {row.lpips:.3f}" if row else "")
    return make_contact_sheet(pictures, 1 + len(names), 192, labels)


def plot(rows: Sequence[Row], names: Sequence[str]) -> Image.Image:
    """Plot medians against the seconds taken, one panel per figure, on logarithmic scales except for identity."""
    figures = [name for name in PANELS if not any(math.isnan(getattr(row, name)) for row in rows)]
    page = Image.new("RGB", (len(figures) * (SIDE + MARGIN) + MARGIN, SIDE + 2 * MARGIN), BACKGROUND_COLOR)
    for i, figure in enumerate(figures):
        _Panel(page, MARGIN + i * (SIDE + MARGIN), figure, rows, names).draw()
    return page


class _Panel:
    """The axes of one figure and a line for each method."""

    def __init__(self, page: Image.Image, left: int, figure: str, rows: Sequence[Row], names: Sequence[str]) -> None:
        self.pen, self.left, self.figure = ImageDraw.Draw(page), left, figure
        self.font = ImageFont.load_default(size=15)
        self.lines: dict[str, list[tuple[float, float]]] = {name: [] for name in names}
        for methods in rows_by_method(rows).values():
            for name, rows_done in methods.items():
                self.lines[name].append((median(rows_done, "took"), median(rows_done, figure)))
        points = [point for line in self.lines.values() for point in line]
        times, values = ([p[axis] for p in points] for axis in (0, 1))
        self.across = Scale(min(times) * 0.8, max(times) * 1.25, True)
        if figure in ("lpips", "mse"):
            self.up = Scale(min(values) / 1.15, max(values) * 1.15, True)
        else:
            best = 1.0 if figure == "identity" else SAME
            self.up = Scale(min(0.0, *values), max(best, *values) * 1.05, False)

    def draw(self) -> None:
        """Draw the frame, the ticks and the lines."""
        self.pen.text((self.left, MARGIN - 30), PANELS[self.figure], TEXT_COLOR, self.font)
        self.pen.rectangle((self.left, MARGIN, self.left + SIDE, MARGIN + SIDE), outline=(190, 190, 190))
        for value in self.across.ticks():
            x, _ = self._at(value, self.up.low)
            self.pen.line((x, MARGIN, x, MARGIN + SIDE), (225, 225, 225))
            self.pen.text((x, MARGIN + SIDE + 14), f"{value:g} s", TEXT_COLOR, self.font, anchor="mm")
        for value in self.up.ticks():
            _, y = self._at(self.across.low, value)
            self.pen.line((self.left, y, self.left + SIDE, y), (225, 225, 225))
            self.pen.text((self.left - 4, y), f"{value:g}", TEXT_COLOR, self.font, anchor="rm")
        for number, (name, line) in enumerate(self.lines.items()):
            self._line(name, sorted(line), COLORS[number % len(COLORS)], number)

    def _line(self, name: str, line: list[tuple[float, float]], color: tuple[int, int, int], number: int) -> None:
        points = [self._at(*point) for point in line]
        self.pen.line(points, color, 4 if name == "ours" else 2, joint="curve")
        for x, y in points:
            self.pen.ellipse((x - 4, y - 4, x + 4, y + 4), fill=color)
        x, y = self.left + 12 + 90 * number, MARGIN + SIDE + 40
        self.pen.ellipse((x - 4, y - 4, x + 4, y + 4), fill=color)
        self.pen.text((x + 10, y), name, color, self.font, anchor="lm")

    def _at(self, time: float, value: float) -> tuple[float, float]:
        return self.left + SIDE * self.across.part(time), MARGIN + SIDE * (1 - self.up.part(value))


class Scale:
    """A linear or logarithmic scale from `low` to `high`."""

    def __init__(self, low: float, high: float, logarithmic: bool) -> None:
        self.low, self.high, self.logarithmic = low, high, logarithmic

    def part(self, value: float) -> float:
        """Return the position of a value on the scale, 0...1."""
        if self.logarithmic:
            return math.log(value / self.low) / math.log(self.high / self.low)
        return (value - self.low) / (self.high - self.low)

    def ticks(self) -> list[float]:
        """Return round numbers: fifths on a linear scale; 1, 2, 5, 10 ..., or all digits where these are too few."""
        if not self.logarithmic:
            return [n / 5 for n in range(-100, 100) if self.low <= n / 5 <= self.high]
        few, all_digits = self._decades((1, 2, 5)), self._decades(range(1, 10))
        return few if len(few) > 2 else all_digits

    def _decades(self, digits: Iterable[int]) -> list[float]:
        decades = range(math.floor(math.log10(self.low)), math.ceil(math.log10(self.high)) + 1)
        return [value for d in decades for m in digits if self.low <= (value := m * 10.0**d) <= self.high]
