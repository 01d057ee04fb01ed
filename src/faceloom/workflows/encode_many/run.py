"""Encoding of many photos: what is missing is encoded, failures are reported, and a summary is written at the end."""

from __future__ import annotations

import json
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import filelock

from faceloom._version import __version__
from faceloom.errors import StoreError
from faceloom.invert.budget import EncodeConfig
from faceloom.workflows.encode_many.executors import Executor, encode_here
from faceloom.workflows.encode_many.job import RECORDS, SUFFIX, EncodeJob, Outcome, PhotoTask, find_photos
from faceloom.workflows.encode_many.places import Folder, Place
from faceloom.workflows.studio import Studio

JOB, REPORT = f"{RECORDS}/job.json", f"{RECORDS}/report.json"
MAX_RECORD = 1 << 20  # bytes of the job's record

Callback = Callable[[float, str], None]
"""Function that receives the progress of the whole job, 0...1, and a short text."""


@dataclass
class EncodeSummary:
    """Counts of photos and faces, and the failures with their reasons.

    `skipped` are photos whose likenesses were there before; `seconds` is the duration of this run. `reasons` counts the
    failures by the code of the error, and `failures` holds the photo, the code, the message and the hint of each.
    """

    photos: int
    skipped: tuple[str, ...] = ()
    encoded: int = 0
    faces: int = 0
    failures: list[Outcome] = field(default_factory=list)
    seconds: float = 0.0

    @property
    def done(self) -> int:
        """The number of photos that this run has dealt with, and those that were there before."""
        return len(self.skipped) + self.encoded + len(self.failures)

    @property
    def reasons(self) -> dict[str, int]:
        """The numbers of failures by the code of the error, the most frequent first."""
        return dict(Counter(failure.code for failure in self.failures).most_common())

    def add(self, outcome: Outcome) -> None:
        """Count what became of a photo."""
        if outcome.has_failed:
            self.failures.append(outcome)
        else:
            self.encoded += 1
            self.faces += outcome.faces

    def to_json(self) -> dict[str, Any]:
        """Return the summary as plain data."""
        return {
            "photos": self.photos,
            "encoded": self.encoded,
            "faces": self.faces,
            "skipped": len(self.skipped),
            "failed": len(self.failures),
            "reasons": self.reasons,
            "failures": [
                {"photo": one.photo, "code": one.code, "error": one.error, "hint": one.hint} for one in self.failures
            ],
            "seconds": round(self.seconds, 1),
        }


def encode_many(
    studio: Studio,
    sources: Sequence[Path | str],
    output: Path | str,
    *,
    config: EncodeConfig | None = None,
    every_face: bool = False,
    executor: Executor = encode_here,
    callback: Callback | None = None,
    on_outcome: Callable[[Outcome], None] | None = None,
) -> EncodeSummary:
    """Encode the photos of files, folders and URLs that have no likeness yet in the output, a folder or a URL.

    A photo that fails is reported and left out. The run can be ended at any time and continued by the same call:
    likenesses are written whole, and photos that have theirs are skipped. Those that failed are tried again.
    `on_outcome` receives what became of each photo. The summary is also written to `.encode/report.json` in the output.
    Raises StoreError for sources without photos, and when the output cannot be written, is in use, or holds likenesses
    of another generator; `Cancelled` when it is interrupted; AssetError when a model is missing.
    """
    begin, report = time.monotonic(), callback or (lambda progress, text: None)
    places, target, photos = find_photos(sources, output)
    job = EncodeJob(places, target, config or EncodeConfig(), every_face)
    with _lock(target):
        _open_records(studio, job)
        finished = {name for name in target.list_names() if name.endswith(SUFFIX)}
        missing = [task for task in photos if task.output(every_face) not in finished]
        skipped = tuple(job.address(task) for task in photos if task.output(every_face) in finished)
        summary = EncodeSummary(len(photos), skipped)
        _run(studio, job, missing, executor, summary, report, on_outcome)
        summary.seconds = time.monotonic() - begin
        target.write(REPORT, json.dumps(summary.to_json(), indent=2, ensure_ascii=False).encode())
    return summary


def _run(
    studio: Studio,
    job: EncodeJob,
    missing: Sequence[PhotoTask],
    executor: Executor,
    summary: EncodeSummary,
    report: Callback,
    on_outcome: Callable[[Outcome], None] | None,
) -> None:
    """Let an executor encode what is missing, count the outcomes, and report the progress of the whole job."""

    def show(part: float = 0.0) -> None:
        failed = f", {len(summary.failures):,} failed" if summary.failures else ""
        report((summary.done + part) / summary.photos, f"{summary.done:,} of {summary.photos:,} photos{failed}")

    show()
    for outcome in executor(studio, job, missing, show) if missing else ():
        summary.add(outcome)
        if on_outcome is not None:
            on_outcome(outcome)
        show()


@contextmanager
def _lock(place: Place) -> Iterator[None]:
    """Lock a folder of this machine, and delete what a killed process left there. URLs are not locked."""
    if not isinstance(place, Folder):
        yield
        return
    try:
        (place.path / RECORDS).mkdir(parents=True, exist_ok=True)
        lock = filelock.FileLock(place.path / RECORDS / "lock", timeout=0)
        lock.acquire()
    except OSError as error:
        if isinstance(error, filelock.Timeout):
            raise StoreError(f"another process is encoding into {place.path}", "wait until it ends") from error
        raise StoreError(f"cannot write {place.path}: {error.strerror or error}", "choose another -o") from error
    try:
        for draft in place.path.rglob(f".*-*{SUFFIX}"):
            draft.unlink(missing_ok=True)
        yield
    finally:
        lock.release()


def _open_records(studio: Studio, job: EncodeJob) -> None:
    """Write what the likenesses are made with. Raises StoreError when the output holds those of another generator."""
    facts = {"faceloom": __version__, "generator": studio.generator.name, "generator_sha256": studio.generator.hash}
    if job.output.exists(JOB):
        try:
            begun = json.loads(job.output.read(JOB, MAX_RECORD))["generator_sha256"]
        except (ValueError, KeyError, TypeError) as error:
            raise StoreError(f"{job.output.address(JOB)} is damaged", "delete it") from error
        if begun != studio.generator.hash:
            raise StoreError(f"{job.output.address()} holds likenesses of another generator", "choose another -o")
        return
    job.output.write(JOB, json.dumps(facts).encode())
