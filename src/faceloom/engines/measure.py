"""Measurement of an engine's start time and image time on this machine, in a process of its own.

In the same process, an engine that ran before would find its program in memory, and its start time would seem to be 0.
"""

from __future__ import annotations

import json
import subprocess
import sys
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import torch

from faceloom.checkpoints.load import GeneratorModel
from faceloom.engines.engine import Choice
from faceloom.engines.open import open_engine
from faceloom.errors import EngineError
from faceloom.latents import broadcast
from faceloom.memory import keep_memory
from faceloom.networks.generator import Generator

TOLERANCE = {"fp32": 1e-3, "bf16": 0.5, "fp16": 0.5}
"""Maximum difference of an engine's image from torch's in float32; an engine beyond it is not used."""

TIMED_IMAGES = 3  # the fastest of them counts
MEASURE_TIMEOUT = 900.0  # seconds that one process may take

_SUBPROCESS_CODE = "import sys; sys.path = {path!r}; from faceloom.engines.measure import main; main(sys.argv[1])"


@dataclass(frozen=True)
class Speed:
    """The times of an engine, in seconds."""

    start: float  # until the first image, when its caches on disk exist
    image: float  # per image

    def job(self, images: int) -> float:
        """Return the time for a number of images."""
        return self.start + images * self.image


def measure(model: GeneratorModel, choice: Choice) -> Speed:
    """Measure an engine: torch in this process, others in the second of two new ones, when the caches are filled.

    Raises EngineError for an engine that fails, or generates another image.
    """
    if choice.engine == "torch":
        return _measure(model, choice)
    with TemporaryDirectory(prefix="faceloom-engine-") as folder:
        job = Path(folder) / "job.pt"
        torch.save((model, choice, torch.get_num_threads()), job)
        _measure_in_subprocess(job)
        return _measure_in_subprocess(job)


def _measure_in_subprocess(job: Path) -> Speed:
    command = [sys.executable, "-c", _SUBPROCESS_CODE.format(path=sys.path), str(job)]
    try:
        process = subprocess.run(
            command, stdin=subprocess.DEVNULL, capture_output=True, timeout=MEASURE_TIMEOUT, check=True
        )
        facts: dict[str, Any] = json.loads(process.stdout.splitlines()[-1])
    except subprocess.CalledProcessError as error:
        reason = error.stderr.decode(errors="replace").strip().rpartition("\n")[2]
        raise EngineError(f"the engine fails: {reason}"[:300]) from error
    except (subprocess.TimeoutExpired, ValueError, IndexError) as error:
        raise EngineError("the engine does not finish") from error
    return Speed(**facts)


def main(job: str) -> None:
    """Measure the engine of the file `job` in the new process, and print the times as JSON."""
    keep_memory()
    model, choice, threads = torch.load(job, weights_only=False)
    torch.set_num_threads(threads)
    print(json.dumps(asdict(_measure(model, choice))))  # noqa: T201 - read by the parent process


@torch.no_grad()
def _measure(model: GeneratorModel, choice: Choice) -> Speed:
    w_plus = broadcast(model.G.w_avg[None], model.G.num_ws)
    begin = time.perf_counter()
    G = open_engine(model, choice).G
    img = G.synthesis(w_plus)
    start = time.perf_counter() - begin
    if not (img - model.G.synthesis(w_plus)).abs().max() <= TOLERANCE[choice.precision]:
        raise EngineError("the engine generates another image than torch")
    image = min(_seconds(G, w_plus) for _ in range(TIMED_IMAGES))
    return Speed(max(0.0, start - image), image)


def _seconds(G: Generator, w_plus: torch.Tensor) -> float:
    begin = time.perf_counter()
    G.synthesis(w_plus)
    return time.perf_counter() - begin
