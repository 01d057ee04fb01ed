"""Which engine is the fastest for a job on this machine: measured once, remembered, reckoned again for every job.

An engine costs its start once and its time for every image. Which one is best depends on how many images there are.
"""

from __future__ import annotations

import hashlib
import json
import math
import os
import platform
from collections.abc import Callable
from dataclasses import asdict
from importlib.metadata import version
from pathlib import Path

import torch

from faceloom.checkpoints.load import GeneratorModel
from faceloom.engines.engine import Choice
from faceloom.engines.measure import Speed, measure
from faceloom.engines.open import available
from faceloom.errors import FaceloomError
from faceloom.files import replacing
from faceloom.settings import Settings

WORTH = 120.0
"""Seconds that a job must take in torch before other engines are measured: their measurement takes as long."""


def choose(
    model: GeneratorModel,
    images: int,
    *,
    precision: str = "fp32",
    device: str = "cpu",
    note: Callable[[str], None] | None = None,
) -> Choice:
    """Choose the engine that ends a job of so many images first.

    What is not known yet is measured, if the job is long enough to be worth it, and remembered for this machine, its
    library versions, this generator and precision. `note` is told what is measured, and what is chosen of several. An
    engine that fails, or draws another picture, is not chosen. Raises EngineError when torch itself cannot do it.
    """
    kept, key, note = Memory(), _key(model, precision, device), note or _say_nothing
    known = kept.load(key)
    if "torch" not in known:
        known["torch"] = measure(model, Choice("torch", precision, device))
        kept.save(key, known)
    for engine in available(device):
        if engine not in known and known["torch"].job(images) > WORTH:
            known[engine] = _try(model, Choice(engine, precision, device), note)
            kept.save(key, known)
    jobs = {engine: speed.job(images) for engine, speed in known.items() if engine in available(device)}
    best = min(jobs, key=lambda engine: jobs[engine])
    if len(jobs) > 1:
        note(f"the engine '{best}' draws {images} in about {jobs[best]:.0f} s, torch in {jobs['torch']:.0f} s")
    return Choice(best, precision, device)


def _say_nothing(text: str) -> None: ...


class Memory:
    """The measured speeds of this machine, in one JSON file of the user's folder. A damaged one counts as empty."""

    def __init__(self, path: Path | None = None) -> None:
        self.path = path or Settings().home / "engines" / "speeds.json"

    def load(self, key: str) -> dict[str, Speed]:
        """The speeds known under a key, by engine."""
        try:
            entries = self._all()[key]
            return {str(name): Speed(float(e["start"]), float(e["image"])) for name, e in entries.items()}
        except (KeyError, TypeError, ValueError, AttributeError):
            return {}

    def save(self, key: str, speeds: dict[str, Speed]) -> None:
        """Remember the speeds under a key; other keys stay."""
        table = self._all() | {key: {name: asdict(speed) for name, speed in speeds.items()}}
        with replacing(self.path) as draft:
            draft.write_text(json.dumps(table, indent=2) + "\n", encoding="utf-8")

    def _all(self) -> dict[str, dict[str, dict[str, float]]]:
        try:
            table = json.loads(self.path.read_bytes())
        except (OSError, ValueError, RecursionError):
            return {}
        return table if isinstance(table, dict) else {}


def _try(model: GeneratorModel, choice: Choice, note: Callable[[str], None]) -> Speed:
    """Measure an engine; one that fails takes for ever."""
    note(f"measuring the engine '{choice.engine}', once")
    try:
        return measure(model, choice)
    except (FaceloomError, OSError) as error:
        note(f"'{choice.engine}' is not used here: {error}")
        return Speed(math.inf, math.inf)


def _key(model: GeneratorModel, precision: str, device: str) -> str:
    """All that a speed depends on: processor, threads, versions, generator, precision, device."""
    facts = (
        platform.machine(),
        _processor(),
        os.cpu_count(),
        torch.get_num_threads(),
        torch.__version__,
        version("faceloom"),
        available(device),
        torch.cuda.get_device_name() if device == "cuda" else "",
    )
    machine = hashlib.sha256(repr(facts).encode()).hexdigest()[:12]
    return f"{machine} {model.hash[:16]} {precision} {device}"


def _processor() -> str:
    """The processor's name, where the system tells it."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return platform.processor()
    return next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), "")
