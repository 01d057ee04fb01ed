"""Work that the kill loop interrupts: encode, tune, train, cast, export, pull and migrate, each on a tiny generator."""

from __future__ import annotations

import asyncio
import hashlib
import io
import itertools
import os
import shutil
import sqlite3
import typing
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import httpx
import torch
from PIL import Image
from torch.nn import functional

from faceloom.assets import MANIFEST, open_asset
from faceloom.assets.pull import pull_asset
from faceloom.checkpoints.detect import read_checkpoint
from faceloom.checkpoints.export import export_generator
from faceloom.checkpoints.load import DEFAULT_GENERATOR, GeneratorModel
from faceloom.errors import FaceloomError
from faceloom.likeness import Likeness
from faceloom.store import Database, VisitStore
from faceloom.store.database import MIGRATIONS
from faceloom.train import checkpoint
from faceloom.train import run as runs
from faceloom.web.worker.context import TaskContext
from faceloom.web.worker.messages import Encode, Improve, OpenPhoto
from faceloom.web.worker.state import WorkerState
from faceloom.web.worker.tasks import run_task
from faceloom.workflows.cast import job as jobs
from faceloom.workflows.cast.people import PersonFiles
from faceloom.workflows.cast.plan import Plan
from faceloom.workflows.cast.run import REPORT, cast
from faceloom.workflows.studio import Studio
from tests.abuse.kill_loop import Acknowledge, Work
from tests.assets.tiny_asset import FACE, WEIGHTS, make_asset, make_sdist, make_wheel
from tests.checkpoints import foreign_files
from tests.train.tiny_run import differences, tiny_run, tiny_trainer
from tests.web.in_process import InProcessClient
from tests.web.tiny_booth import SECONDS, TinyStudio, tiny_app
from tests.web.tiny_server import photo

ROWS = 400  # visits in a file that is migrated
QUIET = TaskContext(lambda report: None, lambda: None)


def integrity_of(path: Path) -> list[str]:
    """Return a complaint when SQLite finds the file damaged."""
    with sqlite3.connect(path) as connection:
        (answer,) = connection.execute("PRAGMA integrity_check").fetchone()
    connection.close()
    return [] if answer == "ok" else [f"{path.name}: {answer}"]


class EncodeVisits:
    """Visits to a booth from consent to play. A visit is acknowledged when the page was told that it can play."""

    def __init__(self, folder: Path) -> None:
        os.environ[SECONDS] = "0.05"
        self.folder, self.studio = folder, TinyStudio()
        self.seeds = itertools.count()

    def run(self, acknowledge: Acknowledge) -> None:
        """Walk one visitor after another through the booth."""
        asyncio.run(self._serve(acknowledge))

    async def _serve(self, acknowledge: Acknowledge) -> None:
        app = tiny_app(self.folder, make_client=lambda _: InProcessClient(lambda: self.studio))
        headers, transport = {"X-Faceloom": "1"}, httpx.ASGITransport(app)
        async with app.router.lifespan_context(app):
            app.state.booth.rate_limiter.check = lambda *_: None
            async with httpx.AsyncClient(
                transport=transport, base_url="http://127.0.0.1/api/v1", headers=headers, timeout=60
            ) as client:
                for seed in self.seeds:
                    client.cookies.clear()
                    await client.post("/visits")
                    await client.post("/visit/consent", json={"agreed": True})
                    await client.post("/visit/photo", files={"photo": ("a", photo(seed, 128, 128))})
                    while (visit := (await client.get("/visit")).json())["state"] != "play":
                        await asyncio.sleep(0.005)
                    acknowledge(visit["id"])

    def check(self, acknowledged: list[str]) -> list[str]:
        """Open the store as the next start does: every acknowledged visit is there with its likeness."""
        store, lost = VisitStore(self.folder), []
        visits = {visit.id: visit for visit in store.visits()}
        for name in acknowledged:
            if name not in visits or not all(person.playable for person in visits[name].people):
                lost.append(name)
                continue
            for person in visits[name].people:
                Likeness.load(store.folder_of(name) / f"{person.id}.likeness")
        for visit in visits.values():
            if visit.consent is None and list(store.folder_of(visit.id).glob("*")):
                lost.append(f"{visit.id} has files and no consent")
            store.erase(visit.id)
        left = list((self.folder / "visits").glob("*"))
        store.database.close()
        return lost + [f"{path.name} was not erased" for path in left] + integrity_of(self.folder / "booth.sqlite")


class TuneLikeness:
    """The improvement of a likeness in slices. A slice is acknowledged when its quality was reported."""

    def __init__(self, folder: Path) -> None:
        os.environ[SECONDS] = "0"
        self.folder, self.state = folder, WorkerState(TinyStudio())
        run_task(self.state, OpenPhoto(str(folder), "photo-1.jpg", photo(1)), QUIET)
        run_task(self.state, Encode(str(folder), "photo-1.jpg", 0, "person", 1.0), QUIET)
        self.best = 1.0

    def run(self, acknowledge: Acknowledge) -> None:
        """Improve the likeness for ever."""
        while True:
            done = run_task(self.state, Improve(str(self.folder), "photo-1.jpg", "person", 1.0), QUIET)
            acknowledge(str(done.quality.lpips))

    def check(self, acknowledged: list[str]) -> list[str]:
        """Return a complaint when the file is damaged or worse than the last acknowledged slice."""
        self.best = min([self.best, *map(float, acknowledged)])
        stored = Likeness.load(self.folder / "person.likeness").quality["lpips"]
        self.state.likenesses.forget(str(self.folder), "")
        return [f"LPIPS {stored} instead of {self.best}"] if stored > self.best + 1e-4 else []


class TrainRun:
    """A training run that writes a checkpoint after every step and is resumed after every kill."""

    def __init__(self, folder: Path) -> None:
        runs.CHECKPOINT_SECONDS = 0
        self.folder = folder / "run"
        self.config: dict[str, Any] = {"kimg": 1e6, "tick_kimg": 0.008, "snap_kimg": 1e6}
        self.straight = tiny_trainer(**self.config)
        self.nimg = 0

    def run(self, acknowledge: Acknowledge) -> None:
        """Start or resume the run."""
        save = checkpoint.save

        def save_and_acknowledge(trainer: Any, path: Path) -> None:
            save(trainer, path)
            acknowledge(str(trainer.nimg))

        checkpoint.save = save_and_acknowledge
        tiny_run(self.folder, **self.config).train()

    def check(self, acknowledged: list[str]) -> list[str]:
        """Restore the run: it is not behind the last checkpoint, and equal, bit by bit, to a run without kills."""
        if not (self.folder / runs.OPTIONS).exists():
            return acknowledged
        restored = tiny_run(self.folder, **self.config).trainer if acknowledged or self.nimg else None
        if restored is None:
            return []
        self.nimg = max([self.nimg, *map(int, acknowledged)])
        if restored.nimg < self.nimg:
            return [f"{restored.nimg} images instead of {self.nimg}"]
        while self.straight.nimg < restored.nimg:
            self.straight.step()
        self.straight.means.pop(self.straight.ranks)
        return differences(self.straight, restored)


class ColoredPeople:
    """Stands for the maker of people, which takes seconds for each: every person is a square of one color."""

    def __init__(self, *_: object) -> None:
        pass

    def make(self, index: int, variant: int, excluded: torch.Tensor) -> PersonFiles:
        """Make the picture and the row of a person."""
        generator = torch.Generator().manual_seed(1000 * variant + index)
        name, picture = f"{index + 1:07d}-0.png", io.BytesIO()
        color = tuple(torch.randint(256, (3,), generator=generator).tolist())
        Image.new("RGB", (16, 16), color).save(picture, "PNG")
        numbers = ("age", "skin_tone", "yaw", "gender", "smile", "glasses", "beard")
        labels = dict.fromkeys(numbers, 0.5) | {f"{number}_confidence": 1.0 for number in numbers}
        row = {"file_name": name, "person": f"p{index + 1:07d}", "picture": 0, "split": "train", "met": True, **labels}
        identity = functional.normalize(torch.randn(128, generator=generator), dim=0)
        return PersonFiles([row], {name: picture.getvalue()}, torch.randn(16, generator=generator), identity, [])


class MakeCast:
    """Casts of 16 people in shards of one, one cast after another. Shards and finished casts are acknowledged."""

    longest_life = 12.0  # times of a first shard, so that some children finish a cast or two

    def __init__(self, folder: Path) -> None:
        vars(jobs)["PersonMaker"] = ColoredPeople
        self.folder, self.plan = folder / "casts", Plan(16, size=16, date="2026-11-27", credentials=False)
        generator: Any = SimpleNamespace(name="tiny", hash="0" * 64)
        studio = SimpleNamespace(generator=generator, generator_name=DEFAULT_GENERATOR, precision="fp32")
        self.studio = typing.cast(Studio, studio)
        cast(self.studio, self.plan, folder / "whole")
        self.expected = self._digests(folder / "whole")

    @staticmethod
    def _digests(folder: Path) -> dict[str, str]:
        files = (path for path in folder.rglob("*") if path.is_file())
        return {str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}

    def run(self, acknowledge: Acknowledge) -> None:
        """Cast for ever; the first cast continues an interrupted one."""
        make = jobs.ShardMaker.make

        def make_and_acknowledge(maker: Any, shard: Any) -> int:
            count = make(maker, shard)
            acknowledge(f"{maker.job.folder.name}/{shard.name}")
            return count

        jobs.ShardMaker.make = make_and_acknowledge  # type: ignore[method-assign, assignment]
        for number in itertools.count():
            if not (self.folder / str(number) / REPORT).exists():
                cast(self.studio, self.plan, self.folder / str(number))
                acknowledge(f"{number}/")

    def check(self, acknowledged: list[str]) -> list[str]:
        """Return shards that are lost, and finished casts that differ from one without kills; remove those casts."""
        broken = []
        for name in acknowledged:
            number, shard = name.split("/")
            finished = (self.folder / number / REPORT).exists()
            if not finished and not (shard and self._is_there(self.folder / number, shard)):
                broken.append(name)
        for report in [*self.folder.glob(f"*/{REPORT}")]:
            found = {path: digest for path, digest in self._digests(report.parent).items() if not path.startswith(".")}
            if found != self.expected:
                broken.append(f"{report.parent.name} differs")
            shutil.rmtree(report.parent)
        return broken

    @staticmethod
    def _is_there(folder: Path, shard: str) -> bool:
        return (folder / jobs.WORK / "shards" / shard / jobs.LATENTS).is_file()


class ExportGenerator:
    """The export of a generator in two formats, onto the same paths."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.model = GeneratorModel(foreign_files.make_stylegan2(), "tiny", "stylegan2", "0" * 64, "CC0")
        self.finished: set[str] = set()

    def run(self, acknowledge: Acknowledge) -> None:
        """Export for ever."""
        while True:
            export_generator(self.model, "safetensors", self.folder / "network")
            acknowledge("network")
            export_generator(self.model, "rosinality", self.folder / "network.pt")
            acknowledge("network.pt")

    def check(self, acknowledged: list[str]) -> list[str]:
        """Return what is missing, and what cannot be read under its final name."""
        self.finished |= set(acknowledged)
        broken = []
        for name in ("network", "network.pt"):
            path = self.folder / name
            if path.exists():
                try:
                    read_checkpoint(path)
                except FaceloomError as error:
                    broken.append(f"{name}: {error.message}")
            elif name in self.finished:
                broken.append(f"{name} is gone")
        return broken


class PullAsset:
    """The pull of an asset from a folder of archives, which is then removed and pulled again."""

    def __init__(self, folder: Path) -> None:
        self.wheels = folder / "wheels"
        self.wheels.mkdir()
        self.asset = make_asset(make_wheel(self.wheels), make_sdist(self.wheels, folder / "canary"))
        MANIFEST[self.asset.name] = self.asset
        os.environ["FACELOOM_HOME"] = str(folder / "home")
        self.target = folder / "home" / "models" / self.asset.name

    def run(self, acknowledge: Acknowledge) -> None:
        """Pull and remove for ever."""
        while True:
            pull_asset(self.asset, source=self.wheels)
            acknowledge("pulled")
            acknowledge("removing")
            shutil.rmtree(self.target, ignore_errors=True)

    def check(self, acknowledged: list[str]) -> list[str]:
        """Pull again: a complete asset is kept, and staging folders of the killed pull are gone."""
        was_removing = "removing" in acknowledged
        if acknowledged[-1:] == ["pulled"] and not self.target.exists():
            return ["the asset is gone"]
        if self.target.exists() and was_removing:
            shutil.rmtree(self.target)  # the test's own removal was cut short
        pull_asset(self.asset, source=self.wheels)
        found = open_asset(self.asset.name)
        whole = (found / "weights.bin").read_bytes() == WEIGHTS and (found / "face.png").read_bytes() == FACE
        left = [path.name for path in self.target.parent.iterdir() if path.name not in ("tiny", ".lock-tiny")]
        shutil.rmtree(self.target)
        return ([] if whole else ["the asset is damaged"]) + left


class MigrateDatabase:
    """The migration of files of the oldest version, one after another."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.oldest = folder, folder / "oldest"
        with sqlite3.connect(self.oldest) as connection:
            connection.executescript(f"PRAGMA journal_mode=WAL; {MIGRATIONS[0]} PRAGMA user_version=1;")
            body = '{"consent": {"at": "2026-01-01T00:00:00+00:00", "text": "1", "retention_minutes": 15}}'
            rows = [(f"visit{n}", "booth", "play", 1.0, 2e9, body) for n in range(ROWS)]
            connection.executemany("INSERT INTO visits VALUES (?, ?, ?, ?, ?, ?)", rows)
        connection.close()

    def run(self, acknowledge: Acknowledge) -> None:
        """Migrate a copy for ever."""
        for number in itertools.count():
            path = self.folder / f"{number}.sqlite"
            shutil.copyfile(self.oldest, path.with_suffix(".copy"))
            path.with_suffix(".copy").rename(path)
            Database(path).close()
            acknowledge(path.name)

    def check(self, acknowledged: list[str]) -> list[str]:
        """Open every file: the newest version, all rows, and whole."""
        broken = [name for name in acknowledged if not (self.folder / name).exists()]
        for path in self.folder.glob("*.sqlite"):
            broken += integrity_of(path)
            database = Database(path)
            (version,) = database.rows("PRAGMA user_version")[0]
            counts = [database.rows(f"SELECT count(*) FROM {table}")[0][0] for table in ("visits", "consents")]
            database.close()
            if version != len(MIGRATIONS) or counts != [ROWS, ROWS]:
                broken.append(f"{path.name}: version {version}, rows {counts}")
            for file in self.folder.glob(f"{path.name}*"):
                file.unlink()
        return broken


WORKS: dict[str, Callable[[Path], Work]] = {
    "encode": EncodeVisits,
    "tune": TuneLikeness,
    "train": TrainRun,
    "cast": MakeCast,
    "export": ExportGenerator,
    "pull": PullAsset,
    "migrate": MigrateDatabase,
}
"""Work by name."""

torch.set_num_threads(1)
