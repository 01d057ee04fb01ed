"""`python -m bench`: time of one image, of one optimization step and of detection, compared with other software."""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from tempfile import TemporaryDirectory

import openvino
import torch

from bench import detection
from bench.graph import NodeByNode, open_openvino_peers
from faceloom.assets.fetch import fetch_members
from faceloom.checkpoints.load import load_generator, load_lpips
from faceloom.invert.optimize import LatentOptimization, OptimizeConfig
from faceloom.latents import broadcast, truncate, z_from_seeds
from faceloom.networks.lpips import distance

ROUNDS = 7  # timed repetitions of each candidate


def measure(title: str, candidates: Mapping[str, Callable[[], object]], rounds: int = ROUNDS) -> dict[str, float]:
    """Time the candidates in turn for several rounds; print the medians and their ratios to the first candidate's."""
    for run in candidates.values():
        run()
    wall: dict[str, list[float]] = {name: [] for name in candidates}
    cpu: dict[str, list[float]] = {name: [] for name in candidates}
    for _ in range(rounds):
        for name, run in candidates.items():
            start, start_cpu = time.perf_counter(), time.process_time()
            run()
            wall[name].append(time.perf_counter() - start)
            cpu[name].append(time.process_time() - start_cpu)
    medians = {name: statistics.median(times) for name, times in wall.items()}
    first = next(iter(medians.values()))
    print(f"\n{title}\n{'':<34}{'median s':>10}{'min s':>10}{'cpu s':>10}{'ratio':>8}")
    for name, median in medians.items():
        row = (median, min(wall[name]), statistics.median(cpu[name]))
        print(f"{name:<34}" + "".join(f"{x:>10.3f}" for x in row) + f"{median / first:>8.2f}", flush=True)
    return medians


def main() -> None:
    """Print all tables."""
    print(f"torch {torch.__version__}, openvino {openvino.__version__}, {torch.get_num_threads()} threads")
    with TemporaryDirectory() as scratch:
        folder = fetch_members("mobilestylegan-ffhq", Path(scratch))
        graph = NodeByNode(folder)
        measure_image(graph, folder)
        measure_step(graph)
    subprocess.run([sys.executable, "-m", "bench"], env=os.environ | {"BENCH_PLAIN": "1"}, check=True)
    detection.main()


def measure_image(graph: NodeByNode, folder: Path) -> None:
    """Time the generation of one image of 1024 px; `folder` holds the published graph."""
    model = load_generator(precision="fp32")
    fp32, bf16 = model.G, load_generator(precision="bf16").G
    w = truncate(broadcast(fp32.mapping(z_from_seeds([1])), 1), fp32.w_avg, 0.7)[:, 0]
    w_plus = broadcast(w, fp32.num_ws)
    compiled = torch.compile(bf16.synthesis)
    with torch.no_grad():
        candidates: dict[str, Callable[[], object]] = {
            **open_openvino_peers(folder, model, w, w_plus),
            "graph, node by node, fp32": lambda: graph(w_plus),
            "faceloom fp32": lambda: fp32.synthesis(w_plus),
            "faceloom bf16": lambda: bf16.synthesis(w_plus),
            "faceloom bf16, compiled": lambda: compiled(w_plus),
        }
        measure("One image of 1024 px", candidates)


def measure_step(graph: NodeByNode) -> None:
    """Time one optimization step in W+: forward, LPIPS-VGG16 at 256 px, backward."""
    bf16 = load_generator(precision="bf16").G
    target = torch.rand(1, 3, 256, 256) * 2 - 1
    search = LatentOptimization(bf16, target, load_lpips("vgg16", "bf16"), OptimizeConfig(), None)
    graph_step = make_graph_step(graph)
    candidates = {
        "graph, node by node, fp32": graph_step,
        "faceloom bf16, VGG at 256 px": lambda: search.step(0, 1.0),
        "faceloom bf16, VGG at 128 px": lambda: search.step(0, 0.0),
    }
    measure("One optimization step in W+", candidates, rounds=5)


def make_graph_step(graph: NodeByNode) -> Callable[[], object]:
    """Return the same step with the published graph and LPIPS in float32."""
    vgg = load_lpips("vgg16", "fp32")
    features = vgg.features(torch.rand(1, 3, 256, 256) * 2 - 1)
    w_plus = torch.zeros(1, 23, 512, requires_grad=True)

    def graph_step() -> object:
        img = torch.nn.functional.avg_pool2d(graph(w_plus), 4)
        return torch.autograd.grad(distance(vgg.features(img), features).sum(), [w_plus])

    return graph_step


def measure_plain() -> None:
    """Time the published graph in a process with torch's default memory allocation."""
    with TemporaryDirectory() as scratch:
        graph = NodeByNode(fetch_members("mobilestylegan-ffhq", Path(scratch)))
        measure(
            "The published graph in a plain process",
            {"one optimization step in W+, fp32": make_graph_step(graph)},
            rounds=5,
        )


if __name__ == "__main__":
    measure_plain() if "BENCH_PLAIN" in os.environ else main()
