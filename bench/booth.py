"""`python -m bench.booth`: the booth under visitors. Latency, a soak, five at once, and a byte search after "delete".

Starts a server of its own in a folder of its own; visitors are HTTP clients that do what the page does. Its checks are
the booth's acceptance: it ends with status 1 when one of them falls short. `--tiny` takes the tests' tiny generator,
so that two hundred visits with cancels and killed workers pass in minutes.
"""

from __future__ import annotations

import argparse
import io
import json
import os
import random
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

API, PIN = "/api/v1", "123456"
OURS = {"X-Faceloom": "1"}
WINDOW = 24  # bytes of a needle in the byte search
SETTLED = 5  # visits after which memory is compared with that at the end
GROWTH = 0.05  # of memory over a soak
SHUTTER, REST, SEARCH = 12.0, 0.100, 0.300  # seconds: shutter to playable; preview's median; its 95th percentile


@dataclass
class Report:
    """Figures and what fell short."""

    figures: dict[str, Any] = field(default_factory=dict)
    short: list[str] = field(default_factory=list)

    def say(self, name: str, value: Any, limit: float | None = None) -> None:
        """Note a figure, and whether it is over its limit."""
        value = round(value, 4) if isinstance(value, float) else value
        self.figures[name] = value
        over = limit is not None and value > limit
        self.short += [f"{name}: {value} > {limit}"] if over else []
        print(
            f"{name:<46}{value}{'' if limit is None else f'  (at most {limit})'}{'  SHORT' if over else ''}", flush=True
        )

    def expect(self, name: str, holds: bool) -> None:
        """Note a promise, and whether it was kept."""
        self.figures[name] = holds
        self.short += [] if holds else [name]
        print(f"{name:<46}{'yes' if holds else 'NO'}", flush=True)


class Visitor:
    """A browser that walks up to the booth."""

    def __init__(self, url: str) -> None:
        self.http = httpx.Client(base_url=url, headers=OURS, timeout=120, trust_env=False)
        self.id = self.person = ""

    def __enter__(self) -> Visitor:
        return self

    def __exit__(self, *_: object) -> None:
        self.http.close()

    def ask(self, method: str, path: str, **more: Any) -> Any:
        """Ask and expect success; JSON, or the bytes of a picture. Waits where the booth asks for it."""
        answer = self.http.request(method, API + path, **more)
        while answer.status_code == 429:
            time.sleep(float(answer.headers.get("retry-after", 1)))
            answer = self.http.request(method, API + path, **more)
        answer.raise_for_status()
        if answer.status_code == 204:
            return None
        return answer.json() if "json" in answer.headers["content-type"] else answer.content

    def walk_up(self, photo: bytes) -> None:
        """Begin, agree, be photographed, choose the first face."""
        self.id = self.ask("POST", "/visits")["id"]
        self.ask("POST", "/visit/consent", json={"agreed": True})
        visit = self.ask("POST", "/visit/photo", files={"photo": ("photo.jpg", photo, "image/jpeg")})
        if not visit["people"]:
            visit = self.ask("POST", "/visit/faces", json={"chosen": [0]})
        self.person = visit["people"][0]["id"]

    def until_playable(self, seconds: float = 180) -> Any:
        """Wait for the likeness. Raises TimeoutError."""
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            visit = self.ask("GET", "/visit")
            me = next(person for person in visit["people"] if person["id"] == self.person)
            if me["playable"]:
                return me
            if me["error"]:
                raise RuntimeError(me["error"]["message"])
            time.sleep(0.05)
        raise TimeoutError("nobody was found in time")

    def slide(self, n: int, **wishes: float) -> float:
        """Move a slider once; seconds until the new picture is there."""
        begin = time.perf_counter()
        self.ask("GET", f"/people/{self.person}/preview", params={**wishes, "n": n})
        return time.perf_counter() - begin

    def sweep(self, count: int, first: int = 1) -> list[float]:
        """Move the age slider to and fro."""
        ages = [-30 + 60 * abs((i % 24) / 12 - 1) for i in range(count)]
        return [self.slide(first + i, age=age) for i, age in enumerate(ages)]

    def play_and_go(self) -> None:
        """Set sliders, undo, take a picture home, and delete everything."""
        self.ask("POST", f"/people/{self.person}/controls", json={"age": 12})
        self.ask("POST", f"/people/{self.person}/undo")
        self.ask("POST", "/visit/finish", json={"person": self.person, "form": "single"})
        self.ask("DELETE", "/visit")


@contextmanager
def server(home: Path, tiny: bool, seconds: float) -> Iterator[tuple[str, psutil.Process]]:
    """A server in a process of its own: its address, and the process."""
    port = random.randrange(20000, 40000)
    command = [sys.executable, "-m", "bench.booth", "--serve", str(port), "--home", str(home)]
    command += ["--tiny", "--seconds", str(seconds)] if tiny else []
    process = subprocess.Popen(command)
    url = f"http://127.0.0.1:{port}"
    try:
        _until_ready(url, process)
        yield url, psutil.Process(process.pid)
    finally:
        process.terminate()
        process.wait(30)


def _until_ready(url: str, process: subprocess.Popen[bytes], seconds: float = 300) -> None:
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
    """Be the server."""
    import uvicorn

    options: dict[str, Any] = {"pin": PIN, "address": f"http://127.0.0.1:{port}"}
    if tiny:
        sys.path.insert(0, str(Path(__file__).parent.parent / "tests"))
        from web.tiny_booth import SECONDS, tiny_app

        os.environ[SECONDS] = str(seconds)
        app = tiny_app(home, **options)
    else:
        from faceloom.web.app import create_app

        app = create_app(home=home, **options)
    uvicorn.run(app, host="127.0.0.1", port=port, log_level="error", timeout_graceful_shutdown=2)


# -- the checks -------------------------------------------------------------------------------------------------------


def latency(report: Report, url: str, photos: list[bytes]) -> None:
    """From shutter to playable; a slider while the search goes on; a slider at rest."""
    with Visitor(url) as visitor:
        begin = time.perf_counter()
        visitor.walk_up(photos[0])
        visitor.until_playable()
        report.say("shutter to playable, s", time.perf_counter() - begin, SHUTTER)
        busy = visitor.sweep(60)
        report.say("preview while the search goes on, p95 s", percentile(busy, 0.95), SEARCH)
        report.say("preview while the search goes on, median s", statistics.median(busy))
        with Visitor(url) as other:
            other.walk_up(photos[-1])
            time.sleep(1)
            report.say("preview while another is encoded, p95 s", percentile(visitor.sweep(24, 100), 0.95), SEARCH)
            other.ask("DELETE", "/visit")
        _settle(visitor)
        rest = visitor.sweep(60, 200)
        report.say("preview at rest, median s", statistics.median(rest), REST)
        report.say("preview at rest, p95 s", percentile(rest, 0.95))
        visitor.ask("DELETE", "/visit")


def _settle(visitor: Visitor, seconds: float = 200) -> None:
    until = time.monotonic() + seconds
    while time.monotonic() < until and visitor.ask("GET", "/visit")["people"][0]["better"]:
        time.sleep(0.5)


def soak(report: Report, url: str, photos: list[bytes], visits: int, mishaps: bool, worker: Callable[[], Any]) -> None:
    """Visit after visit on one server; with mishaps some cancel, some walk away, and the worker is killed."""
    chance, done, memory = random.Random(0), 0, []
    for number in range(visits):
        with Visitor(url) as visitor:
            visitor.walk_up(photos[number % len(photos)])
            mishap = chance.random() if mishaps else 1.0
            if mishap < 0.1:
                visitor.ask("POST", "/visit/cancel")
                visitor.ask("DELETE", "/visit")
            elif mishap < 0.15:
                continue  # walks away: the time of retention wipes what is left
            else:
                if mishap < 0.2:
                    time.sleep(0.2)
                    worker().kill()
                visitor.until_playable()
                visitor.sweep(4)
                visitor.play_and_go()
                done += 1
        if mishap >= 0.2:  # a worker that has only just begun says nothing of growth
            memory.append(sum(process.memory_info().rss for process in (worker().parent(), worker())))
    report.say("visits", visits)
    report.say("visits to the end", done)
    half = memory[min(SETTLED, len(memory) // 4) :]
    third = max(len(half) // 3, 1)
    growth = statistics.median(half[-third:]) / statistics.median(half[:third]) - 1
    report.say("memory at the end, MB", round(memory[-1] / 2**20))
    report.say("growth of memory", growth, None if mishaps else GROWTH)


def together(report: Report, url: str, photos: list[bytes]) -> None:
    """Five visitors at once: each gets their own, is told a place, and sees nobody else's picture."""
    visitors = [Visitor(url) for _ in range(5)]
    places: dict[int, list[int]] = {n: [] for n in range(5)}
    waits: list[float] = [0.0] * 5
    failed: list[str] = []

    def visit(number: int) -> None:
        me = visitors[number]
        try:
            begin = time.perf_counter()
            me.walk_up(photos[number % len(photos)])
            threading.Thread(target=listen, args=(number,), daemon=True).start()
            me.until_playable(600)
            waits[number] = time.perf_counter() - begin
        except Exception as error:  # noqa: BLE001  a thread's error is told with the others
            failed.append(f"{type(error).__name__}: {error}")

    def listen(number: int) -> None:
        try:
            with visitors[number].http.stream("GET", f"{API}/visit/events") as stream:
                event = ""
                for line in stream.iter_lines():
                    event = line.removeprefix("event: ") if line.startswith("event: ") else event
                    if line.startswith("data: ") and event == "queue":
                        places[number].append(json.loads(line[6:])["place"])
        except httpx.HTTPError:
            return  # the visit is over

    threads = [threading.Thread(target=visit, args=(number,)) for number in range(5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    report.expect("five at once: everybody was found", not failed)
    report.say("five at once: longest wait, s", max(waits))
    if failed:
        print(failed)
        return
    report.expect(
        "five at once: somebody was told a place", any(place > 0 for told in places.values() for place in told)
    )
    crops = [me.ask("GET", f"/people/{me.person}/crop") for me in visitors]
    faces = [me.ask("GET", f"/people/{me.person}/image") for me in visitors]
    different = min(5, len(photos))
    report.expect("five at once: each has their own picture", len(set(crops)) == len(set(faces)) == different)
    strangers = [
        me.http.get(f"{API}/people/{other.person}/{what}").status_code
        for me in visitors
        for other in visitors
        if me is not other
        for what in ("image", "crop", "preview")
    ]
    report.expect("five at once: nobody sees another's", set(strangers) == {404})
    for me in visitors:
        me.ask("DELETE", "/visit")
        me.http.close()


def erased(report: Report, url: str, photos: list[bytes], home: Path) -> None:
    """Delete a visit, and search every byte of the folder for the photo, crop, latent, results and ids."""
    with Visitor(url) as visitor:
        visitor.walk_up(photos[0])
        visitor.until_playable()
        visitor.sweep(3)
        visitor.ask("POST", f"/people/{visitor.person}/controls", json={"age": 20})
        take = visitor.ask("POST", "/visit/finish", json={"person": visitor.person, "form": "strip"})
        pictures = [visitor.ask("GET", f"/people/{visitor.person}/{what}") for what in ("image", "crop")]
        files = [path.read_bytes() for path in home.rglob("*") if path.is_file() and "lock" not in path.name]
        needles = {bytes(visitor.id, "ascii"), bytes(visitor.person, "ascii"), bytes(take["id"], "ascii")}
        for data in (photos[0], *pictures, *(data for data in files if not data.startswith(b"SQLite"))):
            needles |= set(_windows(data))
        there = _found(home, needles)
        visitor.ask("DELETE", "/visit")
        left = _found(home, needles)
    report.expect("delete: the search finds what is there", there > 10)
    report.say("delete: traces of photo, crop, latent, result", left, 0)


def _windows(data: bytes, count: int = 16) -> Iterable[bytes]:
    """Some stretches of a file that no other file has by chance."""
    for i in range(count):
        start = len(data) * (i + 1) // (count + 2)
        window = data[start : start + WINDOW]
        if len(window) == WINDOW and len(set(window)) > WINDOW // 2:
            yield window


def _found(home: Path, needles: set[bytes]) -> int:
    haystack = [path.read_bytes() for path in home.rglob("*") if path.is_file()]
    return sum(any(needle in data for data in haystack) for needle in needles)


def percentile(values: list[float], part: float) -> float:
    """The value that so large a part of them is not above."""
    return sorted(values)[min(len(values) - 1, int(part * len(values)))]


# -- the program ------------------------------------------------------------------------------------------------------

CHECKS = ("latency", "together", "erased", "soak")


def read_photos(folder: Path | None) -> list[bytes]:
    """Portraits of a folder, or the sample ones; as JPEG."""
    if folder is None:
        from faceloom.assets.cache import open_asset

        folder = open_asset("portraits")
    paths = sorted(path for path in folder.iterdir() if path.suffix.lower() in (".jpg", ".jpeg", ".png"))
    found = []
    for path in paths:
        buffer = io.BytesIO()
        with Image.open(path) as image:
            image.convert("RGB").save(buffer, "JPEG", quality=95)
        found.append(buffer.getvalue())
    return found


def tiny_photos() -> list[bytes]:
    """Pictures that the tiny booth takes for portraits."""
    found = []
    for number in range(5):
        buffer = io.BytesIO()
        Image.effect_mandelbrot((240, 240), (-2 + number / 5, -1, 1, 1), 30).convert("RGB").save(buffer, "JPEG")
        found.append(buffer.getvalue())
    return found


def main() -> int:
    """Print the figures; 1 when something fell short."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--checks", default=",".join(CHECKS), help="of " + ", ".join(CHECKS))
    parser.add_argument("--visits", type=int, default=20, help="of the soak")
    parser.add_argument("--mishaps", action="store_true", help="cancels, people who walk away, killed workers")
    parser.add_argument("--tiny", action="store_true", help="the tests' tiny generator")
    parser.add_argument("--seconds", type=float, default=0.4, help="that a tiny encoding takes")
    parser.add_argument("--photos", type=Path, help="a folder of portraits; the sample ones by default")
    parser.add_argument("--json", type=Path, help="write the figures here, too")
    parser.add_argument("--serve", type=int, help=argparse.SUPPRESS)
    parser.add_argument("--home", type=Path, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.serve:
        serve(given.serve, given.home, given.tiny, given.seconds)
        return 0
    report = Report()
    photos = tiny_photos() if given.tiny else read_photos(given.photos)
    with tempfile.TemporaryDirectory() as scratch, server(Path(scratch), given.tiny, given.seconds) as (url, process):
        run(report, given, url, photos, Path(scratch), process)
    if given.json:
        given.json.write_text(json.dumps(report.figures | {"short": report.short}, indent=2) + "\n", encoding="utf-8")
    print("\n".join(["", *(f"SHORT {line}" for line in report.short)]) if report.short else "\nnothing fell short")
    return 1 if report.short else 0


def run(
    report: Report, given: argparse.Namespace, url: str, photos: list[bytes], home: Path, process: psutil.Process
) -> None:
    """Every check that was asked for."""

    def worker() -> psutil.Process:
        until = time.monotonic() + 60
        while time.monotonic() < until:
            for child in process.children():
                with suppress(psutil.Error):  # it ended just now
                    if "spawn_main" in " ".join(child.cmdline()):
                        return child
            time.sleep(0.05)
        raise TimeoutError("there is no worker")

    checks: dict[str, Callable[[], None]] = {
        "latency": lambda: latency(report, url, photos),
        "together": lambda: together(report, url, photos),
        "erased": lambda: erased(report, url, photos, home),
        "soak": lambda: soak(report, url, photos, given.visits, given.mishaps, worker),
    }
    for name in given.checks.split(","):
        checks[name]()


if __name__ == "__main__":
    sys.exit(main())
