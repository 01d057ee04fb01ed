"""Curves as inline SVG."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

Point = tuple[float, float]
WIDTH, HEIGHT = 720, 220
LEFT, RIGHT, TOP, BOTTOM = 56, 12, 12, 28
COLORS = ("#2b6cb0", "#c05621", "#2f855a", "#805ad5")
MAX_POINTS = 600
"""Maximum number of points of a curve; neighboring points are averaged."""


@dataclass(frozen=True)
class Curve:
    """A named sequence of points (x, y), sorted by x."""

    name: str
    points: Sequence[Point]


def plot(title: str, curves: Sequence[Curve], unit: str = "kimg", level: float | None = None) -> str:
    """Draw curves over one axis, with a dashed line at `level`; the result is empty when no curve has two points."""
    curves = [Curve(curve.name, downsample(curve.points)) for curve in curves if len(curve.points) > 1]
    if not curves:
        return ""
    xs = [x for curve in curves for x, _ in curve.points]
    ys = [y for curve in curves for _, y in curve.points] + ([] if level is None else [level])
    frame = _Frame(min(xs), max(xs), *_add_margin(min(ys), max(ys)))
    parts = [_axes(frame, unit)]
    if level is not None:
        y = frame.y(level)
        parts.append(f'<line class="level" x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{y:.1f}" y2="{y:.1f}"/>')
    legend = []
    for curve, color in zip(curves, COLORS, strict=False):
        path = " ".join(f"{frame.x(x):.1f},{frame.y(y):.1f}" for x, y in curve.points)
        parts.append(f'<polyline points="{path}" stroke="{color}"/>')
        legend.append(f'<span style="color:{color}">{escape(curve.name)} {curve.points[-1][1]:.3g}</span>')
    body = "".join(parts)
    caption = f"<figcaption><b>{escape(title)}</b> {' '.join(legend)}</figcaption>"
    return f'<figure>{caption}<svg viewBox="0 0 {WIDTH} {HEIGHT}" role="img">{body}</svg></figure>'


@dataclass(frozen=True)
class _Frame:
    """The ranges of both axes."""

    x0: float
    x1: float
    y0: float
    y1: float

    def x(self, value: float) -> float:
        """Return the horizontal position of a value in the picture."""
        return LEFT + (value - self.x0) / ((self.x1 - self.x0) or 1) * (WIDTH - LEFT - RIGHT)

    def y(self, value: float) -> float:
        """Return the vertical position of a value in the picture."""
        return HEIGHT - BOTTOM - (value - self.y0) / (self.y1 - self.y0) * (HEIGHT - TOP - BOTTOM)


def _add_margin(least: float, most: float) -> Point:
    room = 0.05 * (most - least) or max(abs(most), 1) * 0.05
    return least - room, most + room


def _axes(frame: _Frame, unit: str) -> str:
    lines = []
    for value in axis_ticks(frame.y0, frame.y1, 4):
        y = frame.y(value)
        lines.append(f'<line class="grid" x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{y:.1f}" y2="{y:.1f}"/>')
        lines.append(f'<text x="{LEFT - 6}" y="{y + 4:.1f}" text-anchor="end">{value:.4g}</text>')
    for value in axis_ticks(frame.x0, frame.x1, 6):
        lines.append(f'<text x="{frame.x(value):.1f}" y="{HEIGHT - 8}" text-anchor="middle">{value:.4g}</text>')
    lines.append(f'<text x="{WIDTH - RIGHT}" y="{TOP + 2}" text-anchor="end">{escape(unit)}</text>')
    return "".join(lines)


def axis_ticks(least: float, most: float, about: int) -> list[float]:
    """Return round numbers within a range, spaced by 1, 2 or 5 times a power of ten."""
    if not most > least:
        return [least]
    raw = (most - least) / about
    power = 10.0 ** math.floor(math.log10(raw))
    step = next(factor * power for factor in (1, 2, 5, 10) if factor * power >= raw)
    first = math.ceil(least / step - 1e-9)
    return [round(i * step, 10) for i in range(first, math.floor(most / step + 1e-9) + 1)]


def downsample(points: Sequence[Point]) -> list[Point]:
    """Reduce a curve to at most MAX_POINTS points by averaging neighbors."""
    size = -(-len(points) // MAX_POINTS)
    groups = [points[i : i + size] for i in range(0, len(points), size)]
    return [(sum(x for x, _ in group) / len(group), sum(y for _, y in group) / len(group)) for group in groups]
