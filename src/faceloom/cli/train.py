"""`faceloom train`: a generator of one's own, on any images that share similarities."""

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
    data: Annotated[Path | None, typer.Option(help="A dataset that `faceloom dataset make` or NVIDIA's made.")] = None,
    out: Annotated[Path | None, typer.Option(help="The run's folder, to be made.")] = None,
    resume: Annotated[Path | None, typer.Option(help="Go on with the run in this folder.")] = None,
    preset: Annotated[str, typer.Option(help="auto, small, medium, large, wavelet, faces, stylegan3.")] = "auto",
    kimg: Annotated[float | None, typer.Option(min=0.001, help="Stop after so many thousand images.")] = None,
    minutes: Annotated[float | None, typer.Option(min=0, help="Stop after so many minutes.")] = None,
    gamma: Annotated[float | None, typer.Option(min=0, help="Weight of the gradient penalty.")] = None,
    batch: Annotated[int | None, typer.Option(min=1, help="Images a step, of all processes together.")] = None,
    part: Annotated[int | None, typer.Option(min=1, help="Images computed at once.")] = None,
    resolution: Annotated[
        str | None, typer.Option(help="What the dataset must have, as 128 or 192x128; it is not resized.")
    ] = None,
    augment: Annotated[str | None, typer.Option(help="ada, fixed, none, diffaugment.")] = None,
    p: Annotated[float | None, typer.Option(min=0, max=1, help="Strength of --augment fixed.")] = None,
    loss: Annotated[str | None, typer.Option(help="nonsaturating, or relativistic as R3GAN.")] = None,
    family: Annotated[str | None, typer.Option(help="stylegan2, stylegan3, mobilestylegan.")] = None,
    precision: Annotated[str | None, typer.Option(help="fp32 or bf16.")] = None,
    width: Annotated[int | None, typer.Option(min=16, help="Features of a layer at most.")] = None,
    base: Annotated[int | None, typer.Option(min=64, help="A layer has so many features over its side.")] = None,
    channels: Annotated[str | None, typer.Option(help="G's features from the first up, as 256,256,128.")] = None,
    d_channels: Annotated[str | None, typer.Option(help="D's features from the first up.")] = None,
    w_dim: Annotated[int | None, typer.Option(min=2, help="Numbers in a latent, z's and w's.")] = None,
    cond: Annotated[bool, typer.Option("--cond", help="Learn the dataset's labels.")] = False,
    mirror: Annotated[bool | None, typer.Option("--mirror/--no-mirror", help="Show images mirrored, too.")] = None,
    source: Annotated[
        str | None, typer.Option("--from", help="Start from a run, a snapshot, or a generator's name or file.")
    ] = None,
    freeze_d: Annotated[
        int | None, typer.Option(min=0, help="D's first blocks that do not learn, with --from.")
    ] = None,
    snap: Annotated[float | None, typer.Option(min=0.001, help="Thousand images between two snapshots.")] = None,
    tick: Annotated[float | None, typer.Option(min=0.001, help="Thousand images between two measurements.")] = None,
    seed: Annotated[int | None, typer.Option(min=0, max=2**31)] = None,
    metrics: Annotated[str, typer.Option(help="vgg16: Frechet distance at every snapshot; none.")] = "vgg16",
    device: options.Device = "auto",
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would be done, and why.")] = False,
    as_json: options.Json = False,
) -> None:
    """Train a generator on pictures that share similarities, or go on with a run.

    What is not asked for is chosen from the pictures and the machine, and explained. Ctrl-C saves and stops.

    \b
    Examples:
      faceloom train --data faces.zip --out run --minutes 60
      faceloom train --data faces.zip --out run --preset faces --dry-run
      faceloom train --resume run
      torchrun --nproc-per-node 2 -m faceloom train --data faces.zip --out run
    """
    if metrics not in ("vgg16", "none"):
        raise typer.BadParameter(f"'{metrics}' is none of vgg16, none", param_hint="--metrics")
    asked: dict[str, Any] = {"kimg": kimg, "gamma": gamma, "batch": batch, "part": part, "augment": augment, "p": p}
    asked |= {"loss": loss, "family": family, "precision": precision, "channel_max": width, "channel_base": base}
    asked |= {"mirror": mirror, "source": source, "freeze_d": freeze_d, "seed": seed}
    asked |= {"channels": _numbers(channels), "d_channels": _numbers(d_channels), "w_dim": w_dim, "z_dim": w_dim}
    asked |= {"snap_kimg": snap, "tick_kimg": tick}
    if (data is None) == (resume is None) or (data and not out):
        raise typer.BadParameter("give --data FILE and --out FOLDER, or --resume FOLDER")
    folder = resume or out
    assert folder is not None
    from faceloom.train import distributed
    from faceloom.workflows.training import Start, begin, draft, go_on

    ranks = distributed.join(_device(device))
    if data and _restarted(folder):
        data, resume = None, folder
    try:
        if data:
            start = Start(data, folder, preset, cond, metrics != "none")
            plan = draft(start, ranks, **asked)
            _check_size(resolution, plan)
            if not as_json and ranks.is_first:
                _explain(plan)
            if dry_run:
                if as_json:
                    print_json({"config": asdict(plan.config), "advice": [asdict(item) for item in plan.advice]})
                return
            with _watched(ranks, plan.config.kimg, minutes) as limits:
                outcome = begin(start, ranks, limits, **asked)
        else:
            changed = {name: asked[name] for name in ("kimg", "snap_kimg", "tick_kimg")}
            with _watched(ranks, kimg, minutes) as limits:
                outcome = go_on(folder, ranks, limits, metrics=metrics != "none", **changed)
    finally:
        distributed.leave()
    if ranks.is_first:
        _tell(outcome, folder, as_json)


def _device(device: str) -> str:
    if device != "auto":
        return device
    import torch

    return "cuda" if torch.cuda.is_available() else "cpu"


def _numbers(text: str | None) -> tuple[int, ...] | None:
    try:
        return None if text is None else tuple(int(number) for number in text.split(","))
    except ValueError as error:
        raise typer.BadParameter(f"'{text}' is no list of numbers, as in 256,128,64") from error


def _restarted(folder: Path) -> bool:
    """Whether torchrun started this process anew after one of its like died."""
    return os.environ.get("TORCHELASTIC_RESTART_COUNT", "0") != "0" and (folder / "options.json").exists()


def _check_size(text: str | None, plan: Plan) -> None:
    there = f"{plan.config.width}x{plan.config.height}"
    if text and text not in (there, str(plan.config.width) if plan.config.width == plan.config.height else there):
        raise TrainingError(f"the dataset has {there} px, not {text}", f"faceloom dataset make ... --resolution {text}")


def _explain(plan: Plan) -> None:
    for item in plan.advice:
        note(
            f"{item.name} = {item.value:g}: {item.why}"
            if isinstance(item.value, float)
            else f"{item.name} = {item.value}: {item.why}"
        )


@contextmanager
def _watched(ranks: Ranks, kimg: float | None, minutes: float | None) -> Iterator[Any]:
    """Limits that show a bar, hear Ctrl-C and SIGTERM, and stop after the step."""
    from faceloom.train.run import Limits

    heard: list[int] = []

    def hear(number: int, frame: FrameType | None) -> None:
        if heard and number == signal.SIGINT:
            raise KeyboardInterrupt
        heard.append(number)
        if ranks.is_first:
            note("finishing this step and saving; once more to stop at once")

    before = {number: signal.signal(number, hear) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        end = float("inf") if minutes is None else minutes
        if not ranks.is_first:
            yield Limits(end, lambda: bool(heard))
            return
        yield Limits(end, lambda: bool(heard), lambda tick: note(str(tick)), note)
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _tell(outcome: Outcome, folder: Path, as_json: bool) -> None:
    findings = [asdict(finding) for finding in outcome.findings]
    facts = {"run": str(folder), "kimg": outcome.nimg / 1000, "seconds": round(outcome.seconds, 1), "why": outcome.why}
    if as_json:
        print_json({**facts, "snapshot": str(outcome.snapshot), "findings": findings})
        return
    print(outcome.snapshot)
    if outcome.why != "done":
        note(f"go on with: faceloom train --resume {folder}")
    for finding in outcome.findings:
        note(f"{finding.what}: {finding.advice}")
