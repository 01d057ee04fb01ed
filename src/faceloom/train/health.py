"""What a run's measurements say: overfitting, collapse, divergence, standstill, each with what to do. Knows numbers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from faceloom.train.config import TrainConfig
from faceloom.train.stats import column

Line = Mapping[str, Any]
RECENT = 5
"""Ticks that are looked at together."""
EARLY = 50
"""Thousand images before which D is sure of itself only because G draws badly yet."""


@dataclass(frozen=True)
class Finding:
    """Something that a person should know.

    Convention: `code` is one of diverged, overfits, collapsed, stands_still, weak_d.
    """

    code: str
    what: str
    advice: str


def examine(lines: Sequence[Line], config: TrainConfig) -> tuple[Finding, ...]:
    """Look at all lines of statistics so far."""
    found = (_diverged(lines), _overfits(lines, config), _weak_d(lines), _collapsed(lines), _stands_still(lines))
    return tuple(finding for finding in found if finding)


def _diverged(lines: Sequence[Line]) -> Finding | None:
    last = next((line for line in reversed(lines) if "loss_d" in line), {})
    broken = [
        name for name in ("loss_g", "loss_d", "logits_real", "logits_fake") if name in last and last[name] is None
    ]
    if not broken and max(abs(last.get("logits_real") or 0), abs(last.get("logits_fake") or 0)) < 200:
        return None
    what = f"the run has diverged: {' and '.join(broken)} is no number" if broken else "D's scores grow without bound"
    return Finding(
        "diverged", what, "raise --gamma four times and start again from the snapshot before, with --from; or use fp32"
    )


def _overfits(lines: Sequence[Line], config: TrainConfig) -> Finding | None:
    """r_t stays above its target although ADA may do no more, or nothing is augmented at all."""
    signs = [value for _, value in column(lines, "sign_real")][-RECENT:]
    early = max((line.get("kimg", 0) for line in lines), default=0) < EARLY
    if early or len(signs) < RECENT or min(signs) < 0.8:
        return None
    p = next((line["p"] for line in reversed(lines) if "p" in line), 0.0)
    what = f"D knows the training images by heart: it is sure of {(1 + signs[-1]) / 2:.0%} of them"
    if config.augment == "none":
        return Finding("overfits", what, "train with --augment ada; more pictures, or --mirror, help most")
    if config.augment == "ada" and p < 0.9:
        return None  # ADA is at it
    return Finding("overfits", what, "stop at the best snapshot; more pictures, --mirror, or a larger --gamma help")


def _weak_d(lines: Sequence[Line]) -> Finding | None:
    """D sees no difference any more: it is held down by too strong a penalty."""
    pairs = [(line["logits_real"], line["logits_fake"]) for line in lines if line.get("logits_real") is not None]
    pairs = [pair for pair in pairs[-RECENT:] if pair[1] is not None]
    if len(pairs) < RECENT or max(abs(real - fake) for real, fake in pairs) > 0.02:
        return None
    return Finding("weak_d", "D tells nothing apart: both kinds get the same score", "lower --gamma four times")


def _collapsed(lines: Sequence[Line]) -> Finding | None:
    """The sheet's images are far less different than they were at the best."""
    spreads = [value for _, value in column(lines, "spread")][1:]
    if len(spreads) < 3 or spreads[-1] > 0.4 * max(spreads):
        return None
    what = f"what is drawn has become alike: {spreads[-1] / max(spreads):.0%} of the greatest difference is left"
    return Finding(
        "collapsed", what, "go back to the snapshot before, with --from, and raise --gamma two to four times"
    )


def _stands_still(lines: Sequence[Line]) -> Finding | None:
    """The distance was at its least a third of the run ago."""
    distances = column(lines, "frechet_vgg16")
    if len(distances) < 6:
        return None
    best_kimg, best = min(distances, key=lambda pair: pair[1])
    since, (now, value) = distances[-1][0] - best_kimg, distances[-1]
    if since < now / 3 or value < best * 1.02:
        return None
    return Finding(
        "stands_still",
        f"the Frechet distance (VGG16) has not improved for {since:.0f} kimg: {best:.4g} at {best_kimg:.0f} kimg",
        f"stop, and take network-snapshot-{int(best_kimg):06d}; or go on with a larger --gamma",
    )
