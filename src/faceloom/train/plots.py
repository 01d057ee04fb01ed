"""Curves as inline SVG. Knows numbers and text, nothing of training."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

Point = tuple[float, float]
WIDTH, HEIGHT = 720, 220
LEFT, RIGHT, TOP, BOTTOM = 56, 12, 12, 28
COLOURS = ("#2b6cb0", "#c05621", "#2f855a", "#805ad5")
MOST = 600
"""Points of a curve at most: neighbours are averaged."""


@dataclass(frozen=True)
class Curve:
    """A named row of points (x, y), sorted by x."""

    name: str
    points: Sequence[Point]


def plot(title: str, curves: Sequence[Curve], unit: str = "kimg", level: float | None = None) -> str:
    """Draw curves over one axis, with a dashed line at `level`; empty where no curve has two points."""
    curves = [Curve(curve.name, thinned(curve.points)) for curve in curves if len(curve.points) > 1]
    if not curves:
        return ""
    xs = [x for curve in curves for x, _ in curve.points]
    ys = [y for curve in curves for _, y in curve.points] + ([] if level is None else [level])
    frame = _Frame(min(xs), max(xs), *_roomy(min(ys), max(ys)))
    parts = [_axes(frame, unit)]
    if level is not None:
        y = frame.y(level)
        parts.append(f'<line class="level" x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{y:.1f}" y2="{y:.1f}"/>')
    legend = []
    for curve, colour in zip(curves, COLOURS, strict=False):
        path = " ".join(f"{frame.x(x):.1f},{frame.y(y):.1f}" for x, y in curve.points)
        parts.append(f'<polyline points="{path}" stroke="{colour}"/>')
        legend.append(f'<span style="color:{colour}">{escape(curve.name)} {curve.points[-1][1]:.3g}</span>')
    body = "".join(parts)
    caption = f"<figcaption><b>{escape(title)}</b> {' '.join(legend)}</figcaption>"
    return f'<figure>{caption}<svg viewBox="0 0 {WIDTH} {HEIGHT}" role="img">{body}</svg></figure>'


@dataclass(frozen=True)
class _Frame:
    x0: float
    x1: float
    y0: float
    y1: float

    def x(self, value: float) -> float:
        return LEFT + (value - self.x0) / ((self.x1 - self.x0) or 1) * (WIDTH - LEFT - RIGHT)

    def y(self, value: float) -> float:
        return HEIGHT - BOTTOM - (value - self.y0) / (self.y1 - self.y0) * (HEIGHT - TOP - BOTTOM)


def _roomy(least: float, most: float) -> Point:
    room = 0.05 * (most - least) or max(abs(most), 1) * 0.05
    return least - room, most + room


def _axes(frame: _Frame, unit: str) -> str:
    lines = []
    for value in steps(frame.y0, frame.y1, 4):
        y = frame.y(value)
        lines.append(f'<line class="grid" x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{y:.1f}" y2="{y:.1f}"/>')
        lines.append(f'<text x="{LEFT - 6}" y="{y + 4:.1f}" text-anchor="end">{value:.4g}</text>')
    for value in steps(frame.x0, frame.x1, 6):
        lines.append(f'<text x="{frame.x(value):.1f}" y="{HEIGHT - 8}" text-anchor="middle">{value:.4g}</text>')
    lines.append(f'<text x="{WIDTH - RIGHT}" y="{TOP + 2}" text-anchor="end">{escape(unit)}</text>')
    return "".join(lines)


def steps(least: float, most: float, about: int) -> list[float]:
    """Round numbers within a range: 1, 2 or 5 times a power of ten apart."""
    if not most > least:
        return [least]
    raw = (most - least) / about
    power = 10.0 ** math.floor(math.log10(raw))
    step = next(factor * power for factor in (1, 2, 5, 10) if factor * power >= raw)
    first = math.ceil(least / step - 1e-9)
    return [round(i * step, 10) for i in range(first, math.floor(most / step + 1e-9) + 1)]


def thinned(points: Sequence[Point]) -> list[Point]:
    """At most MOST points: means of neighbours."""
    size = -(-len(points) // MOST)
    groups = [points[i : i + size] for i in range(0, len(points), size)]
    return [(sum(x for x, _ in group) / len(group), sum(y for _, y in group) / len(group)) for group in groups]
