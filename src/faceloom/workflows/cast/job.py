"""The job of a cast in its folder: shards of people, each written whole and exactly once, by any worker.

A shard is a range of people. It is written under a temporary name and renamed when it is complete, so that a process
that is killed leaves complete shards and nothing else that counts. Two workers that make the same shard write the same
bytes, and the second one's copy is dropped.
"""

from __future__ import annotations

import json
import os
import shutil
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import torch

from faceloom.errors import StoreError
from faceloom.workflows.cast.cells import Assignment, assign
from faceloom.workflows.cast.draw import Check, never_interrupt
from faceloom.workflows.cast.people import PersonMaker
from faceloom.workflows.cast.plan import Plan
from faceloom.workflows.studio import Studio

WORK = ".work"  # folder of unfinished work inside the folder of the cast
MAX_SHARD = 100  # people
SHARDS = 16  # of a small cast, so that several workers share it
ROWS, LATENTS = "rows.jsonl", "latents.npz"  # of NumPy, because the bytes of a safetensors header vary


@dataclass(frozen=True)
class Shard:
    """A shard: its name, and the people in it as pairs of index, from 0, and how often the person was cast before."""

    name: str
    people: tuple[tuple[int, int], ...]


@dataclass(frozen=True, eq=False)
class Job:
    """A plan that is carried out in a folder.

    No person may resemble the identities `excluded [n, 128]`; `day` is the one that the watermarks state.
    """

    plan: Plan
    folder: Path
    excluded: torch.Tensor
    day: date

    @cached_property
    def assignment(self) -> Assignment:
        """The cell and the split of every person."""
        return assign(self.plan)

    @property
    def work(self) -> Path:
        """The folder of unfinished work."""
        return self.folder / WORK

    def shards(self) -> Iterator[Shard]:
        """Yield the shards. They depend on the plan only."""
        people = [(index, self.plan.replaced.get(index + 1, 0)) for index in range(self.plan.people)]
        yield from self.divide("", people)

    def divide(self, prefix: str, people: Sequence[tuple[int, int]]) -> Iterator[Shard]:
        """Divide people into shards, whose names begin with `prefix`."""
        size = max(1, min(MAX_SHARD, -(-self.plan.people // SHARDS)))
        for number, start in enumerate(range(0, len(people), size)):
            yield Shard(f"{prefix}{number:06d}", tuple(people[start : start + size]))

    def folder_of(self, shard: Shard) -> Path:
        """Return the folder of a complete shard."""
        return self.work / "shards" / shard.name

    def is_complete(self, shard: Shard) -> bool:
        """Return whether a shard was made."""
        return self.folder_of(shard).is_dir()


class ShardMaker:
    """Makes shards with one generator. Every worker has its own."""

    def __init__(self, studio: Studio, job: Job, check: Check = never_interrupt) -> None:
        self.job = job
        self.people = PersonMaker(studio, job.plan, job.assignment, job.day, check)

    def make(self, shard: Shard) -> int:
        """Make a shard, if it is not there yet; return the number of its people.

        Raises StoreError when the disk refuses, as when it is full; nothing is left behind then.
        """
        if not self.job.is_complete(shard):
            with whole_folder(self.job.folder_of(shard)) as draft:
                self._write(shard, draft)
        return len(shard.people)

    def _write(self, shard: Shard, draft: Path) -> None:
        latents, identities = [], []
        with (draft / ROWS).open("w", encoding="utf-8") as table:
            for index, variant in shard.people:
                made = self.people.make(index, variant, self.job.excluded)
                facts = {"index": index, "rows": list(made.rows), "problems": list(made.problems)}
                table.write(json.dumps(facts, ensure_ascii=False) + "\n")
                for name, content in made.files.items():
                    (draft / name).write_bytes(content)
                latents.append(made.w)
                identities.append(made.identity)
        w, identity = torch.stack(latents).float().numpy(), torch.stack(identities).float().numpy()
        np.savez(draft / LATENTS, w=w, identity=identity)


class whole_folder:  # noqa: N801 - a context manager is named as a function
    """Yield a temporary folder that becomes `final` when the block ends without an error.

    Raises StoreError when the disk refuses.
    """

    def __init__(self, final: Path) -> None:
        self.final = final

    def __enter__(self) -> Path:
        try:
            self.final.parent.mkdir(parents=True, exist_ok=True)
            self.draft = Path(tempfile.mkdtemp(prefix=".draft-", dir=self.final.parent))
        except OSError as error:
            raise _refused(self.final, error) from error
        return self.draft

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: object) -> None:
        try:
            if error is None:
                self.draft.chmod(0o755)
                sync_folder(self.draft)
                if not self.final.exists():
                    self.draft.rename(self.final)
        except OSError as problem:
            if not self.final.is_dir():
                raise _refused(self.final, problem) from problem
        finally:
            shutil.rmtree(self.draft, ignore_errors=True)
        if isinstance(error, OSError):
            raise _refused(self.final, error) from error


def sync_folder(folder: Path) -> None:
    """Write all files of a folder to the disk."""
    for path in [*folder.iterdir(), folder]:
        descriptor = os.open(path, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


@dataclass(frozen=True, eq=False)
class Made:
    """A person in a complete shard: the index from 0, the place in the shard, the rows and what went wrong."""

    index: int
    place: int
    shard: Shard
    rows: Sequence[dict[str, Any]]
    problems: Sequence[str]


def read_people(job: Job, shard: Shard) -> Iterator[Made]:
    """Yield the people of a complete shard."""
    with (job.folder_of(shard) / ROWS).open(encoding="utf-8") as table:
        for place, line in enumerate(table):
            facts = json.loads(line)
            yield Made(facts["index"], place, shard, facts["rows"], facts["problems"])


def read_latents(folder: Path) -> tuple[torch.Tensor, torch.Tensor]:
    """Return the latents `[n, w_dim]` and the identities `[n, 128]` of a complete shard."""
    with np.load(folder / LATENTS) as arrays:
        return torch.from_numpy(arrays["w"]), torch.from_numpy(arrays["identity"])


def _refused(path: Path, error: OSError) -> StoreError:
    return StoreError(f"cannot write {path.parent}: {error.strerror or error}", "check that the disk has space")
