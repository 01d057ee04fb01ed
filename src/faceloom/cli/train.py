"""`faceloom train`: train a generator on any images that share similarities."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Annotated, Any

import typer

from faceloom.cli import options
from faceloom.cli.output import note, print_json
from faceloom.errors import TrainingError

if TYPE_CHECKING:
    from faceloom.train.distributed import Ranks
    from faceloom.train.plan import Plan
    from faceloom.train.run import Outcome


def train(
    data: Annotated[
        Path | None, typer.Option(help="A dataset made by `faceloom dataset make` or by NVIDIA's tool.")
    ] = None,
    out: Annotated[Path | None, typer.Option(help="New folder for the run.")] = None,
    resume: Annotated[Path | None, typer.Option(help="Continue the run in this folder.")] = None,
    preset: Annotated[str, typer.Option(help="auto, small, medium, large, wavelet, faces, stylegan3.")] = "auto",
    kimg: Annotated[float | None, typer.Option(min=0.001, help="Stop after this many thousand images.")] = None,
    minutes: Annotated[float | None, typer.Option(min=0, help="Stop after this many minutes.")] = None,
    gamma: Annotated[float | None, typer.Option(min=0, help="Weight of the gradient penalty.")] = None,
    batch: Annotated[int | None, typer.Option(min=1, help="Images per step, summed over all processes.")] = None,
    part: Annotated[
        int | None, typer.Option(min=1, help="Images computed at once; a smaller value needs less memory.")
    ] = None,
    resolution: Annotated[
        str | None, typer.Option(help="Expected resolution of the dataset, as 128 or 192x128; nothing is resized.")
    ] = None,
    augment: Annotated[str | None, typer.Option(help="Augmentation: ada, fixed, none or diffaugment.")] = None,
    p: Annotated[float | None, typer.Option(min=0, max=1, help="Augmentation probability for --augment fixed.")] = None,
    loss: Annotated[
        str | None, typer.Option(help="Adversarial loss: nonsaturating, or relativistic as in R3GAN.")
    ] = None,
    family: Annotated[
        str | None, typer.Option(help="Generator family: stylegan2, stylegan3 or mobilestylegan.")
    ] = None,
    precision: Annotated[
        str | None, typer.Option(help="Precision of the forward and backward passes: fp32 or bf16.")
    ] = None,
    width: Annotated[int | None, typer.Option(min=16, help="Maximum number of channels of a layer.")] = None,
    base: Annotated[
        int | None, typer.Option(min=64, help="Number of channels of a layer times its resolution.")
    ] = None,
    channels: Annotated[str | None, typer.Option(help="Channels of G from the first block up, as 256,256,128.")] = None,
    d_channels: Annotated[str | None, typer.Option(help="Channels of D from the first block up.")] = None,
    w_dim: Annotated[int | None, typer.Option(min=2, help="Dimension of z and w.")] = None,
    cond: Annotated[
        bool, typer.Option("--cond", help="Train a conditional generator on the dataset's labels.")
    ] = False,
    mirror: Annotated[bool | None, typer.Option("--mirror/--no-mirror", help="Also train on mirrored images.")] = None,
    source: Annotated[
        str | None,
        typer.Option("--from", help="Transfer learning: start from a run, a snapshot, or a generator's name or file."),
    ] = None,
    freeze_d: Annotated[
        int | None, typer.Option(min=0, help="Number of D's first blocks that stay frozen, with --from.")
    ] = None,
    snap: Annotated[float | None, typer.Option(min=0.001, help="Thousands of images between snapshots.")] = None,
    tick: Annotated[float | None, typer.Option(min=0.001, help="Thousands of images between log lines.")] = None,
    seed: Annotated[int | None, typer.Option(min=0, max=2**31, help="Seed of the run.")] = None,
    metrics: Annotated[
        str, typer.Option(help="vgg16: measure the Frechet distance at every snapshot; none.")
    ] = "vgg16",
    device: options.Device = "auto",
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Print the settings and their reasons, and stop.")] = False,
    as_json: options.Json = False,
) -> None:
    """Train a generator on pictures that share similarities, or continue a run.

    Settings that are not given are chosen from the pictures and the machine, and explained. Ctrl-C saves and stops.

    \b
    Examples:
      faceloom train --data faces.zip --out run --minutes 60
      faceloom train --data faces.zip --out run --preset faces --dry-run
      faceloom train --resume run
      torchrun --nproc-per-node 2 -m faceloom train --data faces.zip --out run
    """
    if metrics not in ("vgg16", "none"):
        raise typer.BadParameter(f"'{metrics}' is not one of vgg16, none", param_hint="--metrics")
    requested: dict[str, Any] = {"kimg": kimg, "gamma": gamma, "batch": batch, "part": part, "augment": augment, "p": p}
    requested |= {"loss": loss, "family": family, "precision": precision, "channel_max": width, "channel_base": base}
    requested |= {"mirror": mirror, "source": source, "freeze_d": freeze_d, "seed": seed}
    requested |= {"channels": _numbers(channels), "d_channels": _numbers(d_channels), "w_dim": w_dim, "z_dim": w_dim}
    requested |= {"snap_kimg": snap, "tick_kimg": tick}
    if (data is None) == (resume is None) or (data and not out):
        raise typer.BadParameter("give --data FILE and --out FOLDER, or --resume FOLDER")
    folder = resume or out
    assert folder is not None
    from faceloom.train import distributed
    from faceloom.workflows.training import NewRun, plan_run, resume_run, start_run

    ranks = distributed.join(_device(device))
    if data and _is_restarted(folder):
        data, resume = None, folder
    try:
        if data:
            start = NewRun(data, folder, preset, cond, metrics != "none")
            plan = plan_run(start, ranks, **requested)
            _check_size(resolution, plan)
            if not as_json and ranks.is_first:
                _explain(plan)
            if dry_run:
                if as_json:
                    print_json({"config": asdict(plan.config), "advice": [asdict(item) for item in plan.advice]})
                return
            with _stop_on_signal(ranks, plan.config.kimg, minutes) as limits:
                outcome = start_run(start, ranks, limits, **requested)
        else:
            changed = {name: requested[name] for name in ("kimg", "snap_kimg", "tick_kimg")}
            with _stop_on_signal(ranks, kimg, minutes) as limits:
                outcome = resume_run(folder, ranks, limits, metrics=metrics != "none", **changed)
    finally:
        distributed.leave()
    if ranks.is_first:
        _print_outcome(outcome, folder, as_json)


def _device(device: str) -> str:
    if device != "auto":
        return device
    import torch

    return "cuda" if torch.cuda.is_available() else "cpu"


def _numbers(text: str | None) -> tuple[int, ...] | None:
    try:
        return None if text is None else tuple(int(number) for number in text.split(","))
    except ValueError as error:
        raise typer.BadParameter(f"'{text}' is not a list of numbers such as 256,128,64") from error


def _is_restarted(folder: Path) -> bool:
    """Return whether torchrun restarted this process after another process of the run ended."""
    return os.environ.get("TORCHELASTIC_RESTART_COUNT", "0") != "0" and (folder / "options.json").exists()


def _check_size(text: str | None, plan: Plan) -> None:
    actual = f"{plan.config.width}x{plan.config.height}"
    if text and text not in (actual, str(plan.config.width) if plan.config.width == plan.config.height else actual):
        raise TrainingError(
            f"the dataset has {actual} px, not {text}", f"faceloom dataset make ... --resolution {text}"
        )


def _explain(plan: Plan) -> None:
    for item in plan.advice:
        note(
            f"{item.name} = {item.value:g}: {item.why}"
            if isinstance(item.value, float)
            else f"{item.name} = {item.value}: {item.why}"
        )


@contextmanager
def _stop_on_signal(ranks: Ranks, kimg: float | None, minutes: float | None) -> Iterator[Any]:
    """Yield limits that print progress, and stop the run after the current step on Ctrl-C or SIGTERM."""
    from faceloom.train.run import RunControl

    received: list[int] = []

    def receive(number: int, frame: FrameType | None) -> None:
        if received and number == signal.SIGINT:
            raise KeyboardInterrupt
        received.append(number)
        if ranks.is_first:
            note("the run stops after this step and is saved; press Ctrl-C again to stop at once")

    before = {number: signal.signal(number, receive) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        end = float("inf") if minutes is None else minutes
        if not ranks.is_first:
            yield RunControl(end, lambda: bool(received))
            return
        yield RunControl(end, lambda: bool(received), lambda tick: note(str(tick)), note)
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _print_outcome(outcome: Outcome, folder: Path, as_json: bool) -> None:
    findings = [asdict(finding) for finding in outcome.findings]
    facts = {"run": str(folder), "kimg": outcome.nimg / 1000, "seconds": round(outcome.seconds, 1), "why": outcome.why}
    if as_json:
        print_json({**facts, "snapshot": str(outcome.snapshot), "findings": findings})
        return
    print(outcome.snapshot)
    if outcome.why != "done":
        note(f"continue with: faceloom train --resume {folder}")
    for finding in outcome.findings:
        note(f"{finding.what}: {finding.advice}")
