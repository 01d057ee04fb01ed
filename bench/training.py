"""`python -m bench.training --official DIR`: training speed in images per second, ours and the official code.

DIR is a checkout of NVlabs/stylegan2-ada-pytorch, which runs its `ref` operations on a CPU, in float32 only. Weights
and pictures are random, widths and losses are the same: non-saturating loss, a gradient penalty every 16 steps and a
path length penalty every 4 on half a batch, Adam, no augmentation. The official networks take the steps of their
published loop, which generates new images for each network's update; ours run in our trainer, with the command line's
memory settings: 'faceloom' trains StyleGAN2, 'wavelet' the architecture of the default generator. 'official-kept' is
the official code with our setting of the allocator (`faceloom.memory`), because a part of our gain comes from it. Every
side runs in its own process, and all run in turn, round after round.
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

PLAIN_SIDE = "official fp32"  # the only side with torch's default memory allocation
SIDES = (PLAIN_SIDE, "official-kept fp32", "faceloom fp32", "faceloom bf16", "wavelet fp32", "wavelet bf16")
NEVER = 1_000_000  # steps between penalties, so that none occurs during the measurement
Jobs = dict[str, Callable[[], None]]
JOBS = {"step": 1.0, "penalty": 1 / 16, "path": 1 / 4}  # executions per training step


def main() -> None:
    """Start the sides, run them in turn, print images per second and their ratio to the first side's."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--official", type=Path, help="a checkout of stylegan2-ada-pytorch")
    parser.add_argument("--resolution", type=int, default=64)
    parser.add_argument("--batch", type=int, default=16)
    parser.add_argument("--part", type=int, help="images per forward pass on our side; default: the batch")
    parser.add_argument("--channel-base", type=int, default=8192, help="channels of a layer times its side")
    parser.add_argument("--channel-max", type=int, default=256)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument(
        "--clock", choices=("wall", "cpu"), default="wall", help="cpu: CPU time, for a machine that is not idle"
    )
    parser.add_argument("--sides", default=",".join(SIDES))
    parser.add_argument("--side", help="side that a child process runs")
    args = parser.parse_args()
    if args.side:
        serve_jobs(args)
        return
    sides = [side for side in args.sides.split(",") if args.official or not side.startswith("official")]
    children = {side: start_child(side) for side in sides}
    times: dict[str, dict[str, list[float]]] = {side: {job: [] for job in JOBS} for side in sides}
    for _ in range(args.rounds):
        for side in sides:
            for job in JOBS:
                times[side][job].append(run_job(children[side], job)["seconds"])
    memory = {side: run_job(child, "memory")["seconds"] for side, child in children.items()}
    report(args, times, memory)
    for child in children.values():
        child.stdin.close()
        child.wait()


def report(args: argparse.Namespace, times: dict[str, dict[str, list[float]]], memory: dict[str, float]) -> None:
    """Print one table."""
    print(f"\n{args.resolution} px, batch {args.batch}, widths {args.channel_base} / side up to {args.channel_max}")
    print(f"{'':<20}" + "".join(f"{job + ' s':>11}" for job in JOBS) + f"{'images/s':>11}{'times':>8}{'MiB':>8}")
    first = None
    for side, jobs in times.items():
        medians = {job: statistics.median(seconds) for job, seconds in jobs.items()}
        speed = args.batch / sum(JOBS[job] * seconds for job, seconds in medians.items())
        first = first or speed
        row = "".join(f"{seconds:>11.3f}" for seconds in medians.values())
        print(f"{side:<20}{row}{speed:>11.1f}{speed / first:>8.2f}{memory[side]:>8.0f}", flush=True)


def start_child(side: str) -> Any:
    """Start a child process that waits for jobs."""
    command = [sys.executable, "-m", "bench.training", *sys.argv[1:], "--side", side]
    environment = os.environ | ({"BENCH_PLAIN": "1"} if side == PLAIN_SIDE else {})
    return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment)


def run_job(child: Any, job: str) -> Any:
    """Run a job in a child; return its answer."""
    child.stdin.write(f"{job}\n")
    child.stdin.flush()
    line = child.stdout.readline()
    if not line:
        sys.exit(f"a child process exited with {child.wait()} during '{job}'")
    return json.loads(line)


def serve_jobs(args: argparse.Namespace) -> None:
    """Run jobs from the standard input, each twice to warm up and then timed."""
    import torch

    if "BENCH_PLAIN" not in os.environ:
        from faceloom.memory import keep_memory

        keep_memory()
    torch.manual_seed(0)
    kind, precision = args.side.split()
    jobs = official_jobs(args) if kind.startswith("official") else faceloom_jobs(args, kind, precision)
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
        started = clock()
        jobs[job]()
        print(json.dumps({"seconds": clock() - started}), flush=True)


@dataclass
class Official:
    """The official networks in the official loop's steps, at fp32, because autocast fails in their assertions."""

    G: Any
    D: Any
    real: Any

    def __post_init__(self) -> None:
        import torch

        self.average = copy.deepcopy(self.G).requires_grad_(False)
        self.optimizers = {
            net: torch.optim.Adam(net.parameters(), 0.002, betas=(0.0, 0.99)) for net in (self.G, self.D)
        }

    def latents(self, n: int) -> Any:
        """Return the latents of n images."""
        import torch

        return self.G.mapping(torch.randn(n, 512), None)

    def generate(self) -> Any:
        """Generate a batch of images."""
        return self.G.synthesis(self.latents(len(self.real)), noise_mode="random")

    def step(self) -> None:
        """Update the generator, the discriminator and the average."""
        import torch
        import torch.nn.functional as F

        self.set_trained(self.G, self.D)
        self.update(self.G, F.softplus(-self.D(self.generate(), None)).mean())
        self.set_trained(self.D, self.G)
        with torch.no_grad():
            fake = self.generate()
        self.update(self.D, F.softplus(self.D(fake, None)).mean() + F.softplus(-self.D(self.real, None)).mean())
        with torch.no_grad():
            torch._foreach_lerp_(list(self.average.parameters()), list(self.G.parameters()), 0.001)

    def penalty(self) -> None:
        """Update the discriminator with the gradient penalty."""
        from faceloom.train.losses import gradient_penalty

        self.set_trained(self.D, self.G)
        real = self.real.detach().requires_grad_()
        self.update(self.D, gradient_penalty(self.D(real, None), real).mean())

    def path(self) -> None:
        """Update the generator with the path length penalty, on half a batch."""
        from faceloom.train.losses import path_lengths

        self.set_trained(self.G, self.D)
        w_plus = self.latents(len(self.real) // 2)
        lengths = path_lengths(self.G.synthesis(w_plus, noise_mode="random"), w_plus)
        self.update(self.G, (lengths - 1).square().mean())

    def set_trained(self, learner: Any, other: Any) -> None:
        """Enable gradients of one network and disable those of the other."""
        learner.requires_grad_(True)
        other.requires_grad_(False)

    def update(self, net: Any, loss: Any) -> None:
        """Take one optimizer step."""
        self.optimizers[net].zero_grad(set_to_none=True)
        loss.backward()
        self.optimizers[net].step()


def official_jobs(args: argparse.Namespace) -> Jobs:
    """Return the jobs of the official side."""
    warnings.simplefilter("ignore")
    sys.path.insert(0, str(args.official))
    import torch
    from training.networks import Discriminator, Generator

    sizes = {"channel_base": args.channel_base, "channel_max": args.channel_max}
    G = Generator(512, 0, 512, args.resolution, 3, synthesis_kwargs=sizes)
    D = Discriminator(0, args.resolution, 3, **sizes)
    networks = Official(G, D, torch.rand(args.batch, 3, args.resolution, args.resolution) * 2 - 1)
    return {"step": networks.step, "penalty": networks.penalty, "path": networks.path}


def faceloom_jobs(args: argparse.Namespace, kind: str, precision: str) -> Jobs:
    """Return the jobs of our trainer, with its penalties run separately."""
    import torch

    from faceloom.train.config import TrainConfig
    from faceloom.train.data import CachedImages
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
        penalty_every=NEVER,
        path_every=NEVER,
        augment="none",
        precision=precision,
    )
    pictures = torch.randint(0, 256, (256, args.resolution, args.resolution, 3), dtype=torch.uint8)
    trainer = Trainer(config, CachedImages(pictures, torch.zeros(256, 0)))
    return {"step": trainer.step, "penalty": trainer._apply_gradient_penalty, "path": trainer._regularize_paths}


if __name__ == "__main__":
    main()
