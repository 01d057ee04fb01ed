"""What an engine costs on this machine, measured in a process of its own: every command is one.

Where it was started once already, an engine finds its program in memory and seems to start for nothing.
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
"""How far an engine's image may be from torch's in float32, at most: else it is not used."""

IMAGES = 3
PATIENCE = 900.0  # seconds for one process

_START = "import sys; sys.path = {path!r}; from faceloom.engines.measure import main; main(sys.argv[1])"


@dataclass(frozen=True)
class Speed:
    """What an engine costs, in seconds."""

    start: float  # until the first image, with whatever it keeps from earlier times already there
    image: float  # each

    def job(self, images: int) -> float:
        """The time for a number of images."""
        return self.start + images * self.image


def measure(model: GeneratorModel, choice: Choice) -> Speed:
    """Measure torch at once, another engine in the second of two new processes: the first makes what is kept.

    Raises EngineError for an engine that fails, or draws another picture.
    """
    if choice.engine == "torch":
        return _measure(model, choice)
    with TemporaryDirectory(prefix="faceloom-engine-") as folder:
        job = Path(folder) / "job.pt"
        torch.save((model, choice, torch.get_num_threads()), job)
        _in_a_process(job)
        return _in_a_process(job)


def _in_a_process(job: Path) -> Speed:
    command = [sys.executable, "-c", _START.format(path=sys.path), str(job)]
    try:
        done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, timeout=PATIENCE, check=True)
        facts: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    except subprocess.CalledProcessError as error:
        reason = error.stderr.decode(errors="replace").strip().rpartition("\n")[2]
        raise EngineError(f"it fails: {reason}"[:300]) from error
    except (subprocess.TimeoutExpired, ValueError, IndexError) as error:
        raise EngineError("it does not come to an end") from error
    return Speed(**facts)


def main(job: str) -> None:
    """The new process: measure what the file `job` of our own says, and print it."""
    keep_memory()
    model, choice, threads = torch.load(job, weights_only=False)
    torch.set_num_threads(threads)
    print(json.dumps(asdict(_measure(model, choice))))  # noqa: T201 - to the process that asked


@torch.no_grad()
def _measure(model: GeneratorModel, choice: Choice) -> Speed:
    w_plus = broadcast(model.G.w_avg[None], model.G.num_ws)
    begin = time.perf_counter()
    G = open_engine(model, choice).G
    img = G.synthesis(w_plus)
    start = time.perf_counter() - begin
    if not (img - model.G.synthesis(w_plus)).abs().max() <= TOLERANCE[choice.precision]:
        raise EngineError("it draws another picture")
    image = min(_seconds(G, w_plus) for _ in range(IMAGES))
    return Speed(max(0.0, start - image), image)


def _seconds(G: Generator, w_plus: torch.Tensor) -> float:
    begin = time.perf_counter()
    G.synthesis(w_plus)
    return time.perf_counter() - begin
