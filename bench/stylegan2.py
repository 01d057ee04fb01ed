"""`python -m bench.stylegan2 --official DIR`: StyleGAN2 config F at 1024 px, ours and the official reference path.

DIR is a checkout of NVlabs/stylegan2-ada-pytorch; on a CPU it runs its `ref` operations. Random weights. Every side is
a process of its own, all are asked in turn, round after round: so neither's memory or compiler touches the other.
'plain' allocates memory as torch does by default, 'kept' as our command line does (`faceloom.memory`).
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
SEARCHES = ("official", "torch")  # what gives gradients without another program


def main() -> None:
    """Start the sides, ask them in turn, print the medians and how many times the official's plain time fits in."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--official", type=Path, help="a checkout of stylegan2-ada-pytorch")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--sides", default=",".join(SIDES))
    parser.add_argument("--side", help="what a child is")
    args = parser.parse_args()
    if args.side:
        answer(args.side, args.official)
        return
    sides = [side for side in args.sides.split(",") if args.official or not side.startswith("official")]
    children = {side: start(side, args.official) for side in sides}
    for child in children.values():
        ask(child, "ready")
    for job in ("forward", "both"):
        rows = [side for side in sides if job == "forward" or any(word in side for word in SEARCHES)]
        times: dict[str, list[float]] = {side: [] for side in rows}
        for _ in range(args.rounds if job == "forward" else max(2, args.rounds // 2)):
            for side in rows:
                times[side].append(ask(children[side], job))
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


def start(side: str, official: Path | None) -> Any:
    """Start a child that waits for jobs."""
    command = [sys.executable, "-m", "bench.stylegan2", "--side", side]
    command += ["--official", str(official)] if official else []
    environment = os.environ | ({"BENCH_PLAIN": "1"} if " plain" in side else {})
    return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment)


def ask(child: Any, job: str) -> float:
    """Have a child do a job; the seconds that it took."""
    child.stdin.write(f"{job}\n")
    child.stdin.flush()
    return float(child.stdout.readline())


def answer(side: str, official: Path | None) -> None:
    """Be a child: do what is asked, once for warming up and then against the clock."""
    import torch

    torch.manual_seed(0)
    draw = official_network(official) if side.startswith("official") else ours(side)
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
        begin = time.perf_counter()
        jobs[job]()
        print(time.perf_counter() - begin, flush=True)


def official_network(folder: Path | None) -> Callable[[Any], Any]:
    """The official generator in evaluation mode, as its own scripts build config F."""
    warnings.simplefilter("ignore")
    sys.path.insert(0, str(folder))
    from training.networks import Generator

    sizes = {"channel_base": 32768, "channel_max": 512}
    G = Generator(512, 0, 512, 1024, 3, synthesis_kwargs=sizes).eval().requires_grad_(False)
    return lambda w_plus: G.synthesis(w_plus, noise_mode="const", force_fp32=True)


def ours(side: str) -> Callable[[Any], Any]:
    """Our generator in an engine."""
    from faceloom.checkpoints.load import GeneratorModel
    from faceloom.engines import Choice, open_engine
    from faceloom.networks.stylegan2 import StyleGAN2

    _, _, engine, precision = side.split()
    G = StyleGAN2().eval().requires_grad_(False)
    model = GeneratorModel(G, "random", "stylegan2", "bench" + "0" * 59, "")
    return open_engine(model, Choice(engine, precision)).G.synthesis


if __name__ == "__main__":
    main()
