"""Training of a generator: starts a run on a dataset or resumes one, and measures it while it trains."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import torch

from faceloom._version import __version__
from faceloom.datasets import Dataset
from faceloom.errors import TrainingError
from faceloom.images.channels import find_colors
from faceloom.label_columns import scales_of
from faceloom.networks.precision import fast_precision
from faceloom.sounds import spectrogram
from faceloom.threads import choose_threads
from faceloom.train import run as runs
from faceloom.train.config import RESUMABLE, TrainConfig, reason_fixed, to_json
from faceloom.train.data import TrainingImages, open_training_images
from faceloom.train.distributed import Ranks
from faceloom.train.loop import Trainer
from faceloom.train.plan import FIXED_P, Advice, Plan, TrainingFacts, check_used, plan
from faceloom.train.run import Outcome, Run, RunControl
from faceloom.train.trackers import Trackers, check_trackers, open_trackers
from faceloom.train.transfer import Origin, check_origin, copy_weights, open_origin, settings_for
from faceloom.workflows.training_measures import Measures, inception_facts, make_measure, recorded_measures

NEW_D_KIMG = 8.0  # thousands of images in which a new discriminator trains alone before an old generator changes
NEW_D_SHARE = 0.02  # of a run, at most

LoadCallback = Callable[[int], None]
"""Function that receives the number of images loaded so far."""


@dataclass(frozen=True)
class NewRun:
    """The dataset, folder and preset of a new run."""

    data: Path
    out: Path
    preset: str = "auto"
    cond: bool = False  # train a generator conditioned on the dataset's labels
    measures: Measures = field(default_factory=Measures)
    threads: int | None = None  # torch threads on a CPU; None: measured
    log_to: tuple[str, ...] | None = None  # names of trackers; None: TensorBoard where it is installed


def train(
    data: Path | str,
    out: Path | str,
    *,
    minutes: float = float("inf"),
    preset: str = "auto",
    cond: bool = False,
    device: str = "cpu",
    control: RunControl | None = None,
    **settings: Any,
) -> Outcome:
    """Train a generator on a dataset in a new folder; or resume the run when the folder holds one.

    `settings` are settings of TrainConfig, such as `kimg=100`. On resuming, `preset`, `cond` and settings other than
    RESUMABLE must be those of the run. Raises as `start_run` and `resume_run`.
    """
    control = replace(control or RunControl(), minutes=minutes)
    ranks, folder = Ranks(device=device), Path(out)
    if (folder / runs.OPTIONS).exists():
        check_dataset(folder, Path(data))
        config, options = runs.read_config(folder), runs.read_options(folder)
        for name, value, actual in (
            ("preset", preset, options.get("preset")),
            ("cond", cond, config.c_dim > 0),
        ):
            if value not in (actual, "auto"):
                raise TrainingError(f"{folder} holds a run with {name} {actual}, not {value}", "give another folder")
        changed = {name: value for name, value in settings.items() if getattr(config, name, None) != value}
        return resume_run(folder, ranks, control, **changed)
    return start_run(NewRun(Path(data), folder, preset, cond), ranks, control, **settings)


def check_dataset(folder: Path, data: Path) -> None:
    """Check that a run was started with this dataset. Raises TrainingError when it was another one."""
    expected = runs.read_config(folder).data
    if Path(expected) != data.resolve():
        raise TrainingError(f"{folder} holds a run on {expected}", "give another folder for this dataset")


def plan_run(start: NewRun, ranks: Ranks, **requested: Any) -> Plan:
    """Choose the settings of a new run: `requested` ones first, then the preset's, then suggested ones.

    Raises as `start_run`.
    """
    _check_folder(start, requested.get("source"), ranks.is_first)
    return _choose_settings(start, Dataset.open(start.data), ranks, requested, _open_origin(requested))


def start_run(
    start: NewRun, ranks: Ranks, control: RunControl, loading: LoadCallback | None = None, **requested: Any
) -> Outcome:
    """Start a run in a new folder and train until it ends; `requested` are settings of TrainConfig.

    Raises TrainingError when the folder already holds a run, is the dataset or lies in it, or when the settings do not
    fit each other; StoreError when `data` is not a dataset or the disk cannot be written; MissingExtra for a tracker
    that is not installed.
    """
    return ranks.run_in_step(lambda: _prepare_new_run(start, ranks, control, loading, requested)).train()


def resume_run(
    folder: Path,
    ranks: Ranks,
    control: RunControl,
    loading: LoadCallback | None = None,
    *,
    measures: Measures | None = None,
    threads: int | None = None,
    log_to: tuple[str, ...] | None = None,
    **changed: Any,
) -> Outcome:
    """Resume a run from its last checkpoint, with results identical to those of an uninterrupted run.

    `changed` are new values of the settings RESUMABLE; they are recorded in the run's options and log. `measures`,
    `threads` and `log_to` are by default those of the run. Raises the same errors as `start_run`.
    """
    changed = {name: value for name, value in changed.items() if value is not None}
    extras = {"threads": threads, "log_to": log_to}
    return ranks.run_in_step(
        lambda: _prepare_resumed_run(folder, ranks, control, loading, measures, extras, changed)
    ).train()


def _prepare_new_run(
    start: NewRun, ranks: Ranks, control: RunControl, loading: LoadCallback | None, requested: Mapping[str, Any]
) -> Run:
    check_trackers(start.log_to)
    _check_folder(start, requested.get("source"), ranks.is_first)
    dataset = Dataset.open(start.data)
    origin = _open_origin(requested)
    chosen = _choose_settings(start, dataset, ranks, requested, origin)
    _note_slow_precision(chosen.config, ranks, control)
    trainer = Trainer(chosen.config, _open_images(dataset, chosen.config, loading), ranks)
    threads = _set_threads(trainer, start.threads, control)
    if origin:
        control.on_message(f"{copy_weights(trainer, origin):.0%} of the generator comes from {origin.name}")
    measure = make_measure(start.measures, ranks, control)
    if not ranks.is_first:
        return Run(trainer, start.out, ranks, control=control)
    facts: dict[str, Any] = {
        "faceloom": __version__,
        "preset": start.preset,
        "pictures": len(dataset),
        "metrics": start.measures.vgg,
        **inception_facts(start.measures),
        "processes": ranks.size,
        "threads": threads,
        "log_to": None if start.log_to is None else list(start.log_to),
    }
    runs.create_run(start.out, chosen.config, chosen.advice, classes=list(dataset.classes), **facts)
    trackers = _open_trackers(start.log_to, start.out, chosen.config, control)
    return Run(trainer, start.out, ranks, measure, control, trackers)


def _prepare_resumed_run(
    folder: Path,
    ranks: Ranks,
    control: RunControl,
    loading: LoadCallback | None,
    measures: Measures | None,
    extras: Mapping[str, Any],
    changed: Mapping[str, Any],
) -> Run:
    check_resumable(changed)
    options = runs.read_options(folder)
    log_to = options.get("log_to") if extras["log_to"] is None else list(extras["log_to"])
    check_trackers(log_to)
    config = runs.read_config(folder, **changed)
    dataset = Dataset.open(Path(config.data))
    _check_unchanged(dataset, config)
    _note_slow_precision(config, ranks, control)
    trainer = Trainer(config, _open_images(dataset, config, loading), ranks)
    runs.restore_checkpoint(trainer, folder)
    threads = _set_threads(trainer, extras["threads"], control, options.get("threads"))
    changed = _change_probability(trainer, changed)
    measures = measures or recorded_measures(options)
    measure = make_measure(measures, ranks, control)
    if not ranks.is_first:
        return Run(trainer, folder, ranks, control=control)
    for text in runs.record_changes(
        folder, trainer.nimg, **{**changed, "threads": threads, "log_to": log_to, **inception_facts(measures)}
    ):
        control.on_message(text)
    return Run(trainer, folder, ranks, measure, control, _open_trackers(log_to, folder, config, control))


def _open_images(dataset: Dataset, config: TrainConfig, loading: LoadCallback | None) -> TrainingImages:
    columns = dataset.label_columns if config.c_dim else ()
    if not config.label_stds:  # a run of before labels were standardized
        columns = [replace(column, mean=0.0, std=1.0) for column in columns]
    return open_training_images(dataset, with_labels=config.c_dim > 0, label_columns=columns, callback=loading)


def _check_unchanged(dataset: Dataset, config: TrainConfig) -> None:
    """Check that a run's dataset has pictures and labels of the same kind. Raises TrainingError when it has not."""
    reasons = {
        "pictures of another size": dataset.resolution != (config.width, config.height),
        "spectrograms of other settings": _sound_of(dataset) != dict(config.sound),
        "pictures of other colors": dataset.colors != find_colors(config.img_channels, config.bits),
        "labels of another scale": bool(config.label_stds)
        and scales_of(dataset.label_columns) != (config.label_means, config.label_stds),
    }
    for reason, is_changed in reasons.items():
        if is_changed:
            raise TrainingError(f"{config.data} has {reason} now", "restore the dataset that the run was started with")


def _sound_of(dataset: Dataset) -> dict[str, Any]:
    """Return the settings of a dataset's spectrograms as JSON data; empty for pictures."""
    return spectrogram.to_json(dataset.sound) if dataset.sound else {}


def check_resumable(changed: Mapping[str, Any]) -> None:
    """Check that all settings can change when a run is resumed. Raises TrainingError that names one with the reason."""
    for name in changed:
        if name not in RESUMABLE:
            raise TrainingError(
                f"{name} cannot change when a run is resumed: {reason_fixed(name)}",
                "omit it, or start a new run with --from",
            )


def _change_probability(trainer: Trainer, changed: Mapping[str, Any]) -> Mapping[str, Any]:
    """Set the augmentation's probability after a change on resuming, and return the changes with it.

    A fixed probability that is not requested stays where ADA left it; after a run without augmentation it is FIXED_P.
    """
    if "p" not in changed and changed.get("augment") == "fixed":
        changed = {**changed, "p": trainer.p or FIXED_P}
    if "p" in changed:
        trainer.p = float(changed["p"])
    return changed


def _check_folder(start: NewRun, source: str | None, is_first: bool) -> None:
    """Check that a new run's folder is free. Raises TrainingError when it is the input, or holds a run."""
    out, data = start.out.resolve(), start.data.resolve()
    if out == data or data in out.parents:
        raise TrainingError(
            f"the run's folder {start.out} is the dataset {start.data} or lies in it", "give --out a folder of its own"
        )
    if source and Path(source).exists() and out in (Path(source).resolve(), *Path(source).resolve().parents):
        raise TrainingError(f"the run's folder {start.out} is that of --from", "give --out a folder of its own")
    if is_first and (start.out / runs.OPTIONS).exists():  # the first process creates it while others still check
        raise TrainingError(
            f"{start.out} already holds a run", f"continue it with: faceloom train --resume {start.out}"
        )
    if start.out.is_file():
        raise TrainingError(f"{start.out} is a file", "give --out a new folder")


def _set_threads(
    trainer: Trainer, requested: int | None, control: RunControl, recorded: int | None = None
) -> int | None:
    """Set the number of torch threads on a CPU and return it; None on a GPU.

    Without `requested` threads, a resumed run keeps its `recorded` number, because another number rounds differently.
    """
    if trainer.device != "cpu":
        return None
    if requested is None and recorded and "OMP_NUM_THREADS" not in os.environ:
        choice = choose_threads(requested=recorded, reason="as before; change it with --threads")
    else:
        choice = choose_threads(trainer.rehearse, requested=requested)
    if trainer.ranks.is_first:
        control.on_message(f"threads = {choice.threads}: {choice.reason}")
    return choice.threads


def _open_trackers(names: Sequence[str] | None, folder: Path, config: TrainConfig, control: RunControl) -> Trackers:
    run_id = str(runs.read_options(folder).get("id", folder.resolve().name))
    return open_trackers(names, folder, to_json(config), run_id, control.on_message)


def _open_origin(requested: Mapping[str, Any]) -> Origin | None:
    return open_origin(requested["source"], runs.read_config) if requested.get("source") else None


def _on_gpu(ranks: Ranks) -> bool:
    return ranks.device.startswith("cuda")


def _has_bf16(ranks: Ranks) -> bool:
    """Return whether the machine computes faster in bf16 than in fp32."""
    return torch.cuda.is_bf16_supported() if _on_gpu(ranks) else fast_precision() == "bf16"


def _note_slow_precision(config: TrainConfig, ranks: Ranks, control: RunControl) -> None:
    """Say it when a run computes in a precision that is slow on this machine."""
    if config.precision == "bf16" and not _has_bf16(ranks):
        control.on_message("this machine has no fast bf16: --precision fp32 is faster")


def _choose_settings(
    start: NewRun, dataset: Dataset, ranks: Ranks, requested: Mapping[str, Any], origin: Origin | None
) -> Plan:
    if start.cond and not dataset.c_dim:
        raise TrainingError(f"{start.data} has no labels", "omit --cond, or make the dataset with --labels folders")
    width, height = dataset.resolution
    has_numbers = start.cond and any(not column.classes for column in dataset.label_columns)
    means, stds = scales_of(dataset.label_columns) if has_numbers else ((), ())
    facts = TrainingFacts(
        data=str(start.data.resolve()),
        images=len(dataset),
        height=height,
        width=width,
        c_dim=dataset.c_dim if start.cond else 0,
        img_channels=dataset.colors.channels,
        bits=dataset.colors.bits,
        sound=_sound_of(dataset),
        label_means=means,
        label_stds=stds,
        on_gpu=_on_gpu(ranks),
        has_bf16=_has_bf16(ranks),
        processes=ranks.size,
    )
    requested = {name: value for name, value in requested.items() if value is not None}
    if origin:
        check_origin(origin, requested, start.preset)
    adopted = settings_for(origin, height, width, start.preset) if origin else {}
    chosen = plan(facts, start.preset, **adopted | requested)
    check_used(chosen.config, requested)
    if origin and not origin.D and "wait_kimg" not in requested:
        alone = min(NEW_D_KIMG, chosen.config.kimg * NEW_D_SHARE)
        why = f"{origin.name} has no discriminator: a new one first learns alone"
        chosen = Plan(replace(chosen.config, wait_kimg=alone), (*chosen.advice, Advice("wait_kimg", alone, why)))
    if origin and "d_channels" in adopted and "d_channels" not in {**origin.settings, **requested}:
        widths = Advice("d_channels", adopted["d_channels"], f"as wide as the generator of {origin.name}")
        chosen = replace(chosen, advice=(*chosen.advice, widths))
    return chosen
