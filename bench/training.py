"""`python -m bench.training --official DIR`: images a second of a training, ours and the official reference path.

DIR is a checkout of NVlabs/stylegan2-ada-pytorch; on a CPU it runs its `ref` operations, in float32 only. Random
weights, random pictures, the same widths and the same game: non-saturating loss, a gradient penalty every 16 steps and
a path length penalty every 4 on half a batch, Adam. Every side is a process of its own, all are asked in turn, round
after round. 'faceloom' is our StyleGAN2 with memory kept as our command line does; 'wavelet' is the default
generator's kind.
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
JOBS = {"step": 1.0, "penalty": 1 / 16, "path": 1 / 4}  # how often each is done, a step


def main() -> None:
    """Start the sides, ask them in turn, print images a second and how many times the first side's that is."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--official", type=Path, help="a checkout of stylegan2-ada-pytorch")
    parser.add_argument("--resolution", type=int, default=64)
    parser.add_argument("--batch", type=int, default=16)
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
    game = Game(*{"official": official, "faceloom": ours, "wavelet": wavelet}[kind](args, precision))
    real = torch.rand(args.batch, 3, args.resolution, args.resolution) * 2 - 1
    jobs: dict[str, Callable[[], None]] = {
        "step": lambda: game.step(real),
        "penalty": lambda: game.penalty(real),
        "path": lambda: game.path(args.batch // 2),
    }
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
class Game:
    """The same training for whoever: what differs is how a generator is called and how optimisers are made."""

    G: Any
    D: Any
    latents: Callable[[int], Any]  # n -> w_plus
    draw: Callable[[Any], Any]  # w_plus -> img
    judge: Callable[[Any], Any]  # img -> logits
    optimisers: tuple[Any, Any]

    def __post_init__(self) -> None:
        self.average = copy.deepcopy(self.G).requires_grad_(False)

    def step(self, real: Any) -> None:
        """A step of the generator and one of the discriminator, and the average."""
        import torch
        import torch.nn.functional as F

        n = len(real)
        self.turn(self.G, self.D)
        self.improve(0, F.softplus(-self.judge(self.draw(self.latents(n)))).mean())
        self.turn(self.D, self.G)
        with torch.no_grad():
            fake = self.draw(self.latents(n))
        self.improve(1, F.softplus(self.judge(fake)).mean() + F.softplus(-self.judge(real)).mean())
        with torch.no_grad():
            torch._foreach_lerp_(list(self.average.parameters()), list(self.G.parameters()), 0.001)

    def penalty(self, real: Any) -> None:
        """A step along the gradient penalty."""
        from faceloom.train.losses import gradient_penalty

        self.turn(self.D, self.G)
        real = real.detach().requires_grad_()
        self.improve(1, gradient_penalty(self.judge(real), real).mean())

    def path(self, n: int) -> None:
        """A step along the path length penalty."""
        from faceloom.train.losses import path_lengths

        self.turn(self.G, self.D)
        w_plus = self.latents(n)
        self.improve(0, (path_lengths(self.draw(w_plus), w_plus) - 1).square().mean())

    def turn(self, learner: Any, other: Any) -> None:
        """Whose turn it is to learn."""
        learner.requires_grad_(True)
        other.requires_grad_(False)

    def improve(self, which: int, loss: Any) -> None:
        """One step of an optimiser."""
        self.optimisers[which].zero_grad(set_to_none=True)
        loss.backward()
        self.optimisers[which].step()


def official(args: argparse.Namespace, precision: str) -> tuple[Any, ...]:
    """The official networks in training mode, at fp32: autocast fails in their assertions."""
    warnings.simplefilter("ignore")
    sys.path.insert(0, str(args.official))
    import torch
    from training.networks import Discriminator, Generator

    sizes = {"channel_base": args.channel_base, "channel_max": args.channel_max}
    G = Generator(512, 0, 512, args.resolution, 3, synthesis_kwargs=sizes)
    D = Discriminator(0, args.resolution, 3, **sizes)

    def latents(n: int) -> Any:
        return G.mapping(torch.randn(n, 512), None)

    optimisers = tuple(torch.optim.Adam(net.parameters(), 0.002, betas=(0.0, 0.99)) for net in (G, D))
    return G, D, latents, lambda w: G.synthesis(w, noise_mode="random"), lambda img: D(img, None), optimisers


def ours(args: argparse.Namespace, precision: str) -> tuple[Any, ...]:
    """Our StyleGAN2."""
    from faceloom.networks.discriminator import Discriminator, DiscriminatorConfig
    from faceloom.networks.stylegan2 import StyleGAN2, StyleGAN2Config, channel_widths

    widths = channel_widths(args.resolution, args.channel_base, args.channel_max)
    return called(StyleGAN2(StyleGAN2Config(widths)), Discriminator(DiscriminatorConfig(widths)), precision)


def wavelet(args: argparse.Namespace, precision: str) -> tuple[Any, ...]:
    """The default generator's kind, of the same widths."""
    from faceloom.networks.mobilestylegan import MobileStyleGAN, MobileStyleGANConfig
    from faceloom.networks.stylegan2 import channel_widths
    from faceloom.networks.wavelet_discriminator import WaveletDiscriminator, WaveletDiscriminatorConfig

    widths = channel_widths(args.resolution, args.channel_base, args.channel_max)[:-1]
    G = MobileStyleGAN(MobileStyleGANConfig.from_scratch(widths, 512, 512, mapping_layers=8))
    return called(G, WaveletDiscriminator(WaveletDiscriminatorConfig(widths)), precision)


def called(G: Any, D: Any, precision: str) -> tuple[Any, ...]:
    """How our networks are called."""
    import torch

    from faceloom.networks.precision import DTYPES, compute_in
    from faceloom.networks.scratch import parameter_groups

    for net in (G, D):
        compute_in(net, DTYPES[precision])

    def latents(n: int) -> Any:
        return G.mapping(torch.randn(n, G.z_dim))[:, None].expand(-1, G.num_ws, -1)

    optimisers = tuple(torch.optim.Adam(parameter_groups(net, 0.002), betas=(0.0, 0.99), fused=True) for net in (G, D))
    return G, D, latents, lambda w: G.synthesis(w, "random"), D, optimisers


if __name__ == "__main__":
    main()
