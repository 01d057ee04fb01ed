"""A training run in a folder: its options, statistics, checkpoints, snapshots and report, and how it is resumed."""

from __future__ import annotations

import json
import platform
import resource
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import nullcontext, suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import torch
from filelock import FileLock, Timeout

from faceloom.errors import StoreError, TrainingError
from faceloom.files import atomic_write
from faceloom.train import checkpoint, report, snapshot, stats
from faceloom.train.config import TrainConfig, from_json, to_json
from faceloom.train.distributed import Ranks
from faceloom.train.health import Finding, examine
from faceloom.train.loop import Trainer
from faceloom.train.plan import Advice
from faceloom.train.trackers import Trackers, make_run_id

OPTIONS, LOG, BEST = "options.json", "log.txt", "network-best"
FIRST_CHECKPOINT_SECONDS = 60
"""Maximum seconds until the first checkpoint of a start; it is written after the first tick if that comes earlier."""
CHECKPOINT_SECONDS = 600
"""Maximum seconds between two checkpoints, which is the most training time that a crash can cost."""
QUALITY_COLUMNS = ("fid", "frechet_vgg16")
"""Beginnings of the names of the statistics that decide which snapshot is the best, the most reliable first."""

Measure = Callable[[Any, Trainer], Mapping[str, float]]
"""Function that measures the generator of a snapshot. The numbers are added to the statistics under their names."""


@dataclass(frozen=True)
class Tick:
    """A progress report of a run."""

    nimg: int
    images_per_second: float
    seconds_left: float  # estimated time until the end
    peak_memory: int  # bytes, the maximum so far of the process or the GPU
    line: Mapping[str, Any]  # the line of statistics of this tick
    findings: Sequence[Finding]

    def __str__(self) -> str:
        """Return one readable line, and one more for each finding."""
        parts = (
            f"{self.nimg / 1000:8.1f} kimg",
            f"{self.images_per_second:6.1f} images/s",
            f"{self.line['sec_per_kimg']:6.1f} s/kimg",
            f"{format_duration(self.seconds_left)} left",
            f"{self.peak_memory / 2**30:.2f} GiB",
            f"r_t {self.line.get('sign_real', 0):+.2f}",
            f"p {self.line['p']:.2f}",
        )
        return "\n".join(("  ".join(parts), *(f"  {finding.what}: {finding.advice}" for finding in self.findings)))


@dataclass(frozen=True)
class RunControl:
    """Conditions that end a run early, and callbacks that receive its progress."""

    minutes: float = float("inf")
    should_stop: Callable[[], bool] = lambda: False
    on_tick: Callable[[Tick], None] = lambda tick: None
    on_message: Callable[[str], None] = lambda message: None


@dataclass(frozen=True)
class Outcome:
    """The result of a run."""

    nimg: int
    seconds: float
    reason: str  # 'done', 'minutes', 'stopped'
    snapshot: Path
    findings: Sequence[Finding] = ()
    best: Path | None = None  # the snapshot with the lowest distance to the training images, if it was measured


@dataclass
class Run:
    """A training run in its folder. `train` continues from the folder's last checkpoint until the end."""

    trainer: Trainer
    folder: Path
    ranks: Ranks = field(default_factory=Ranks)
    measure: Measure | None = None
    control: RunControl = field(default_factory=RunControl)
    trackers: Trackers = field(default_factory=lambda: Trackers({}, lambda message: None))

    def __post_init__(self) -> None:
        self.config = self.trainer.config
        self.started_at = self.last_tick_at = self.last_save_at = time.monotonic()
        self.last_tick_nimg = self.start_nimg = self.trainer.nimg
        self.last_sheet = torch.zeros(0)  # images of the last sheet, [n, 3, h, w]
        self.has_saved = False  # whether this start has written a checkpoint after its first step
        self.save_error = ""  # error message of the last checkpoint, empty when it was written

    def train(self) -> Outcome:
        """Train until the end.

        Raises StoreError when the last checkpoint cannot be written, TrainingError when another process trains in the
        folder or the generator is not finite.
        """
        lock = FileLock(self.folder / ".lock")
        try:
            with lock.acquire(timeout=0) if self.ranks.is_first else nullcontext():
                if self.ranks.is_first:
                    remove_partial_files(self.folder)
                try:
                    return self._train_until_stopped()
                finally:
                    self.trackers.close()
        except Timeout as error:
            raise TrainingError(f"{self.folder} is being trained by another process", "wait for it") from error

    def _train_until_stopped(self) -> Outcome:
        if self.trainer.nimg == 0 or (self._crossed(self.config.snap_kimg) and not self._snapshot_folder().exists()):
            self._save_snapshot()  # the second case: a crash after the checkpoint and before its snapshot
        reason = "done" if self.trainer.nimg >= self.config.kimg * 1000 else ""
        while not reason:
            self.trainer.step()
            reason = self._reason_to_stop()
            ticks = bool(reason) or self._crossed(self.config.tick_kimg)
            if ticks:
                self._record_tick()
            if reason or self._crossed(self.config.snap_kimg):
                self._save_snapshot(measures=reason != "stopped")
                self.has_saved = True
            elif self.ranks.any(self._checkpoint_is_due(ticks)):
                self._save()
                self.has_saved = True
        if self.save_error:
            raise StoreError(self.save_error, "free some space, then use --resume: the previous checkpoint is intact")
        seconds = time.monotonic() - self.started_at
        best = self.folder / BEST
        return Outcome(
            self.trainer.nimg,
            seconds,
            reason,
            self._snapshot_folder(),
            self.findings(),
            best if best.exists() else None,
        )

    def _checkpoint_is_due(self, ticks: bool) -> bool:
        """Return whether to write a checkpoint: after the first tick or minute, and then at every tenth minute."""
        if not self.has_saved and ticks:
            return True
        limit = CHECKPOINT_SECONDS if self.has_saved else min(FIRST_CHECKPOINT_SECONDS, CHECKPOINT_SECONDS)
        return time.monotonic() - self.last_save_at > limit

    def _snapshot_folder(self) -> Path:
        return self.folder / snapshot.snapshot_name("network-snapshot-", self.trainer.nimg, self.config.batch)

    def findings(self) -> Sequence[Finding]:
        """Return problems that the statistics so far indicate."""
        return examine(stats.read(self.folder / stats.FILE), self.config)

    def _reason_to_stop(self) -> str:
        if self.trainer.nimg >= self.config.kimg * 1000:
            return "done"
        if self.ranks.any(self.control.should_stop()):
            return "stopped"
        late = time.monotonic() - self.started_at > self.control.minutes * 60
        return "minutes" if self.ranks.any(late) else ""

    def _crossed(self, kimg: float) -> bool:
        """Return whether the last step crossed a multiple of `kimg`."""
        now, before = self.trainer.nimg, self.trainer.nimg - self.config.batch
        return now // (1000 * kimg) > before // (1000 * kimg)

    def _record_tick(self) -> None:
        trainer, now = self.trainer, time.monotonic()
        means = trainer.means.pop(self.ranks)
        if not self.ranks.is_first:
            return
        seconds, images = now - self.last_tick_at, trainer.nimg - self.last_tick_nimg
        self.last_tick_at, self.last_tick_nimg = now, trainer.nimg
        memory = peak_memory(self.ranks.device)
        line: dict[str, Any] = {"nimg": trainer.nimg, "kimg": trainer.nimg / 1000, "p": trainer.p, **means}
        line |= {"path_mean": trainer.path_mean.item(), "images_per_second": images / seconds}
        line |= {"sec_per_kimg": 1000 * seconds / max(images, 1), "memory": memory}
        line |= {"time": time.time()}
        self._try_write(lambda: self._write_stats(line))
        tick = Tick(trainer.nimg, images / seconds, self._seconds_left(), memory, line, self.findings())
        self._log(str(tick))
        self.control.on_tick(tick)

    def _write_stats(self, line: Mapping[str, Any]) -> None:
        stats.append(self.folder / stats.FILE, line)
        self.trackers.add(line)

    def _seconds_left(self) -> float:
        done = self.trainer.nimg - self.start_nimg
        passed = time.monotonic() - self.started_at
        by_images = passed / max(done, 1) * (self.config.kimg * 1000 - self.trainer.nimg)
        return max(0.0, min(by_images, self.control.minutes * 60 - passed))

    def _save_snapshot(self, measures: bool = True) -> None:
        """Save a checkpoint, a sheet, a network and a report, and measure unless the user waits for the end."""
        self._save()
        if self.ranks.is_first:
            self._try_write(lambda: self._write_snapshot(measures))
        self.last_tick_at, self.last_tick_nimg = time.monotonic(), self.trainer.nimg  # exclude this time from the speed

    def _write_snapshot(self, measures: bool) -> None:
        trainer = self.trainer
        if trainer.nimg == 0:
            snapshot.save_reals(trainer, self.folder)
        snapshot.save_network(trainer, self.folder, data=Path(self.config.data).name)
        previous, self.last_sheet = self.last_sheet, snapshot.save_fakes(trainer, self.folder)
        line: dict[str, Any] = {"nimg": trainer.nimg, "kimg": trainer.nimg / 1000}
        line["spread"] = image_diversity(self.last_sheet)
        if previous.shape == self.last_sheet.shape:
            line["change"] = (previous - self.last_sheet).abs().mean().item()
        if self.measure and measures and trainer.nimg:
            measured = self.measure(snapshot.averaged_generator(trainer), trainer)
            if is_best(measured, stats.read(self.folder / stats.FILE)):
                snapshot.save_network(trainer, self.folder, BEST, data=Path(self.config.data).name, **measured)
            for name, value in measured.items():
                stats.append(self.folder / f"metric-{name}.jsonl", {"nimg": trainer.nimg, name: value})
            line |= measured
        self._write_stats(line)
        sheet = self.folder / snapshot.snapshot_name("fakes", trainer.nimg, self.config.batch, ".png")
        self.trackers.add_sheet(sheet, trainer.nimg)
        report.write(self.folder, self.config, read_options(self.folder))

    def _save(self) -> None:
        self.last_save_at = time.monotonic()
        if self.ranks.is_first:
            self.save_error = self._try_write(lambda: checkpoint.save(self.trainer, self.folder / checkpoint.FILE))

    def _try_write(self, write: Callable[[], None]) -> str:
        """Write and return an empty text, or return the error message and continue.

        A full disk must not end a run of several days, because space may be free again later.
        """
        try:
            write()
        except (StoreError, OSError) as error:
            self.control.on_message(f"{error}; training continues, and writing is tried again later")
            return str(error)
        return ""

    def _log(self, text: str) -> None:
        with suppress(OSError), (self.folder / LOG).open("a", encoding="utf-8") as file:  # a full disk: see _try_write
            file.write(text + "\n")


def remove_partial_files(folder: Path) -> None:
    """Remove the temporary files that `atomic_write` left behind when a process was killed while writing."""
    for temp_path in (*folder.glob(".*-*"), *folder.glob("network-*/.*-*")):
        if temp_path.suffix in (".safetensors", ".json", ".jsonl", ".png", ".webp", ".html"):
            temp_path.unlink(missing_ok=True)


def is_best(measured: Mapping[str, float], lines: Sequence[Mapping[str, Any]]) -> bool:
    """Return whether a measurement is the lowest of the run, given the run's earlier lines of statistics.

    The FID decides where it is measured, otherwise the Frechet distance (VGG16).
    """
    for column in QUALITY_COLUMNS:
        for name, value in measured.items():
            if name.startswith(column):
                earlier = [distance for _, distance in stats.column(lines, name)]
                return value < min(earlier, default=float("inf"))
    return False


def format_duration(seconds: float) -> str:
    """Format a duration, such as '1 h 05 min'."""
    minutes = round(seconds / 60)
    return f"{minutes // 60} h {minutes % 60:02d} min" if minutes >= 60 else f"{minutes} min"


def image_diversity(img: torch.Tensor) -> float:
    """Return how much the images of a sheet differ: the mean over pixels of their standard deviation, at 16 px."""
    small = torch.nn.functional.adaptive_avg_pool2d(img, 16)
    return float(small.std(0).mean()) if len(img) > 1 else 0.0


def peak_memory(device: str = "cpu") -> int:
    """Return the maximum memory in bytes that this process, or on a GPU its tensors, has used so far."""
    if device.startswith("cuda"):
        return torch.cuda.max_memory_allocated()
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if platform.system() == "Darwin" else 1024)


def create_run(folder: Path, config: TrainConfig, advice: Sequence[Advice] = (), **facts: Any) -> None:
    """Create a run's folder with its options. Raises TrainingError when the folder already holds a run."""
    if (folder / OPTIONS).exists():
        raise TrainingError(f"{folder} already holds a run", f"continue it with: faceloom train --resume {folder}")
    card = {**to_json(config), "torch": torch.__version__, "id": make_run_id(), **facts}
    card["advice"] = [{"name": item.name, "value": item.value, "why": item.why} for item in advice]
    with atomic_write(folder / OPTIONS) as temp_path:
        temp_path.write_text(json.dumps(card, indent=2) + "\n", encoding="utf-8")


def read_config(folder: Path, **changed: Any) -> TrainConfig:
    """Read a run's config and apply changed settings. Raises TrainingError when the folder holds no run."""
    return replace(
        from_json(read_options(folder)), **{name: value for name, value in changed.items() if value is not None}
    )


def record_changes(folder: Path, nimg: int = 0, **changed: Any) -> list[str]:
    """Save the settings that changed when a run was resumed after `nimg` images.

    The options keep a list of all changes, and the log gets one line for each. Returns the changes as text.
    """
    card = read_options(folder)
    changes = [
        {"kimg": nimg / 1000, "name": name, "from": card.get(name), "to": value}
        for name, value in changed.items()
        if value is not None and value != card.get(name)
    ]
    if not changes:
        return []
    names = {change["name"] for change in changes}
    card |= {str(change["name"]): change["to"] for change in changes}
    card["advice"] = [item for item in card.get("advice", ()) if item.get("name") not in names]
    card["changes"] = [*card.get("changes", ()), *changes]
    with atomic_write(folder / OPTIONS) as temp_path:
        temp_path.write_text(json.dumps(card, indent=2) + "\n", encoding="utf-8")
    texts = [f"resumed at {nimg / 1000:g} kimg: {item['name']} {item['from']} -> {item['to']}" for item in changes]
    with suppress(OSError), (folder / LOG).open("a", encoding="utf-8") as file:
        file.write("".join(f"{text}\n" for text in texts))
    return texts


def read_options(folder: Path) -> dict[str, Any]:
    """Read a run's options with their reasons. Raises TrainingError when the folder holds no run."""
    try:
        card = json.loads((folder / OPTIONS).read_text(encoding="utf-8"))
    except OSError as error:
        raise TrainingError(f"{folder} holds no run: {error.strerror}", "give the folder of --out") from error
    except ValueError as error:
        raise TrainingError(f"{folder / OPTIONS} is damaged: {error}", "start a new run") from error
    if not isinstance(card, dict):
        raise TrainingError(f"{folder / OPTIONS} is damaged", "start a new run")
    return card


def restore_checkpoint(trainer: Trainer, folder: Path) -> None:
    """Restore a trainer from its folder's last checkpoint, and delete statistics that were measured after it."""
    if (folder / checkpoint.FILE).exists():
        checkpoint.load(trainer, folder / checkpoint.FILE)
        if trainer.ranks.is_first:
            for file in (folder / stats.FILE, *folder.glob("metric-*.jsonl")):
                stats.truncate(file, trainer.nimg)
