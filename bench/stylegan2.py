"""`python -m bench.stylegan2 --official DIR`: speed of StyleGAN2 config F at 1024 px, ours and the official code.

DIR is a checkout of NVlabs/stylegan2-ada-pytorch, which runs its `ref` operations on a CPU. Weights are random. Every
side runs in its own process, and all run in turn, round after round, so that their memory and compilers do not affect
each other. 'plain' allocates memory as torch does by default, 'kept' as our command line does (`faceloom.memory`).
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import time
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

SIDES = (
    "official plain",
    "official kept",
    "faceloom plain torch fp32",
    "faceloom kept torch fp32",
    "faceloom kept torch bf16",
    "faceloom kept openvino fp32",
    "faceloom kept openvino bf16",
    "faceloom kept onnx fp32",
    "faceloom kept compile bf16",
)
SEARCHES = ("official", "torch")  # sides that compute gradients


def main() -> None:
    """Start the sides, run them in turn, print the medians and their speedup over the first side."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--official", type=Path, help="a checkout of stylegan2-ada-pytorch")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--sides", default=",".join(SIDES))
    parser.add_argument("--side", help="side that a child process runs")
    args = parser.parse_args()
    if args.side:
        serve_jobs(args.side, args.official)
        return
    sides = [side for side in args.sides.split(",") if args.official or not side.startswith("official")]
    children = {side: start_child(side, args.official) for side in sides}
    for child in children.values():
        run_job(child, "ready")
    for job in ("forward", "both"):
        rows = [side for side in sides if job == "forward" or any(word in side for word in SEARCHES)]
        times: dict[str, list[float]] = {side: [] for side in rows}
        for _ in range(args.rounds if job == "forward" else max(2, args.rounds // 2)):
            for side in rows:
                times[side].append(run_job(children[side], job))
        report("forward" if job == "forward" else "forward and backward", times)
    for child in children.values():
        child.stdin.close()
        child.wait()


def report(title: str, times: dict[str, list[float]]) -> None:
    """Print one table."""
    first = statistics.median(next(iter(times.values())))
    print(f"\n{title:<34}{'median s':>10}{'min s':>10}{'times':>8}")
    for side, seconds in times.items():
        median = statistics.median(seconds)
        print(f"{side:<34}{median:>10.3f}{min(seconds):>10.3f}{first / median:>8.2f}", flush=True)


def start_child(side: str, official: Path | None) -> Any:
    """Start a child process that waits for jobs."""
    command = [sys.executable, "-m", "bench.stylegan2", "--side", side]
    command += ["--official", str(official)] if official else []
    environment = os.environ | ({"BENCH_PLAIN": "1"} if " plain" in side else {})
    return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment)


def run_job(child: Any, job: str) -> float:
    """Run a job in a child; return the seconds it took."""
    child.stdin.write(f"{job}\n")
    child.stdin.flush()
    return float(child.stdout.readline())


def serve_jobs(side: str, official: Path | None) -> None:
    """Run jobs from the standard input, each once to warm up and then timed."""
    import torch

    torch.manual_seed(0)
    draw = official_synthesis(official) if side.startswith("official") else faceloom_synthesis(side)
    w_plus = torch.randn(1, 18, 512)

    def forward() -> None:
        with torch.no_grad():
            draw(w_plus)

    def both() -> None:
        w = w_plus.clone().requires_grad_()
        torch.autograd.grad(draw(w).square().mean(), w)

    jobs: dict[str, Callable[[], None]] = {"ready": forward, "forward": forward, "both": both}
    done = set()
    for line in sys.stdin:
        job = line.strip()
        if job not in done:
            jobs[job]()
            done.add(job)
        started = time.perf_counter()
        jobs[job]()
        print(time.perf_counter() - started, flush=True)


def official_synthesis(folder: Path | None) -> Callable[[Any], Any]:
    """Return the official generator's synthesis in evaluation mode, built as its scripts build config F."""
    warnings.simplefilter("ignore")
    sys.path.insert(0, str(folder))
    from training.networks import Generator

    sizes = {"channel_base": 32768, "channel_max": 512}
    G = Generator(512, 0, 512, 1024, 3, synthesis_kwargs=sizes).eval().requires_grad_(False)
    return lambda w_plus: G.synthesis(w_plus, noise_mode="const", force_fp32=True)


def faceloom_synthesis(side: str) -> Callable[[Any], Any]:
    """Return our generator's synthesis in the side's engine."""
    from faceloom.checkpoints.load import GeneratorModel
    from faceloom.engines import Choice, open_engine
    from faceloom.networks.stylegan2 import StyleGAN2

    _, _, engine, precision = side.split()
    G = StyleGAN2().eval().requires_grad_(False)
    model = GeneratorModel(G, "random", "stylegan2", "bench" + "0" * 59, "")
    return open_engine(model, Choice(engine, precision)).G.synthesis


if __name__ == "__main__":
    main()
