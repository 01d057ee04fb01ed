"""`python -m bench.processes DATASET --work DIR`: speedup of training on CPUs by a second process.

One process on core 0 alternates with two by torchrun on cores 0 and 1, one core each, with the same batch; twice.
Needs taskset.
"""

from __future__ import annotations

import argparse
import os
import shutil
import statistics
import subprocess
import sys
from pathlib import Path

from faceloom.train import stats

PINNED = 'exec taskset -c "${LOCAL_RANK:-0}" "$0" -m faceloom train "$@"'


def main() -> None:
    """Run the trainings in turn, and print the speeds and their ratio."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path, help="a zip of `faceloom dataset make`")
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--preset", default="faces")
    parser.add_argument("--batch", type=int, default=64, help="images per step, over all processes")
    parser.add_argument("--precision", choices=("fp32", "bf16"), default="bf16")
    parser.add_argument("--minutes", type=float, default=0.6, help="duration of each of the four runs")
    args = parser.parse_args()
    results: dict[int, list[float]] = {1: [], 2: []}
    for _ in range(2):
        for processes, speeds in results.items():
            speeds.append(speed(processes, args))
            print(f"{processes}: {speeds[-1]:.1f} images/s", flush=True)
    single, double = (statistics.mean(speeds) for speeds in results.values())
    print(f"one process {single:.1f}, two {double:.1f} images/s: {double / single:.2f} times")


def speed(processes: int, args: argparse.Namespace) -> float:
    """Train and return the images per second: the median over the ticks without the first."""
    run = args.work / f"of{processes}"
    shutil.rmtree(run, ignore_errors=True)
    words = ["--data", args.data, "--out", run, "--preset", args.preset, "--part", 16, "--metrics", "none"]
    words += ["--minutes", args.minutes, "--tick", 0.2, "--precision", args.precision, "--batch", args.batch]
    torchrun = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2", "--no-python"]
    command = [*(torchrun if processes == 2 else []), "sh", "-c", PINNED, sys.executable, *map(str, words)]
    alone = {**os.environ, "OMP_NUM_THREADS": "1"}
    subprocess.run(command, env=alone, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    speeds: list[float] = [
        line["images_per_second"] for line in stats.read(run / stats.FILE) if "images_per_second" in line
    ]
    return statistics.median(speeds[1:])


if __name__ == "__main__":
    main()
