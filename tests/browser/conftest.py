"""Fixtures: Chromium, and a booth with a tiny generator. A test fails when its page requests another host."""

from __future__ import annotations

import logging
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
from PIL import Image, ImageDraw

from tests.browser import visitor

log = logging.getLogger(__name__)

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
    """Path of Chromium. Tests are skipped on machines without it."""
    pytest.importorskip("playwright.sync_api")
    found = next((path for name in NAMES if (path := shutil.which(name))), None)
    if found is None:
        pytest.skip("no Chromium on this machine: apt-get install chromium")
    if not visitor.PAGE.is_file():
        pytest.skip("the page was not built: python hatch_build.py")
    return found


class Server:
    """A booth process that can be killed and started again on the same folder, with further arguments."""

    def __init__(self, home: Path, *args: str) -> None:
        self.home, self.args, self.port = home, args, free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.start()

    def start(self, seconds: float = 1.0) -> None:
        """Start the booth and wait until its worker is ready. An encoding takes `seconds`."""
        program = ROOT / "tests/web/tiny_booth.py"
        args = ["--port", str(self.port), "--home", str(self.home), "--pin", visitor.PIN, "--seconds", str(seconds)]
        env = {**os.environ, "OMP_NUM_THREADS": "1", "CUDA_VISIBLE_DEVICES": ""}
        self.process = subprocess.Popen(
            [sys.executable, str(program), *args, *self.args], env=env, stdout=subprocess.DEVNULL
        )
        until = time.monotonic() + 300
        while not self.ready():
            assert self.process.poll() is None, "the booth did not start"
            assert time.monotonic() < until, "the booth did not start in time"
            time.sleep(0.2)

    def ready(self) -> bool:
        """Return whether the worker is ready."""
        try:
            with urllib.request.urlopen(f"{self.url}/api/v1/health", timeout=5) as response:
                return b'"ready":true' in response.read().replace(b" ", b"")
        except (urllib.error.URLError, OSError):
            return False

    def kill(self) -> None:
        """Kill the process without cleanup, as a power cut does."""
        self.process.kill()
        self.process.wait()

    def stop(self) -> None:
        """Terminate the process, and kill it after 20 s."""
        self.process.terminate()
        try:
            self.process.wait(20)
        except subprocess.TimeoutExpired:
            self.kill()


@pytest.fixture(scope="session")
def booth(chromium: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """Booth that all tests of this process share."""
    server = Server(tmp_path_factory.mktemp("booth"))
    yield server
    server.stop()


@pytest.fixture(scope="session")
def own_booth(chromium: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """Booth that tests may kill or configure."""
    server = Server(tmp_path_factory.mktemp("own-booth"))
    yield server
    server.stop()


@pytest.fixture(scope="session")
def browser(chromium: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """Chromium; its camera shows a drawn face."""
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
    """Return a function that opens pages. The test fails after a request to another host or an error in a page."""
    contexts, errors = [], []

    def open_new(url: str, path: str = "/", **options: Any) -> Any:
        options = {"viewport": {"width": 1280, "height": 800}, "locale": "en-GB", "permissions": ["camera"]} | options
        context = browser.new_context(**options)
        contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(60_000)
        page.on("request", lambda request: errors.append(request.url) if not _local(request.url, url) else None)
        page.on("pageerror", lambda error: errors.append(str(error)))
        page.on(
            "console",
            lambda message: errors.append(message.text) if "Content Security Policy" in message.text else None,
        )
        page.goto(url + path)
        return page

    yield open_new
    for context in contexts:
        for page in context.pages:
            log.warning("%s shows:\n%s", page.url, _text(page))  # read in the report of a failure
        context.close()
    assert errors == []


@pytest.fixture
def photos(tmp_path: Path) -> dict[str, Path]:
    """Paths of photos of one person, of two, and of none."""
    pictures = {
        "one": portrait(600, 600),
        "two": portrait(1200, 700, 2),
        "none": Image.new("RGB", (400, 400), "gray"),
    }
    for name, picture in pictures.items():
        picture.save(tmp_path / f"{name}.jpg", quality=92)
    return {name: tmp_path / f"{name}.jpg" for name in pictures}


def portrait(width: int, height: int, people: int = 1) -> Image.Image:
    """Draw `people` faces side by side."""
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


def _text(page: Any) -> str:
    """Return the text of a page, or why it cannot be read."""
    from playwright.sync_api import Error

    try:
        return str(page.locator("body").inner_text(timeout=2000))
    except Error as error:
        return str(error)


def _local(url: str, own: str) -> bool:
    return url.startswith((own, "blob:", "data:"))


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
