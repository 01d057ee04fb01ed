"""`python -m bench.cast COMMAND`: casts judged by independent networks, their speed, memory, and what kill -9 leaves.

`judge FOLDER --evaluators DIR` compares the labels of an image folder with networks that took no part in any training
here; `speed` measures the CPU seconds of a face at several sizes, in turns; `kill --times N` ends casts with kill -9 at
random moments and compares what the next run makes with an undisturbed cast; `memory` watches one process.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import date
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image

from bench.evaluators import SAME, Evaluators
from bench.jury import to_judged
from faceloom.memory import keep_memory
from faceloom.threads import use_threads
from faceloom.workflows.cast.executors import CAST_THREADS
from faceloom.workflows.cast.job import Job, ShardMaker
from faceloom.workflows.cast.plan import Plan
from faceloom.workflows.studio import Studio

AGE_GROUPS = (20.0, 35.0, 55.0, 75.0)  # years that divide the groups of ages
MIXED = Plan(
    1000,
    attributes={
        "age": {"20-34": 1 / 3, "35-54": 1 / 3, "55-75": 1 / 3},
        "smile": {"yes": 0.5, "no": 0.5},
    },
    date="2026-11-27",
    credentials=False,
)


def main() -> None:
    """Run a command."""
    keep_memory()
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("command", choices=("judge", "speed", "kill", "memory"))
    parser.add_argument("folder", type=Path, nargs="?", help="folder of a cast, to judge")
    parser.add_argument("--evaluators", type=Path, help="folder with the judges' weights")
    parser.add_argument("--people", type=int, default=12)
    parser.add_argument("--times", type=int, default=20)
    parser.add_argument("--sizes", type=int, nargs="*", default=[256, 1024])
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args()
    if args.command == "judge":
        judge(args.folder, Evaluators(args.evaluators))
    elif args.command == "speed":
        measure_speed(args.people, args.sizes)
    elif args.command == "memory":
        measure_memory(args.people, args.sizes[0])
    else:
        kill(args.times, args.people, args.seed)


# -- judges -----------------------------------------------------------------------------------------------------------


def judge(folder: Path, evaluators: Evaluators) -> None:
    """Print how labels, cells and identities agree with the judges."""
    report = json.loads((folder / "cast.json").read_text(encoding="utf-8"))
    for cell in report["cells"]:
        print(f"{cell['cell']}: {cell['met']} of {cell['people']} in the cell")
    rows = [read_row(folder, *item) for item in iterate_rows(folder)]
    pixels = [row["pixels"] for row in rows]
    smiles = evaluators.smile(pixels)
    readings = evaluators.read(pixels)
    groups = np.digitize(readings.age, AGE_GROUPS), np.digitize([row["age"] for row in rows], AGE_GROUPS)
    apart = np.abs(groups[0] - groups[1])
    print(f"n = {len(rows)} pictures")
    print(f"age group the same {share(apart == 0)}, within one {share(apart <= 1)}, "
          f"mean difference {np.mean(readings.age - [row['age'] for row in rows]):+.1f} years")  # fmt: skip
    print(f"smile the same {share((smiles > 0.5) == (np.array([row['smile'] for row in rows]) > 0.5))}")
    print(f"gender the same {share((readings.male > 0.5) == (np.array([row['gender'] for row in rows]) > 0.5))}")
    print_identities(rows, readings.identity)


def print_identities(rows: Sequence[dict[str, Any]], identity: np.ndarray) -> None:
    """Print how often dlib tells pictures of one person, and of different people, apart."""
    same: list[bool] = []
    other: list[bool] = []
    for i, j in combinations(range(len(rows)), 2):
        is_same = rows[i]["person"] == rows[j]["person"]
        (same if is_same else other).append(bool(np.linalg.norm(identity[i] - identity[j]) < SAME))
    if same:
        print(f"one person: {share(np.array(same))} of {len(same)} pairs are the same to dlib")
    print(f"different people: {share(~np.array(other))} of {len(other)} pairs differ to dlib")


def iterate_rows(folder: Path) -> Iterator[tuple[Path, dict[str, Any]]]:
    """Yield the folder of each split with a row of its table."""
    for table in sorted(folder.glob("*/metadata.jsonl")):
        for line in table.read_text(encoding="utf-8").splitlines():
            yield table.parent, json.loads(line)


def read_row(folder: Path, root: Path, row: dict[str, Any]) -> dict[str, Any]:
    """Return a row with the picture as the judges see it."""
    with Image.open(root / row["file_name"]) as picture:
        return row | {"pixels": to_judged(picture)}


def share(hits: np.ndarray | Any) -> str:
    """Return a share in percent."""
    return f"{100 * float(np.mean(hits)):.1f} %"


# -- speed and memory -------------------------------------------------------------------------------------------------


def measure_speed(people: int, sizes: Sequence[int]) -> None:
    """Print CPU seconds of a face, with labels, masks and files, by size, in turns."""
    with use_threads(CAST_THREADS), tempfile.TemporaryDirectory() as folder:
        studio = Studio()
        jobs = {size: make_job(Path(folder) / str(size), size) for size in sizes}
        makers = {size: ShardMaker(studio, job) for size, job in jobs.items()}
        for maker in makers.values():
            maker.people.make(999, 0, torch.zeros(0, 128))  # loads the networks
        seconds: dict[int, list[float]] = {size: [] for size in sizes}
        for index in range(people):
            for size in sizes:
                start = time.process_time()
                made = makers[size].people.make(index, 0, torch.zeros(0, 128))
                for name, content in made.files.items():
                    (Path(folder) / name).write_bytes(content)
                seconds[size].append(time.process_time() - start)
    for size, values in seconds.items():
        mean = float(np.mean(values))
        print(f"{size} px: {mean:.2f} CPU s a face (n = {people}, median {np.median(values):.2f}), "
              f"{1 / mean:.2f} faces/s a core")  # fmt: skip


def make_job(folder: Path, size: int) -> Job:
    """Return the job of the mixed plan."""
    return Job(replace(MIXED, size=size), folder, torch.zeros(0, 128), date(2026, 11, 27))


def measure_memory(people: int, size: int) -> None:
    """Print the resident memory after every tenth of the people."""
    with use_threads(CAST_THREADS), tempfile.TemporaryDirectory() as folder:
        maker = ShardMaker(Studio(), make_job(Path(folder), size))
        for index in range(people):
            maker.people.make(index % 1000, index // 1000, torch.zeros(0, 128))
            if index % max(1, people // 10) == 0:
                print(f"{index} people: {resident() >> 20} MB", flush=True)


def resident() -> int:
    """Return the resident memory of this process in bytes."""
    pages = int(Path("/proc/self/statm").read_text(encoding="utf-8").split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE")


# -- interruptions ----------------------------------------------------------------------------------------------------

PROGRAM = """
import sys
from faceloom.workflows.cast.plan import make_plan
from faceloom.workflows.cast.run import cast
from faceloom.workflows.studio import Studio
plan = make_plan({"people": int(sys.argv[2]), "size": 64, "seed": 5, "date": "2026-11-27", "credentials": False})
cast(Studio(), plan, sys.argv[1], formats=("imagefolder", "webdataset", "coco"))
"""


def kill(times: int, people: int, seed: int) -> None:
    """End casts with kill -9 at random moments until `times` were ended, and compare each with an undisturbed one."""
    moments = random.Random(seed)
    with tempfile.TemporaryDirectory() as folder:
        start = time.perf_counter()
        subprocess.run(command(Path(folder) / "whole", people), check=True)
        seconds = time.perf_counter() - start
        expected, killed, runs, equal = digests(Path(folder) / "whole"), 0, 0, 0
        while killed < times:
            target, runs = Path(folder) / f"run{runs}", runs + 1
            while killed < times and interrupt(command(target, people), moments.uniform(0.3, 1.0) * seconds):
                killed += 1
            subprocess.run(command(target, people), check=True)
            equal += digests(target) == expected
            print(f"{killed} kills, {equal} of {runs} casts equal", flush=True)


def command(folder: Path, people: int) -> list[str]:
    """Return the command of a small cast."""
    return [sys.executable, "-c", PROGRAM, str(folder), str(people)]


def interrupt(words: Sequence[str], seconds: float) -> bool:
    """Start a program and kill it after a time; return whether it was still running."""
    process = subprocess.Popen(words, start_new_session=True)
    try:
        process.wait(seconds)
    except subprocess.TimeoutExpired:
        os.kill(process.pid, signal.SIGKILL)
        process.wait()
        return True
    return False


def digests(folder: Path) -> dict[str, str]:
    """Return the sha256 of every file of a folder by name."""
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    return {str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


if __name__ == "__main__":
    main()
