"""`python -m bench.training --official DIR`: images a second of a training, ours and the official reference path.

DIR is a checkout of NVlabs/stylegan2-ada-pytorch; on a CPU it runs its `ref` operations, in float32 only. Random
weights, random pictures, the same widths and the same game: non-saturating loss, a gradient penalty every 16 steps and
a path length penalty every 4 on half a batch, Adam, no augmentation. The official networks take the steps of their
published loop, which draws anew for each side; ours are our trainer's own, with memory kept as our command line does:
'faceloom' trains StyleGAN2, 'wavelet' the default generator's kind. Every side is a process of its own, all are asked
in turn, round after round.
"""

from __future__ import annotations

import argparse
import copy
import json
import os
import resource
import statistics
import subprocess
import sys
import time
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

SIDES = ("official fp32", "faceloom fp32", "faceloom bf16", "wavelet fp32", "wavelet bf16")
SELDOM = 1_000_000  # steps
Jobs = dict[str, Callable[[], None]]
JOBS = {"step": 1.0, "penalty": 1 / 16, "path": 1 / 4}  # how often each is done, a step


def main() -> None:
    """Start the sides, ask them in turn, print images a second and how many times the first side's that is."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--official", type=Path, help="a checkout of stylegan2-ada-pytorch")
    parser.add_argument("--resolution", type=int, default=64)
    parser.add_argument("--batch", type=int, default=16)
    parser.add_argument("--part", type=int, help="images of ours in one pass; all of a batch when not given")
    parser.add_argument("--channel-base", type=int, default=8192, help="features of a layer, times its side")
    parser.add_argument("--channel-max", type=int, default=256)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--clock", choices=("wall", "cpu"), default="wall", help="cpu: on a machine that is not idle")
    parser.add_argument("--sides", default=",".join(SIDES))
    parser.add_argument("--side", help="what a child is")
    args = parser.parse_args()
    if args.side:
        answer(args)
        return
    sides = [side for side in args.sides.split(",") if args.official or not side.startswith("official")]
    children = {side: start(side) for side in sides}
    times: dict[str, dict[str, list[float]]] = {side: {job: [] for job in JOBS} for side in sides}
    for _ in range(args.rounds):
        for side in sides:
            for job in JOBS:
                times[side][job].append(ask(children[side], job)["seconds"])
    memory = {side: ask(child, "memory")["seconds"] for side, child in children.items()}
    report(args, times, memory)
    for child in children.values():
        child.stdin.close()
        child.wait()


def report(args: argparse.Namespace, times: dict[str, dict[str, list[float]]], memory: dict[str, float]) -> None:
    """Print one table."""
    print(f"\n{args.resolution} px, batch {args.batch}, widths {args.channel_base} / side up to {args.channel_max}")
    print(f"{'':<18}" + "".join(f"{job + ' s':>11}" for job in JOBS) + f"{'images/s':>11}{'times':>8}{'MiB':>8}")
    first = None
    for side, jobs in times.items():
        medians = {job: statistics.median(seconds) for job, seconds in jobs.items()}
        speed = args.batch / sum(JOBS[job] * seconds for job, seconds in medians.items())
        first = first or speed
        row = "".join(f"{seconds:>11.3f}" for seconds in medians.values())
        print(f"{side:<18}{row}{speed:>11.1f}{speed / first:>8.2f}{memory[side]:>8.0f}", flush=True)


def start(side: str) -> Any:
    """Start a child that waits for jobs."""
    command = [sys.executable, "-m", "bench.training", *sys.argv[1:], "--side", side]
    environment = os.environ | ({"BENCH_PLAIN": "1"} if side.startswith("official") else {})
    return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment)


def ask(child: Any, job: str) -> Any:
    """Have a child do a job; what it says."""
    child.stdin.write(f"{job}\n")
    child.stdin.flush()
    said = child.stdout.readline()
    if not said:
        sys.exit(f"a side ended with {child.wait()} at '{job}'")
    return json.loads(said)


def answer(args: argparse.Namespace) -> None:
    """Be a child: do what is asked, once for warming up and then against the clock."""
    import torch

    if "BENCH_PLAIN" not in os.environ:
        from faceloom.memory import keep_memory

        keep_memory()
    torch.manual_seed(0)
    kind, precision = args.side.split()
    jobs = official(args) if kind == "official" else ours(args, kind, precision)
    clock = time.process_time if args.clock == "cpu" else time.perf_counter
    done = set()
    for line in sys.stdin:
        job = line.strip()
        if job == "memory":
            print(json.dumps({"seconds": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024}), flush=True)
            continue
        for _ in range(0 if job in done else 2):
            jobs[job]()
        done.add(job)
        begin = clock()
        jobs[job]()
        print(json.dumps({"seconds": clock() - begin}), flush=True)


@dataclass
class Official:
    """The official networks in the official loop's steps, at fp32: autocast fails in their assertions."""

    G: Any
    D: Any
    real: Any

    def __post_init__(self) -> None:
        import torch

        self.average = copy.deepcopy(self.G).requires_grad_(False)
        self.optimisers = {
            net: torch.optim.Adam(net.parameters(), 0.002, betas=(0.0, 0.99)) for net in (self.G, self.D)
        }

    def latents(self, n: int) -> Any:
        """Styles of n images."""
        import torch

        return self.G.mapping(torch.randn(n, 512), None)

    def drawn(self) -> Any:
        """A batch of images."""
        return self.G.synthesis(self.latents(len(self.real)), noise_mode="random")

    def step(self) -> None:
        """A step of the generator and one of the discriminator, and the average."""
        import torch
        import torch.nn.functional as F

        self.turn(self.G, self.D)
        self.improve(self.G, F.softplus(-self.D(self.drawn(), None)).mean())
        self.turn(self.D, self.G)
        with torch.no_grad():
            fake = self.drawn()
        self.improve(self.D, F.softplus(self.D(fake, None)).mean() + F.softplus(-self.D(self.real, None)).mean())
        with torch.no_grad():
            torch._foreach_lerp_(list(self.average.parameters()), list(self.G.parameters()), 0.001)

    def penalty(self) -> None:
        """A step along the gradient penalty."""
        from faceloom.train.losses import gradient_penalty

        self.turn(self.D, self.G)
        real = self.real.detach().requires_grad_()
        self.improve(self.D, gradient_penalty(self.D(real, None), real).mean())

    def path(self) -> None:
        """A step along the path length penalty, on half a batch."""
        from faceloom.train.losses import path_lengths

        self.turn(self.G, self.D)
        w_plus = self.latents(len(self.real) // 2)
        lengths = path_lengths(self.G.synthesis(w_plus, noise_mode="random"), w_plus)
        self.improve(self.G, (lengths - 1).square().mean())

    def turn(self, learner: Any, other: Any) -> None:
        """Whose turn it is to learn."""
        learner.requires_grad_(True)
        other.requires_grad_(False)

    def improve(self, net: Any, loss: Any) -> None:
        """One step of an optimiser."""
        self.optimisers[net].zero_grad(set_to_none=True)
        loss.backward()
        self.optimisers[net].step()


def official(args: argparse.Namespace) -> Jobs:
    """What the official side does."""
    warnings.simplefilter("ignore")
    sys.path.insert(0, str(args.official))
    import torch
    from training.networks import Discriminator, Generator

    sizes = {"channel_base": args.channel_base, "channel_max": args.channel_max}
    G = Generator(512, 0, 512, args.resolution, 3, synthesis_kwargs=sizes)
    D = Discriminator(0, args.resolution, 3, **sizes)
    game = Official(G, D, torch.rand(args.batch, 3, args.resolution, args.resolution) * 2 - 1)
    return {"step": game.step, "penalty": game.penalty, "path": game.path}


def ours(args: argparse.Namespace, kind: str, precision: str) -> Jobs:
    """What our trainer does, its penalties asked for one by one."""
    import torch

    from faceloom.train.config import TrainConfig
    from faceloom.train.data import Kept
    from faceloom.train.loop import Trainer

    config = TrainConfig(
        "random",
        height=args.resolution,
        width=args.resolution,
        family="mobilestylegan" if kind == "wavelet" else "stylegan2",
        channel_base=args.channel_base,
        channel_max=args.channel_max,
        batch=args.batch,
        part=args.part or args.batch,
        gamma=1.0,
        penalty_every=SELDOM,
        path_every=SELDOM,
        augment="none",
        precision=precision,
    )
    pictures = torch.randint(0, 256, (256, args.resolution, args.resolution, 3), dtype=torch.uint8)
    trainer = Trainer(config, Kept(pictures, torch.zeros(256, 0)))
    return {"step": trainer.step, "penalty": trainer._penalize, "path": trainer._regularize_paths}


if __name__ == "__main__":
    main()
