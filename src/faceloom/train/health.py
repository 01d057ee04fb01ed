"""Diagnosis of a run from its statistics: overfitting, collapse, divergence and stagnation, each with advice."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from faceloom.train.config import TrainConfig
from faceloom.train.snapshot import snapshot_name
from faceloom.train.stats import column

Line = Mapping[str, Any]
RECENT_TICKS = 5
"""Number of last ticks that a diagnosis considers."""
EARLY_KIMG = 50
"""Thousand images before which overfitting is not diagnosed: D is confident only because G is still poor."""


@dataclass(frozen=True)
class Finding:
    """A problem of a run, with advice.

    Convention: `code` is one of diverged, overfits, collapsed, stands_still, weak_d.
    """

    code: str
    what: str
    advice: str


def examine(lines: Sequence[Line], config: TrainConfig) -> tuple[Finding, ...]:
    """Diagnose a run from all lines of its statistics."""
    findings = (
        _diverged(lines),
        _overfits(lines, config),
        _weak_d(lines),
        _collapsed(lines),
        _stands_still(lines, config),
    )
    return tuple(finding for finding in findings if finding)


def _diverged(lines: Sequence[Line]) -> Finding | None:
    last = next((line for line in reversed(lines) if "loss_d" in line), {})
    broken = [
        name for name in ("loss_g", "loss_d", "logits_real", "logits_fake") if name in last and last[name] is None
    ]
    if not broken and max(abs(last.get("logits_real") or 0), abs(last.get("logits_fake") or 0)) < 200:
        return None
    what = f"the run has diverged: {' and '.join(broken)} is not finite" if broken else "D's scores grow without bound"
    return Finding(
        "diverged", what, "multiply --gamma by four and restart from the previous snapshot with --from; or use fp32"
    )


def _overfits(lines: Sequence[Line], config: TrainConfig) -> Finding | None:
    """Detect overfitting: r_t stays high although p is at its maximum, or nothing is augmented."""
    signs = [value for _, value in column(lines, "sign_real")][-RECENT_TICKS:]
    early = max((line.get("kimg", 0) for line in lines), default=0) < EARLY_KIMG
    if early or len(signs) < RECENT_TICKS or min(signs) < 0.8:
        return None
    p = next((line["p"] for line in reversed(lines) if "p" in line), 0.0)
    what = f"D has memorized the training images: it scores {(1 + signs[-1]) / 2:.0%} of them as real"
    if config.augment == "none":
        return Finding("overfits", what, "train with --augment ada; more pictures, or --mirror, help most")
    if config.augment == "ada" and p < 0.9:
        return None  # ADA is still raising p
    return Finding("overfits", what, "stop at the best snapshot; more pictures, --mirror, or a larger --gamma help")


def _weak_d(lines: Sequence[Line]) -> Finding | None:
    """Detect a discriminator that no longer distinguishes real from generated images, usually due to the penalty."""
    pairs = [(line["logits_real"], line["logits_fake"]) for line in lines if line.get("logits_real") is not None]
    pairs = [pair for pair in pairs[-RECENT_TICKS:] if pair[1] is not None]
    if len(pairs) < RECENT_TICKS or max(abs(real - fake) for real, fake in pairs) > 0.02:
        return None
    return Finding("weak_d", "D scores real and generated images the same", "divide --gamma by four")


def _collapsed(lines: Sequence[Line]) -> Finding | None:
    """Detect a collapse: the sheet's images differ far less than they did at their best."""
    spreads = [value for _, value in column(lines, "spread")][1:]
    if len(spreads) < 3 or spreads[-1] > 0.4 * max(spreads):
        return None
    rest = spreads[-1] / max(spreads)
    what = f"the generated images have become similar: {rest:.0%} of their greatest diversity remains"
    return Finding(
        "collapsed", what, "restart from the previous snapshot with --from, and multiply --gamma by two to four"
    )


def _stands_still(lines: Sequence[Line], config: TrainConfig) -> Finding | None:
    """Detect stagnation: the Frechet distance had its minimum more than a third of the run ago."""
    distances = column(lines, "frechet_vgg16")
    if len(distances) < 6:
        return None
    best_kimg, best = min(distances, key=lambda pair: pair[1])
    since, (now, value) = distances[-1][0] - best_kimg, distances[-1]
    if since < now / 3 or value < best * 1.02:
        return None
    name = snapshot_name("network-snapshot-", round(best_kimg * 1000), config.batch)
    return Finding(
        "stands_still",
        f"the Frechet distance (VGG16) has not improved for {since:.0f} kimg: {best:.4g} at {best_kimg:.0f} kimg",
        f"stop and use {name}; or continue with a larger --gamma",
    )
