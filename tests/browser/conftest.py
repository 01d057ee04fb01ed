"""A real Chromium before a booth with a tiny generator. Nothing but loopback is there, and a page that asks fails."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import visitor
from PIL import Image, ImageDraw

ROOT = Path(__file__).parent.parent.parent
NAMES = ("chromium", "chromium-browser", "google-chrome")
FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--use-fake-device-for-media-stream",
    "--use-fake-ui-for-media-stream",
)


@pytest.fixture(scope="session")
def chromium() -> str:
    """The browser's program; the tests are skipped where there is none."""
    pytest.importorskip("playwright.sync_api")
    found = next((path for name in NAMES if (path := shutil.which(name))), None)
    if found is None:
        pytest.skip("no Chromium on this machine: apt-get install chromium")
    if not visitor.PAGE.is_file():
        pytest.skip("the page was not built: python hatch_build.py")
    return found


class Server:
    """The booth as a process that can be killed and started again on the same folder."""

    def __init__(self, home: Path) -> None:
        self.home, self.port = home, _free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.start()

    def start(self, seconds: float = 1.0) -> None:
        """Start it and wait until its worker is there."""
        program = ROOT / "tests/web/tiny_booth.py"
        args = ["--port", str(self.port), "--home", str(self.home), "--pin", visitor.PIN, "--seconds", str(seconds)]
        env = {**os.environ, "OMP_NUM_THREADS": "1", "CUDA_VISIBLE_DEVICES": ""}
        self.process = subprocess.Popen([sys.executable, str(program), *args], env=env, stdout=subprocess.DEVNULL)
        until = time.monotonic() + 300
        while not self.ready():
            assert self.process.poll() is None, "the booth did not start"
            assert time.monotonic() < until, "the booth did not start in time"
            time.sleep(0.2)

    def ready(self) -> bool:
        """Whether the worker can serve."""
        try:
            with urllib.request.urlopen(f"{self.url}/api/v1/health", timeout=5) as answer:
                return b'"ready":true' in answer.read().replace(b" ", b"")
        except (urllib.error.URLError, OSError):
            return False

    def kill(self) -> None:
        """End it as a power cut does."""
        self.process.kill()
        self.process.wait()

    def stop(self) -> None:
        """End it in peace."""
        self.process.terminate()
        try:
            self.process.wait(20)
        except subprocess.TimeoutExpired:
            self.kill()


@pytest.fixture(scope="session")
def booth(chromium: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """One booth for all tests of this process."""
    server = Server(tmp_path_factory.mktemp("booth"))
    yield server
    server.stop()


@pytest.fixture(scope="session")
def own_booth(chromium: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A booth to be killed."""
    server = Server(tmp_path_factory.mktemp("own-booth"))
    yield server
    server.stop()


@pytest.fixture(scope="session")
def browser(chromium: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """Chromium; its camera shows somebody drawn."""
    from playwright.sync_api import sync_playwright

    film = tmp_path_factory.mktemp("camera") / "camera.mjpeg"
    portrait(720, 540).save(film, "JPEG", quality=90, subsampling=2)
    film.write_bytes(film.read_bytes() * 20)
    with sync_playwright() as playwright:
        opened = playwright.chromium.launch(
            executable_path=chromium, args=[*FLAGS, f"--use-file-for-fake-video-capture={film}"]
        )
        yield opened
        opened.close()


@pytest.fixture
def open_page(browser: Any) -> Iterator[Callable[..., Any]]:
    """Open pages that may reach nothing but their own booth, and in which nothing may go wrong."""
    contexts, wrong = [], []

    def opened(url: str, path: str = "/", **options: Any) -> Any:
        options = {"viewport": {"width": 1280, "height": 800}, "locale": "en-GB", "permissions": ["camera"]} | options
        context = browser.new_context(**options)
        contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(60_000)
        page.on("request", lambda request: wrong.append(request.url) if not _local(request.url, url) else None)
        page.on("pageerror", lambda error: wrong.append(str(error)))
        page.on("console", lambda said: wrong.append(said.text) if "Content Security Policy" in said.text else None)
        page.goto(url + path)
        return page

    yield opened
    for context in contexts:
        context.close()
    assert wrong == []


@pytest.fixture
def photos(tmp_path: Path) -> dict[str, Path]:
    """Photos on disk: of one person, of two, of nobody."""
    pictures = {
        "one": portrait(600, 600),
        "two": portrait(1200, 700, 2),
        "nobody": Image.new("RGB", (400, 400), "grey"),
    }
    for name, picture in pictures.items():
        picture.save(tmp_path / f"{name}.jpg", quality=92)
    return {name: tmp_path / f"{name}.jpg" for name in pictures}


def portrait(width: int, height: int, people: int = 1) -> Image.Image:
    """Somebody drawn, beside somebody else when there are two."""
    image = Image.new("RGB", (width, height), (120, 130, 140))
    draw = ImageDraw.Draw(image)
    for n in range(people):
        x, y, r = (n + 0.5) * width / people, height / 2, height * 0.28
        draw.ellipse((x - r * 0.8, y - r, x + r * 0.8, y + r), fill=(220 - 40 * n, 180, 150))
        for side in (-1, 1):
            eye = x + side * r * 0.35, y - r * 0.2
            draw.circle(eye, 9, fill=(40, 30, 30))
        draw.arc((x - r * 0.4, y, x + r * 0.4, y + r * 0.6), 20, 160, fill=(120, 40, 40), width=8)
    return image


def _local(url: str, own: str) -> bool:
    return url.startswith((own, "blob:", "data:"))


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
