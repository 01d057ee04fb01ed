"""A run: a folder that tells what was asked, what was measured, what came out, and how to go on."""

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
from faceloom.files import replacing
from faceloom.train import checkpoint, report, snapshot, stats
from faceloom.train.config import TrainConfig, from_json, to_json
from faceloom.train.distributed import Ranks
from faceloom.train.health import Finding, examine
from faceloom.train.loop import Trainer
from faceloom.train.plan import Advice
from faceloom.train.tensorboard import Board

OPTIONS, LOG = "options.json", "log.txt"
SAVE_EVERY = 600
"""Seconds between two checkpoints at most: what a crash can cost."""

Measure = Callable[[Any, Trainer], Mapping[str, float]]
"""Measures a generator at a snapshot; the numbers go into the statistics under their names."""


@dataclass(frozen=True)
class Tick:
    """What a run tells while it goes on."""

    nimg: int
    images_per_second: float
    left: float  # seconds until the end, as far as can be told
    memory: int  # bytes that the process or the GPU holds at most
    line: Mapping[str, Any]  # of the statistics
    findings: Sequence[Finding]

    def __str__(self) -> str:
        """One line for people, and one for each finding."""
        parts = (
            f"{self.nimg / 1000:8.1f} kimg",
            f"{self.images_per_second:6.1f} images/s",
            f"{self.line['sec_per_kimg']:6.1f} s/kimg",
            f"{hours(self.left)} left",
            f"{self.memory / 2**30:.2f} GiB",
            f"r_t {self.line.get('sign_real', 0):+.2f}",
            f"p {self.line['p']:.2f}",
        )
        return "\n".join(("  ".join(parts), *(f"  {finding.what}: {finding.advice}" for finding in self.findings)))


@dataclass(frozen=True)
class Limits:
    """When to stop, and who is told."""

    minutes: float = float("inf")
    should_stop: Callable[[], bool] = lambda: False
    tell: Callable[[Tick], None] = lambda tick: None
    say: Callable[[str], None] = lambda sentence: None


@dataclass(frozen=True)
class Outcome:
    """How a run ended."""

    nimg: int
    seconds: float
    why: str  # 'done', 'minutes', 'stopped'
    snapshot: Path
    findings: Sequence[Finding] = ()


@dataclass
class Run:
    """A training run in its folder. `go` goes on until the end, from wherever the folder stands."""

    trainer: Trainer
    folder: Path
    ranks: Ranks = field(default_factory=Ranks)
    measure: Measure | None = None
    limits: Limits = field(default_factory=Limits)

    def __post_init__(self) -> None:
        self.config = self.trainer.config
        self.began = self.ticked = self.saved = time.monotonic()
        self.ticked_nimg = self.first_nimg = self.trainer.nimg
        self.drawn = torch.zeros(0)  # the last sheet
        self.board = Board(self.folder) if self.ranks.is_first else None
        self.unsaved = ""  # why the last checkpoint could not be written

    def go(self) -> Outcome:
        """Train. Raises StoreError when the last checkpoint cannot be written, TrainingError when the run broke."""
        lock = FileLock(self.folder / ".lock")
        try:
            with lock.acquire(timeout=0) if self.ranks.is_first else nullcontext():
                if self.ranks.is_first:
                    tidy(self.folder)
                return self._go()
        except Timeout as error:
            raise TrainingError(f"{self.folder} is being trained by another process", "wait for it") from error

    def _go(self) -> Outcome:
        if self.trainer.nimg == 0 or (self._passed(self.config.snap_kimg) and not self._place().exists()):
            self._show()  # the second: a crash came between the checkpoint and what is shown with it
        why = "done" if self.trainer.nimg >= self.config.kimg * 1000 else ""
        while not why:
            self.trainer.step()
            why = self._reason_to_stop()
            ticks = why or self._passed(self.config.tick_kimg)
            if ticks:
                self._tick()
            if why or self._passed(self.config.snap_kimg):
                self._show(measures=why != "stopped")
            elif ticks and self.ranks.any(time.monotonic() - self.saved > SAVE_EVERY):
                self._save()
        if self.unsaved:
            raise StoreError(self.unsaved, "make room, then go on with --resume: the checkpoint before is whole")
        return Outcome(self.trainer.nimg, time.monotonic() - self.began, why, self._place(), self.findings())

    def _place(self) -> Path:
        return self.folder / snapshot.name_of("network-snapshot-", self.trainer.nimg)

    def findings(self) -> Sequence[Finding]:
        """What the measurements so far say about the run."""
        return examine(stats.read(self.folder / stats.FILE), self.config)

    def _reason_to_stop(self) -> str:
        if self.trainer.nimg >= self.config.kimg * 1000:
            return "done"
        if self.ranks.any(self.limits.should_stop()):
            return "stopped"
        late = time.monotonic() - self.began > self.limits.minutes * 60
        return "minutes" if self.ranks.any(late) else ""

    def _passed(self, kimg: float) -> bool:
        """Whether the last step crossed a multiple of `kimg`."""
        now, before = self.trainer.nimg, self.trainer.nimg - self.config.batch
        return now // (1000 * kimg) > before // (1000 * kimg)

    def _tick(self) -> None:
        trainer, now = self.trainer, time.monotonic()
        means = trainer.means.taken(self.ranks)
        if not self.ranks.is_first:
            return
        seconds, seen = now - self.ticked, trainer.nimg - self.ticked_nimg
        self.ticked, self.ticked_nimg = now, trainer.nimg
        held = memory(self.ranks.device)
        line: dict[str, Any] = {"nimg": trainer.nimg, "kimg": trainer.nimg / 1000, "p": trainer.p, **means}
        line |= {"path_mean": trainer.path_mean.item(), "images_per_second": seen / seconds}
        line |= {"sec_per_kimg": 1000 * seconds / max(seen, 1), "memory": held}
        line |= {"time": time.time()}
        self._write(lambda: self._note(line))
        tick = Tick(trainer.nimg, seen / seconds, self._left(), held, line, self.findings())
        self._log(str(tick))
        self.limits.tell(tick)

    def _note(self, line: Mapping[str, Any]) -> None:
        stats.append(self.folder / stats.FILE, line)
        if self.board:
            self.board.add(line)

    def _left(self) -> float:
        done = self.trainer.nimg - self.first_nimg
        passed = time.monotonic() - self.began
        by_images = passed / max(done, 1) * (self.config.kimg * 1000 - self.trainer.nimg)
        return max(0.0, min(by_images, self.limits.minutes * 60 - passed))

    def _show(self, measures: bool = True) -> None:
        """A checkpoint first, then a sheet, a network, a report, and a measurement unless somebody is waiting."""
        self._save()
        if self.ranks.is_first:
            self._write(lambda: self._publish(measures))
        self.ticked, self.ticked_nimg = time.monotonic(), self.trainer.nimg  # showing is no training

    def _publish(self, measures: bool) -> None:
        trainer = self.trainer
        if trainer.nimg == 0:
            snapshot.save_reals(trainer, self.folder)
        snapshot.save_network(trainer, self.folder, data=Path(self.config.data).name)
        before, self.drawn = self.drawn, snapshot.save_fakes(trainer, self.folder)
        line: dict[str, Any] = {"nimg": trainer.nimg, "kimg": trainer.nimg / 1000, "spread": spread(self.drawn)}
        if before.shape == self.drawn.shape:
            line["change"] = (before - self.drawn).abs().mean().item()
        if self.measure and measures and trainer.nimg:
            measured = self.measure(snapshot.settled(trainer), trainer)
            for name, value in measured.items():
                stats.append(self.folder / f"metric-{name}.jsonl", {"nimg": trainer.nimg, name: value})
            line |= measured
        self._note(line)
        if self.board:
            self.board.show(self.folder / snapshot.name_of("fakes", trainer.nimg, ".png"), trainer.nimg)
        report.write(self.folder, self.config, card_of(self.folder))

    def _save(self) -> None:
        self.saved = time.monotonic()
        if self.ranks.is_first:
            self.unsaved = self._write(lambda: checkpoint.save(self.trainer, self.folder / checkpoint.FILE))

    def _write(self, write: Callable[[], None]) -> str:
        """Write, or say why not and go on: a full disk must not end a run of days, as there may be room later."""
        try:
            write()
        except (StoreError, OSError) as error:
            self.limits.say(f"{error}; the run goes on, and tries again later")
            return str(error)
        return ""

    def _log(self, text: str) -> None:
        with suppress(OSError), (self.folder / LOG).open("a", encoding="utf-8") as file:  # a full disk: see _write
            file.write(text + "\n")


def tidy(folder: Path) -> None:
    """Remove what a killed process had begun to write: drafts of the files that `replacing` makes whole."""
    for draft in (*folder.glob(".*-*"), *folder.glob("network-snapshot-*/.*-*")):
        if draft.suffix in (".safetensors", ".json", ".jsonl", ".png", ".webp", ".html"):
            draft.unlink(missing_ok=True)


def hours(seconds: float) -> str:
    """A time as people say it."""
    minutes = round(seconds / 60)
    return f"{minutes // 60} h {minutes % 60:02d} min" if minutes >= 60 else f"{minutes} min"


def spread(img: torch.Tensor) -> float:
    """How different the images of a sheet are: the mean over pixels of their standard deviation, at 16 px."""
    small = torch.nn.functional.adaptive_avg_pool2d(img, 16)
    return float(small.std(0).mean()) if len(img) > 1 else 0.0


def memory(device: str = "cpu") -> int:
    """Bytes that this process, or on a GPU its tensors, held at most."""
    if device.startswith("cuda"):
        return torch.cuda.max_memory_allocated()
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if platform.system() == "Darwin" else 1024)


def create(folder: Path, config: TrainConfig, advice: Sequence[Advice] = (), **facts: Any) -> None:
    """Begin a run's folder with its options. Raises TrainingError when the folder holds a run already."""
    if (folder / OPTIONS).exists():
        raise TrainingError(f"{folder} holds a run already", f"go on with: faceloom train --resume {folder}")
    card = {**to_json(config), "torch": torch.__version__, **facts}
    card["advice"] = [{"name": item.name, "value": item.value, "why": item.why} for item in advice]
    with replacing(folder / OPTIONS) as draft:
        draft.write_text(json.dumps(card, indent=2) + "\n", encoding="utf-8")


def options(folder: Path, **changed: Any) -> TrainConfig:
    """Read a run's config, with what may change when it goes on. Raises TrainingError when the folder is no run."""
    return replace(from_json(card_of(folder)), **{name: value for name, value in changed.items() if value is not None})


def change(folder: Path, **changed: Any) -> None:
    """Write down what changed when a run went on."""
    card = card_of(folder) | {name: value for name, value in changed.items() if value is not None}
    with replacing(folder / OPTIONS) as draft:
        draft.write_text(json.dumps(card, indent=2) + "\n", encoding="utf-8")


def card_of(folder: Path) -> dict[str, Any]:
    """Read a run's options with their reasons. Raises TrainingError when the folder is no run."""
    try:
        card = json.loads((folder / OPTIONS).read_text(encoding="utf-8"))
    except OSError as error:
        raise TrainingError(f"{folder} holds no run: {error.strerror}", "give the folder of --out") from error
    except ValueError as error:
        raise TrainingError(f"{folder / OPTIONS} is damaged: {error}", "start a new run") from error
    if not isinstance(card, dict):
        raise TrainingError(f"{folder / OPTIONS} is damaged", "start a new run")
    return card


def resume(trainer: Trainer, folder: Path) -> None:
    """Bring a trainer to where its folder is; what was measured after that is forgotten."""
    if (folder / checkpoint.FILE).exists():
        checkpoint.load(trainer, folder / checkpoint.FILE)
        if trainer.ranks.is_first:
            for file in (folder / stats.FILE, *folder.glob("metric-*.jsonl")):
                stats.rewind(file, trainer.nimg)
        trainer.ranks.wait()
