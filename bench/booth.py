"""`python -m bench.booth`: load test of the booth, with latency, a soak test, five visitors at once, and deletion.

Starts its own server in its own folder; the visitors are HTTP clients that send the page's requests. The checks are
the booth's acceptance test: the program exits with 1 when one of them fails. `--tiny` uses the tests' tiny generator,
so that two hundred visits with cancellations and killed workers take minutes. With `--long`, each visit of the soak
also uses the mirror, makes a film, and prints: on a stand-in for CUPS, so that no paper is used.
"""

from __future__ import annotations

import argparse
import io
import itertools
import json
import os
import random
import shutil
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import psutil
from PIL import Image

from bench.booth_visitor import API, Visitor

PIN = "123456"
WINDOW = 24  # length in bytes of the byte strings that are searched for after deletion
SETTLED = 5  # visits to skip before memory is measured
GROWTH, LONG_GROWTH = 0.05, 0.02  # maximum relative growth of memory over a soak test, of short and of long visits
MIRROR_STREAM = 240  # frames that the check of the mirror sends; the second half is measured ...
STARTING_FRAMES = 20  # ... without these, in which the mirror computes a new look
MIRROR_FRAMES = 24  # frames that each long visit sends to the mirror
PRINTER = "stand-in"  # name of the printer of long visits
# Limits in seconds: shutter to playable, median of previews at rest, 95th percentile of previews during a search
SHUTTER, REST, SEARCH = 12.0, 0.100, 0.300


@dataclass
class Report:
    """Measured figures and failed checks."""

    figures: dict[str, Any] = field(default_factory=dict)
    failures: list[str] = field(default_factory=list)

    def record(self, name: str, value: Any, limit: float | None = None) -> None:
        """Record a figure, and a failure when it is above its limit."""
        value = round(value, 4) if isinstance(value, float) else value
        self.figures[name] = value
        over = limit is not None and value > limit
        self.failures += [f"{name}: {value} > {limit}"] if over else []
        print(
            f"{name:<50}{value}{'' if limit is None else f'  (at most {limit})'}{'  FAILED' if over else ''}",
            flush=True,
        )

    def expect(self, name: str, holds: bool) -> None:
        """Record whether a condition holds."""
        self.figures[name] = holds
        self.failures += [] if holds else [name]
        print(f"{name:<50}{'yes' if holds else 'NO'}", flush=True)


@contextmanager
def server(home: Path, tiny: bool, seconds: float) -> Iterator[tuple[str, psutil.Process]]:
    """Run a server in its own process; yield its address and the process."""
    port = random.randrange(20000, 40000)
    command = [sys.executable, "-m", "bench.booth", "--serve", str(port), "--home", str(home)]
    command += ["--tiny", "--seconds", str(seconds)] if tiny else []
    programs = _print_stand_in(home.with_name(f"{home.name}-programs"))
    process = subprocess.Popen(command, env={**os.environ, "PATH": f"{programs}{os.pathsep}{os.environ['PATH']}"})
    url = f"http://127.0.0.1:{port}"
    try:
        _until_ready(url, process)
        yield url, psutil.Process(process.pid)
    finally:
        process.terminate()
        process.wait(30)
        shutil.rmtree(programs)


def _print_stand_in(folder: Path) -> Path:
    """Write a program `lp` that accepts every picture, and return its folder."""
    folder.mkdir()
    program = folder / "lp"
    program.write_text("#!/bin/sh\nexit 0\n", encoding="ascii")
    program.chmod(0o755)
    return folder


def _until_ready(url: str, process: subprocess.Popen[bytes], seconds: float = 900) -> None:
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        if process.poll() is not None:
            raise RuntimeError("the server ended")
        try:
            if httpx.get(f"{url}{API}/health", trust_env=False).json()["ready"]:
                return
        except httpx.TransportError:
            pass
        time.sleep(0.2)
    raise TimeoutError("the server was not ready in time")


def serve(port: int, home: Path, tiny: bool, seconds: float) -> None:
    """Run the server in this process."""
    import uvicorn

    address = f"http://127.0.0.1:{port}"
    options: dict[str, Any] = {"pin": PIN, "address": address, "lan": address}
    if tiny:
        from tests.web.tiny_booth import SECONDS, tiny_app

        os.environ[SECONDS] = str(seconds)
        app = tiny_app(home, **options)
    else:
        from faceloom.web.app import create_app

        app = create_app(home=home, **options)
    uvicorn.run(app, host="127.0.0.1", port=port, log_level="error", timeout_graceful_shutdown=2)


# -- the checks -------------------------------------------------------------------------------------------------------


def latency(report: Report, url: str, photos: list[bytes]) -> None:
    """Measure from shutter to playable, and previews during a search and at rest."""
    with Visitor(url) as visitor:
        start = time.perf_counter()
        visitor.start_visit(photos[0])
        visitor.wait_until_playable()
        report.record("shutter to playable, s", time.perf_counter() - start, SHUTTER)
        busy = visitor.sweep(60)
        report.record("preview while the search goes on, p95 s", percentile(busy, 0.95), SEARCH)
        report.record("preview while the search goes on, median s", statistics.median(busy))
        with Visitor(url) as other:
            other.start_visit(photos[-1])
            time.sleep(1)
            report.record("preview while another is encoded, p95 s", percentile(visitor.sweep(24, 100), 0.95), SEARCH)
            other.request("DELETE", "/visit")
        _settle(visitor)
        rest = visitor.sweep(60, 200)
        report.record("preview at rest, median s", statistics.median(rest), REST)
        report.record("preview at rest, p95 s", percentile(rest, 0.95))
        visitor.request("DELETE", "/visit")


def mirror(report: Report, url: str, photos: list[bytes]) -> None:
    """Measure the live mirror at rest: frames a second, and the time from a frame to its picture."""
    with Visitor(url) as visitor:
        visitor.start_visit(photos[0])
        visitor.wait_until_playable()
        _settle(visitor)
        seconds = visitor.use_mirror(photos[0], MIRROR_STREAM)[-MIRROR_STREAM // 2 + STARTING_FRAMES :]
        lags = [first + second for first, second in itertools.pairwise(seconds)]
        report.record("mirror, frames a second", len(seconds) / sum(seconds))
        report.record("mirror, lag, median s", statistics.median(lags))
        report.record("mirror, lag, p95 s", percentile(lags, 0.95))
        visitor.request("DELETE", "/visit")


def _settle(visitor: Visitor, seconds: float = 200) -> None:
    until = time.monotonic() + seconds
    while time.monotonic() < until and visitor.request("GET", "/visit")["people"][0]["better"]:
        time.sleep(0.5)


def soak(
    report: Report,
    url: str,
    photos: list[bytes],
    visits: int,
    worker: Callable[[], Any],
    *,
    mishaps: bool = False,
    long: bool = False,
) -> None:
    """Run visits one after the other on one server; with mishaps, some cancel, some leave, and workers are killed.

    Long visits also use the mirror, make a film, and print.
    """
    chance, done, memory = random.Random(0), 0, []
    if long:
        _choose_printer(url)
    for number in range(visits):
        with Visitor(url) as visitor:
            visitor.start_visit(photos[number % len(photos)])
            mishap = chance.random() if mishaps else 1.0
            if mishap < 0.1:
                visitor.request("POST", "/visit/cancel")
                visitor.request("DELETE", "/visit")
            elif mishap < 0.15:
                continue  # leaves without deleting: the retention time deletes the rest
            else:
                if mishap < 0.2:
                    time.sleep(0.2)
                    worker().kill()
                visitor.wait_until_playable()
                visitor.sweep(4)
                if long:
                    visitor.use_mirror(photos[number % len(photos)], MIRROR_FRAMES)
                    visitor.make_film()
                    visitor.print("strip")
                visitor.edit_and_leave()
                done += 1
        if mishap >= 0.2:  # a new worker says nothing about growth
            memory.append(sum(process.memory_info().rss for process in (worker().parent(), worker())))
    report.record("visits", visits)
    report.record("completed visits", done)
    half = memory[min(SETTLED, len(memory) // 4) :]
    third = max(len(half) // 3, 1)
    growth = statistics.median(half[-third:]) / statistics.median(half[:third]) - 1
    report.record("memory at the end, MB", round(memory[-1] / 2**20))
    report.record("growth of memory", growth, None if mishaps else LONG_GROWTH if long else GROWTH)


def _choose_printer(url: str) -> None:
    """Choose the stand-in for a printer, as the operator does."""
    with Visitor(url) as operator:
        operator.request("POST", "/operator/login", json={"pin": PIN})
        settings = operator.request("GET", "/operator/settings")
        operator.request("PUT", "/operator/settings", json={**settings, "printer": PRINTER})


def five_at_once(report: Report, url: str, photos: list[bytes]) -> None:
    """Run five visits at once: each gets their own pictures and a place in the queue, and cannot see the others'."""
    visitors = [Visitor(url) for _ in range(5)]
    places: list[int] = []
    waits: list[float] = []
    failed: list[str] = []

    def visit(visitor: Visitor, photo: bytes) -> None:
        try:
            start = time.perf_counter()
            visitor.start_visit(photo)
            threading.Thread(target=_collect_places, args=(visitor, places), daemon=True).start()
            visitor.wait_until_playable(600)
            waits.append(time.perf_counter() - start)
        except Exception as error:  # noqa: BLE001  a thread's error is reported with the others
            failed.append(f"{type(error).__name__}: {error}")

    threads = [
        threading.Thread(target=visit, args=(visitor, photos[number % len(photos)]))
        for number, visitor in enumerate(visitors)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    report.expect("five at once: all were encoded", not failed)
    if failed:
        print(failed)
        return
    report.record("five at once: longest wait, s", max(waits))
    report.expect("five at once: a place in the queue was reported", any(place > 0 for place in places))
    _check_separation(report, visitors, min(5, len(photos)))
    for visitor in visitors:
        visitor.request("DELETE", "/visit")
        visitor.http.close()


def _collect_places(visitor: Visitor, places: list[int]) -> None:
    """Append the places in the queue that the visit's events report, until the visit is over."""
    with suppress(httpx.HTTPError), visitor.http.stream("GET", f"{API}/visit/events") as stream:
        event = ""
        for line in stream.iter_lines():
            event = line.removeprefix("event: ") if line.startswith("event: ") else event
            if line.startswith("data: ") and event == "queue":
                places.append(json.loads(line[6:])["place"])


def _check_separation(report: Report, visitors: list[Visitor], different: int) -> None:
    """Check that there are as many different pictures as photos, and that no visitor can load another's."""
    crops = [visitor.request("GET", f"/people/{visitor.person}/crop") for visitor in visitors]
    faces = [visitor.request("GET", f"/people/{visitor.person}/image") for visitor in visitors]
    report.expect("five at once: each has their own picture", len(set(crops)) == len(set(faces)) == different)
    statuses = [
        visitor.http.get(f"{API}/people/{other.person}/{what}").status_code
        for visitor in visitors
        for other in visitors
        if visitor is not other
        for what in ("image", "crop", "preview")
    ]
    report.expect("five at once: no access to other visitors", set(statuses) == {404})


def deletion(report: Report, url: str, photos: list[bytes], home: Path) -> None:
    """Delete a visit, and search every byte of the folder for the photo, crop, latent, results and ids."""
    with Visitor(url) as visitor:
        visitor.start_visit(photos[0])
        visitor.wait_until_playable()
        visitor.sweep(3)
        visitor.request("POST", f"/people/{visitor.person}/edit", json={"age": 20})
        take = visitor.request("POST", "/visit/finish", json={"person": visitor.person, "form": "strip"})
        pictures = [visitor.request("GET", f"/people/{visitor.person}/{what}") for what in ("image", "crop")]
        files = [path.read_bytes() for path in home.glob("*/**/*") if path.is_file()]  # counts and locks lie above
        needles = {bytes(visitor.id, "ascii"), bytes(visitor.person, "ascii"), bytes(take["id"], "ascii")}
        for data in (photos[0], *pictures, *files):
            needles |= set(_windows(data))
        before = _count_found(home, needles)
        visitor.request("DELETE", "/visit")
        left = _count_found(home, needles)
    report.expect("delete: the search finds data before deletion", before > 10)
    report.record("delete: traces of photo, crop, latent, result", left, 0)


def _windows(data: bytes, count: int = 16) -> Iterable[bytes]:
    """Yield byte strings of a file that are unlikely to occur in another file."""
    for i in range(count):
        start = len(data) * (i + 1) // (count + 2)
        window = data[start : start + WINDOW]
        if len(window) == WINDOW and len(set(window)) > WINDOW // 2:
            yield window


def _count_found(home: Path, needles: set[bytes]) -> int:
    haystack = [path.read_bytes() for path in home.rglob("*") if path.is_file()]
    return sum(any(needle in data for data in haystack) for needle in needles)


def percentile(values: list[float], part: float) -> float:
    """Return the value that this share of the values does not exceed."""
    return sorted(values)[min(len(values) - 1, int(part * len(values)))]


# -- the program ------------------------------------------------------------------------------------------------------

CHECKS = ("latency", "mirror", "simultaneous", "deletion", "soak")


def read_photos(folder: Path | None) -> list[bytes]:
    """Read the portraits of a folder, or the sample portraits, as JPEG."""
    if folder is None:
        from faceloom.assets.cache import open_asset

        folder = open_asset("portraits")
    paths = sorted(path for path in folder.iterdir() if path.suffix.lower() in (".jpg", ".jpeg", ".png"))
    photos = []
    for path in paths:
        buffer = io.BytesIO()
        with Image.open(path) as image:
            image.convert("RGB").save(buffer, "JPEG", quality=95)
        photos.append(buffer.getvalue())
    return photos


def tiny_photos() -> list[bytes]:
    """Make pictures that the tiny booth accepts as portraits."""
    photos = []
    for number in range(5):
        buffer = io.BytesIO()
        Image.effect_mandelbrot((240, 240), (-2 + number / 5, -1, 1, 1), 30).convert("RGB").save(buffer, "JPEG")
        photos.append(buffer.getvalue())
    return photos


def main() -> int:
    """Run the checks and print the figures; return 1 when a check failed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--checks", default=",".join(CHECKS), help="checks to run, of " + ", ".join(CHECKS))
    parser.add_argument("--visits", type=int, default=20, help="number of visits in the soak test")
    parser.add_argument(
        "--mishaps", action="store_true", help="include cancellations, abandoned visits and killed workers"
    )
    parser.add_argument("--long", action="store_true", help="each visit of the soak has mirror, film and print")
    parser.add_argument("--tiny", action="store_true", help="use the tests' tiny generator")
    parser.add_argument("--seconds", type=float, default=0.4, help="duration of an encoding by the tiny generator")
    parser.add_argument("--photos", type=Path, help="folder of portraits; default: the sample portraits")
    parser.add_argument("--json", type=Path, help="also write the figures to this file")
    parser.add_argument("--serve", type=int, help=argparse.SUPPRESS)
    parser.add_argument("--home", type=Path, help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.serve:
        serve(args.serve, args.home, args.tiny, args.seconds)
        return 0
    report = Report()
    photos = tiny_photos() if args.tiny else read_photos(args.photos)
    with tempfile.TemporaryDirectory() as scratch, server(Path(scratch), args.tiny, args.seconds) as (url, process):
        run(report, args, url, photos, Path(scratch), process)
    if args.json:
        args.json.write_text(
            json.dumps(report.figures | {"failures": report.failures}, indent=2) + "\n", encoding="utf-8"
        )
    print(
        "\n".join(["", *(f"FAILED {line}" for line in report.failures)]) if report.failures else "\nall checks passed"
    )
    return 1 if report.failures else 0


def run(
    report: Report, args: argparse.Namespace, url: str, photos: list[bytes], home: Path, process: psutil.Process
) -> None:
    """Run the selected checks."""

    def worker() -> psutil.Process:
        until = time.monotonic() + 60
        while time.monotonic() < until:
            for child in process.children():
                with suppress(psutil.Error):  # the process has just ended
                    if "spawn_main" in " ".join(child.cmdline()):
                        return child
            time.sleep(0.05)
        raise TimeoutError("there is no worker process")

    checks: dict[str, Callable[[], None]] = {
        "latency": lambda: latency(report, url, photos),
        "mirror": lambda: mirror(report, url, photos),
        "simultaneous": lambda: five_at_once(report, url, photos),
        "deletion": lambda: deletion(report, url, photos, home),
        "soak": lambda: soak(report, url, photos, args.visits, worker, mishaps=args.mishaps, long=args.long),
    }
    for name in args.checks.split(","):
        checks[name]()


if __name__ == "__main__":
    sys.exit(main())
