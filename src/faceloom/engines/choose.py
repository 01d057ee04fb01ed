"""The choice of the fastest engine for a job on this machine, from speeds that are measured once and stored.

An engine takes its start time once and its image time for every image. The fastest one depends on the number of images.
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
from typing import Any

import torch

from faceloom.checkpoints.load import GeneratorModel
from faceloom.engines.engine import Choice
from faceloom.engines.measure import Speed, measure
from faceloom.engines.open import available_engines
from faceloom.errors import FaceloomError
from faceloom.files import atomic_write
from faceloom.settings import Settings

MIN_JOB_SECONDS = 120.0
"""Seconds that a job must take in torch before other engines are measured, because that takes as long."""


def choose_engine(
    model: GeneratorModel,
    images: int,
    *,
    precision: str = "fp32",
    device: str = "cpu",
    note: Callable[[str], None] | None = None,
) -> Choice:
    """Return the engine that completes a job of `images` images first.

    Unknown speeds are measured, if the job is long enough, and stored for this machine, its library versions, this
    generator and precision. `note` is called with messages about measurements and the choice. An engine that fails, or
    generates another image, is not chosen. Raises EngineError when torch itself cannot do it.
    """
    cache, key, note = SpeedCache(), _speed_key(model, precision, device), note or _ignore_note
    speeds = cache.load(key)
    if "torch" not in speeds:
        speeds["torch"] = measure(model, Choice("torch", precision, device))
        cache.save(key, speeds)
    for engine in available_engines(device):
        if engine not in speeds and speeds["torch"].job(images) > MIN_JOB_SECONDS:
            speeds[engine] = _measure_or_inf(model, Choice(engine, precision, device), note)
            cache.save(key, speeds)
    jobs = {engine: speed.job(images) for engine, speed in speeds.items() if engine in available_engines(device)}
    best = min(jobs, key=lambda engine: jobs[engine])
    if len(jobs) > 1:
        note(
            f"the engine '{best}' generates {images} images in about {jobs[best]:.0f} s, torch in {jobs['torch']:.0f} s"
        )
    return Choice(best, precision, device)


def _ignore_note(text: str) -> None: ...


class SpeedCache:
    """The measured speeds of this machine, in a JSON file in the user's folder. A damaged file is treated as empty."""

    def __init__(self, path: Path | None = None) -> None:
        self.path = path or Settings().home / "engines" / "speeds.json"

    def load(self, key: str) -> dict[str, Speed]:
        """Return the speeds stored under a key, by engine."""
        try:
            entries = self._load_all()[key]
            return {str(name): Speed(float(e["start"]), float(e["image"])) for name, e in entries.items()}
        except (KeyError, TypeError, ValueError, AttributeError):
            return {}

    def save(self, key: str, speeds: dict[str, Speed]) -> None:
        """Store the speeds under a key; other keys stay."""
        table = self._load_all() | {key: {name: asdict(speed) for name, speed in speeds.items()}}
        with atomic_write(self.path) as draft:
            draft.write_text(json.dumps(table, indent=2) + "\n", encoding="utf-8")

    def _load_all(self) -> dict[str, Any]:
        """Return the file's content, whose values are not checked; {} for a missing or damaged file."""
        try:
            table = json.loads(self.path.read_bytes())
        except (OSError, ValueError, RecursionError):
            return {}
        return table if isinstance(table, dict) else {}


def _measure_or_inf(model: GeneratorModel, choice: Choice, note: Callable[[str], None]) -> Speed:
    """Measure an engine; return infinite times for one that fails."""
    note(f"measuring the engine '{choice.engine}', once")
    try:
        return measure(model, choice)
    except (FaceloomError, OSError) as error:
        note(f"'{choice.engine}' is not used here: {error}")
        return Speed(math.inf, math.inf)


def _speed_key(model: GeneratorModel, precision: str, device: str) -> str:
    """Return a key of all that a speed depends on: processor, threads, versions, generator, precision, device."""
    facts = (
        platform.machine(),
        _processor_name(),
        os.cpu_count(),
        torch.get_num_threads(),
        torch.__version__,
        version("faceloom"),
        available_engines(device),
        torch.cuda.get_device_name() if device == "cuda" else "",
    )
    machine = hashlib.sha256(repr(facts).encode()).hexdigest()[:12]
    return f"{machine} {model.hash[:16]} {precision} {device}"


def _processor_name() -> str:
    """Return the processor's name, or '' if the system does not report it."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return platform.processor()
    return next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), "")
