"""The report of a proof: a table, a plot as SVG, and what the figures do not show. Writes no files."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any
from xml.sax.saxutils import escape

from faceloom.workflows.prove import SOURCES, Measurement, ParserMeasurement, Proof
from faceloom.workflows.prove_data import CLASSES

WIDTH, ROW, LEFT, RIGHT = 720, 26, 250, 60  # pixels of the plot
COLORS = dict(zip(SOURCES, ("#d95f02", "#7570b3", "#1b9e77"), strict=True))

LIMITS = """The classes of the generated faces are read by faceloom's two analyzers. These learned from other networks
and from real faces, so the proof is not free of real labels: it shows what generated faces carry over, at no further
labeling. The networks are small and see 64 px. The accuracy is the mean of the classes. A few dozen test people tell
differences of several points only. The spread over seeds is that of training and of the chosen real faces, not that of
other test people. A task whose classes come from different sources of pictures can be solved by the source. Real faces
alone would do better with more of them, with a pretrained network, or with longer training. Nothing here says that the
generated faces are as varied as the people that a classifier will meet. The parser is compared with masks at 64 px, so
that an error of one pixel costs small parts much, and with what made the masks: where that errs, the figure errs."""


@dataclass(frozen=True)
class Row:
    """The accuracy of one source of faces in a task, over all seeds: mean and standard deviation, 0...1."""

    task: str
    source: str
    real: int
    mean: float
    spread: float
    validation: float
    tested: int
    people: int

    @property
    def label(self) -> str:
        """The source with the number of real faces."""
        return self.source if not self.real else f"{self.source}, {self.real} real"


def summarize(measurements: Sequence[Measurement]) -> list[Row]:
    """Return the mean and the spread over the seeds of every task, source and number of real faces."""
    groups: dict[tuple[str, str, int], list[Measurement]] = {}
    for one in measurements:
        groups.setdefault((one.task, one.source, one.real), []).append(one)
    order = sorted(groups, key=lambda key: (list(CLASSES).index(key[0]), key[2], SOURCES.index(key[1])))
    rows = []
    for key in order:
        group = groups[key]
        mean, spread = mean_and_spread([one.accuracy for one in group])
        checked, _ = mean_and_spread([one.validation for one in group])
        rows.append(Row(*key, mean, spread, checked, group[0].tested, group[0].people))
    return rows


def mean_and_spread(values: Sequence[float]) -> tuple[float, float]:
    """Return the mean and the standard deviation of a sample; 0 for a single value."""
    mean = sum(values) / len(values)
    if len(values) < 2:
        return mean, 0.0
    return mean, math.sqrt(sum((value - mean) ** 2 for value in values) / (len(values) - 1))


def to_markdown(proof: Proof) -> str:
    """Return the report as Markdown."""
    rows = summarize(proof.measurements)
    lines = [
        "# What generated faces teach",
        "",
        f"{proof.generated} generated faces, {len(proof.config.seeds)} seeds. Accuracies are in percent.",
        "",
        "| task | trained on | real faces | accuracy | spread | validation | test faces | test people |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for row in rows:
        figures = f"{100 * row.mean:.1f} | {100 * row.spread:.1f} | {_percent(row.validation)}"
        lines.append(f"| {row.task} | {row.source} | {row.real} | {figures} | {row.tested} | {row.people} |")
    if proof.parser:
        lines += ["", *_parser_table(proof.parser)]
    return "\n".join([*lines, "", "## What this does not show", "", LIMITS, ""])


def _parser_table(measurements: Sequence[ParserMeasurement]) -> list[str]:
    """Return the table of the parser's parts."""
    lines = [
        "A parser that was trained on the regions of generated faces only, on real test portraits: intersection over",
        "union with mattes (person) and masks (the others).",
        "",
        "| part | intersection over union | spread | the most frequent answer instead | test faces |",
        "|---|---|---|---|---|",
    ]
    for part in dict.fromkeys(one.part for one in measurements):
        group = [one for one in measurements if one.part == part]
        mean, spread = mean_and_spread([one.iou for one in group])
        lines.append(f"| {part} | {mean:.3f} | {spread:.3f} | {group[0].constant:.3f} | {group[0].tested} |")
    return lines


def to_json(proof: Proof) -> dict[str, Any]:
    """Return all measurements and settings as plain data; numbers that are not known become null."""
    facts = asdict(proof) | {"summary": [asdict(row) for row in summarize(proof.measurements)]}
    known: dict[str, Any] = _without_nan(facts)
    return known


def to_svg(proof: Proof) -> str:
    """Return a plot of the means with their spreads, one row for each source of faces."""
    rows = summarize(proof.measurements)
    tasks = list(dict.fromkeys(row.task for row in rows))
    low = math.floor(min(min(row.mean - row.spread for row in rows), 0.5) * 10) / 10
    height = ROW * (len(rows) + len(tasks)) + 50

    def x(value: float) -> float:
        return LEFT + (value - low) / (1 - low) * (WIDTH - LEFT - RIGHT)

    parts = [f'<rect width="{WIDTH}" height="{height}" fill="#ffffff"/>']
    for tick in range(round(low * 10), 11):
        at = x(tick / 10)
        parts.append(f'<line x1="{at:.1f}" y1="10" x2="{at:.1f}" y2="{height - 40}" stroke="#dddddd"/>')
        parts.append(_text(at, height - 22, f"{10 * tick}", "middle"))
    parts.append(_text((LEFT + WIDTH - RIGHT) / 2, height - 6, "accuracy on real test people, percent", "middle"))
    y = 10.0
    for task in tasks:
        y += ROW
        parts.append(_text(10, y - 8, f"{task}: {', '.join(CLASSES[task])}", "start", weight="bold"))
        for row in (row for row in rows if row.task == task):
            y += ROW
            parts += _draw_row(row, y - ROW / 2, x)
    body = "\n".join(parts)
    size = f'width="{WIDTH}" height="{height}" viewBox="0 0 {WIDTH} {height}"'
    return f'<svg xmlns="http://www.w3.org/2000/svg" {size} font-family="sans-serif" font-size="13">\n{body}\n</svg>\n'


def _draw_row(row: Row, y: float, x: Any) -> list[str]:
    color = COLORS[row.source]
    start, end = x(row.mean - row.spread), x(min(row.mean + row.spread, 1))
    return [
        _text(LEFT - 10, y + 4, row.label, "end"),
        f'<line x1="{start:.1f}" y1="{y}" x2="{end:.1f}" y2="{y}" stroke="{color}" stroke-width="3"/>',
        f'<circle cx="{x(row.mean):.1f}" cy="{y}" r="5" fill="{color}"/>',
        _text(WIDTH - RIGHT + 12, y + 4, f"{100 * row.mean:.1f}", "start"),
    ]


def _text(x: float, y: float, text: str, anchor: str, weight: str = "normal") -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" font-weight="{weight}">{escape(text)}</text>'


def _percent(value: float) -> str:
    return "" if math.isnan(value) else f"{100 * value:.1f}"


def _without_nan(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _without_nan(part) for key, part in value.items()}
    if isinstance(value, list | tuple):
        return [_without_nan(part) for part in value]
    return None if isinstance(value, float) and math.isnan(value) else value
