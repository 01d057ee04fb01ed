"""`faceloom train`: train a generator on any images that share similarities."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Annotated, Any

import typer

from faceloom.cli import options
from faceloom.cli.output import note, print_json, print_line
from faceloom.errors import TrainingError

if TYPE_CHECKING:
    from faceloom.train.distributed import Ranks
    from faceloom.train.plan import Plan
    from faceloom.train.run import Outcome


def train(
    context: options.Context,
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
    pipe: Annotated[
        str | None,
        typer.Option(
            help="Stages of ADA: blit, geom, color, filter, noise, cutout, or the initials of the first ones, as bgc."
        ),
    ] = None,
    ada_target: Annotated[
        float | None, typer.Option(min=-1, max=1, help="ADA's target for the mean sign of D on real pictures.")
    ] = None,
    rate: Annotated[float | None, typer.Option(min=0, max=1, help="Learning rate of both networks.")] = None,
    ema: Annotated[
        float | None, typer.Option(min=0, help="Half-life of the averaged generator in thousands of images.")
    ] = None,
    path_weight: Annotated[
        float | None, typer.Option(min=0, help="Weight of the path length penalty; 0 leaves it out.")
    ] = None,
    style_mixing: Annotated[
        float | None, typer.Option(min=0, max=1, help="Probability that an image mixes the styles of two latents.")
    ] = None,
    loss: Annotated[
        str | None, typer.Option(help="Adversarial loss: nonsaturating, or relativistic as in R3GAN.")
    ] = None,
    critic: Annotated[
        str | None,
        typer.Option(help="A second discriminator on the features of a frozen network: alexnet, or none."),
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
    inception: Annotated[
        Path | None, typer.Option(help="File of Inception-v3 weights: measure the FID at every snapshot.")
    ] = None,
    sha256: Annotated[str | None, typer.Option(help="The sha256 of the --inception file.")] = None,
    fid_images: Annotated[
        int, typer.Option(min=2, help="Number of generated images of the FID; papers use 50,000.")
    ] = 50_000,
    log_to: Annotated[
        str | None,
        typer.Option(help="Trackers, as tensorboard,wandb,mlflow, or none; by default TensorBoard if installed."),
    ] = None,
    threads: Annotated[
        int | None, typer.Option(min=1, max=256, help="Number of threads on a CPU; measured at the start if not given.")
    ] = None,
    device: options.Device = "auto",
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Print the settings and their reasons, and stop.")] = False,
    as_json: options.Json = False,
) -> None:
    """Train a generator on pictures that share similarities, or continue a run.

    Settings that are not given are chosen from the pictures and the machine, and explained. Ctrl-C saves and stops.
    --resume takes new values of --kimg, --minutes, --snap, --tick, --gamma, --augment and its options, --mirror,
    --rate, --ema, --path-weight and --style-mixing. It refuses options that cannot change.

    \b
    Examples:
      faceloom train --data faces.zip --out run --minutes 60
      faceloom train --data faces.zip --out run --preset faces --dry-run
      faceloom train --resume run
      faceloom train --resume run --gamma 2 --mirror
      torchrun --nproc-per-node 2 -m faceloom train --data faces.zip --out run
    """
    if metrics not in ("vgg16", "none"):
        raise typer.BadParameter(f"'{metrics}' is not one of vgg16, none", param_hint="--metrics")
    requested: dict[str, Any] = {"kimg": kimg, "gamma": gamma, "batch": batch, "part": part, "augment": augment, "p": p}
    requested |= {"loss": loss, "critic": critic, "family": family, "precision": precision}
    requested |= {"channel_max": width, "channel_base": base}
    requested |= {"mirror": mirror, "source": source, "freeze_d": freeze_d, "seed": seed}
    requested |= {"channels": _numbers(channels), "d_channels": _numbers(d_channels), "w_dim": w_dim, "z_dim": w_dim}
    requested |= {"snap_kimg": snap, "tick_kimg": tick, "pipe": pipe, "target": ada_target, "rate": rate}
    requested |= {"ema_kimg": ema, "path_weight": path_weight, "style_mixing": style_mixing}
    if (data is None) == (resume is None) or (data and not out):
        raise typer.BadParameter("give --data FILE and --out FOLDER, or --resume FOLDER")
    explicit = options.explicit_options(context)
    _check_options(explicit, resume is not None)
    folder = resume or out
    assert folder is not None
    from faceloom.train import distributed
    from faceloom.train.config import RESUMABLE
    from faceloom.workflows.training import NewRun, plan_run, resume_run, start_run
    from faceloom.workflows.training_measures import Measures

    measures = Measures(metrics != "none", inception, sha256 or "", fid_images)
    trackers = _tracker_names(log_to)
    ranks = distributed.join(_device(device))
    try:
        _check_threads(threads, ranks)
        if data and not _is_restarted(folder):
            start = NewRun(data, folder, preset, cond, measures, threads, trackers)
            plan = ranks.run_in_step(lambda: plan_run(start, ranks, **requested))
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
            changed = {name: requested[name] for name in RESUMABLE if resume and requested.get(name) is not None}
            chosen = measures if {"metrics", "inception"} & set(explicit) else None
            with _stop_on_signal(ranks, kimg, minutes) as limits:
                outcome = resume_run(
                    folder, ranks, limits, measures=chosen, threads=threads, log_to=trackers, **changed
                )
        ranks.wait()  # a process that leaves while another one still works can end by an abort
    finally:
        distributed.leave()
    if ranks.is_first:
        _print_outcome(outcome, folder, as_json)
    if ranks.size > 1:
        distributed.exit_process()


RESUME_OPTIONS = (
    *("resume", "kimg", "minutes", "snap", "tick", "gamma", "augment", "pipe", "p", "ada_target", "mirror", "rate"),
    *("ema", "path_weight", "style_mixing", "metrics", "inception", "sha256", "fid_images", "log_to", "threads"),
    *("precision", "device", "as_json"),
)
"""Options that --resume uses; it refuses all others."""


def _check_options(explicit: Mapping[str, str], resumes: bool) -> None:
    """Check that the chosen mode uses every option that the user gave. Raises typer.BadParameter with the reason."""
    if resumes:
        from faceloom.train.config import reason_fixed

        for name, flag in explicit.items():
            if name not in RESUME_OPTIONS:
                raise typer.BadParameter(
                    f"--resume cannot change it: {reason_fixed(name)}; start a new run with --from", param_hint=flag
                )
    for name, needed in (("sha256", "inception"), ("inception", "sha256"), ("fid_images", "inception")):
        if name in explicit and needed not in explicit:
            raise typer.BadParameter(f"it has no effect without --{needed}", param_hint=explicit[name])


def _check_threads(threads: int | None, ranks: Ranks) -> None:
    if threads and ranks.device != "cpu":
        raise typer.BadParameter(f"threads are for training on a CPU, not on {ranks.device}", param_hint="--threads")


def _tracker_names(text: str | None) -> tuple[str, ...] | None:
    """Parse the names of trackers; 'none' stands for no tracker, None for the default."""
    if text is None:
        return None
    return tuple(name.strip() for name in text.split(",") if name.strip() != "none")


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
    facts = {
        "run": str(folder),
        "kimg": outcome.nimg / 1000,
        "seconds": round(outcome.seconds, 1),
        "why": outcome.reason,
    }
    if as_json:
        facts |= {"snapshot": str(outcome.snapshot)} | ({"best": str(outcome.best)} if outcome.best else {})
        print_json({**facts, "findings": findings})
        return
    print_line(outcome.snapshot)
    if outcome.best:
        note(f"the best snapshot is {outcome.best}")
    if outcome.reason != "done":
        note(f"continue with: faceloom train --resume {folder}")
    for finding in outcome.findings:
        note(f"{finding.what}: {finding.advice}")
