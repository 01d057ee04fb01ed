"""`python -m bench.screens ONE TWO --out FOLDER`: every screen of the booth in four languages and three sizes.

ONE is a portrait of one person, TWO shows two people. The program starts a booth, walks one visit through all of its
states, and in each state opens the page in every language and size. It writes the screenshots, a contact sheet for each
language and size, and a list of what is wrong: texts that do not fit, English texts in another language, and findings
of axe. Needs Chromium, Playwright and the npm packages of the page.
"""

from __future__ import annotations

import argparse
import io
import json
import shutil
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from PIL import Image

from bench.booth import server
from bench.booth_visitor import API, HEADERS
from bench.screens_checks import COVERED, OUTSIDE, TEXTS, TOO_LARGE, TOO_SMALL
from bench.screens_walk import walk

if TYPE_CHECKING:
    from playwright.sync_api import ViewportSize

UI = Path(__file__).parents[1] / "src/faceloom/web/ui"
AXE = UI / "node_modules/axe-core/axe.min.js"
LANGUAGES = ("en", "de", "es", "fr")
SIZES: dict[str, ViewportSize] = {
    "desktop": {"width": 1280, "height": 800},
    "tablet": {"width": 820, "height": 1180},
    "phone": {"width": 390, "height": 844},
}
COLUMNS = {"desktop": 5, "tablet": 8, "phone": 9}  # of a contact sheet
THUMB_WIDTH = {"desktop": 288, "tablet": 176, "phone": 150}  # pixels
GAP = 8  # pixels between the pictures of a sheet
SETTLE = 700  # milliseconds after a screen is open
# A camera that is denied, or that is not there, when the address says so.
CAMERA = """() => {
    const name = {denied: 'NotAllowedError', none: 'NotFoundError'}[new URLSearchParams(location.search).get('camera')];
    if (name) navigator.mediaDevices.getUserMedia = () => Promise.reject(new DOMException('', name));
}"""
FLAGS = ("--no-sandbox", "--disable-gpu", "--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream")


@dataclass
class Shots:
    """Takes the screenshots of one page, and collects what is wrong with them."""

    page: Any
    url: str
    out: Path
    words: dict[str, dict[str, str]]
    languages: list[str]
    sizes: list[str]
    problems: list[str] = field(default_factory=list)
    names: list[str] = field(default_factory=list)

    def take(
        self,
        name: str,
        path: str = "/",
        prepare: Callable[[Any, dict[str, str]], None] | None = None,
        *,
        query: str = "",
        moving: bool = False,
        whole: bool = False,
    ) -> None:
        """Take a screen in all languages and sizes.

        `prepare` brings the opened page to the screen. `query` is added to the address. A `moving` screen has its
        animations. Of a `whole` one, the picture goes down to the end of the page.
        """
        self.names.append(name)
        self.page.emulate_media(reduced_motion="no-preference" if moving else "reduce")
        for language in self.languages:
            self.page.set_viewport_size(SIZES["desktop"])
            try:
                self.page.goto(f"{self.url}{path}?lang={language}{query}")
                if prepare:
                    prepare(self.page, self.words[language])
                self._take_sizes(name, language, whole)
            except Exception as error:  # noqa: BLE001  the other screens are still taken
                self.problems.append(f"{name} {language}: {str(error).splitlines()[0]}")
            self.page.unroute_all(behavior="ignoreErrors")
        print(name, flush=True)

    def _take_sizes(self, name: str, language: str, whole: bool) -> None:
        for size in self.sizes:
            self.page.set_viewport_size(SIZES[size])
            self.page.wait_for_timeout(SETTLE)
            picture = Image.open(io.BytesIO(self.page.screenshot(full_page=whole)))
            picture.convert("RGB").save(self.out / f"{name}-{language}-{size}.png")
            self._check(f"{name} {language} {size}", language)

    def _check(self, where: str, language: str) -> None:
        checks = {"does not fit": TOO_LARGE, "small": TOO_SMALL, "outside": OUTSIDE, "covered": COVERED}
        for problem, check in checks.items():
            self.problems += [f"{where}: {problem}: {text!r}" for text in self.page.evaluate(check)]
        if language != "en":
            own, english = self.words[language], self.words["en"]
            foreign = {english[key] for key in english if english[key] not in own.values() and len(english[key]) > 3}
            self.problems += [f"{where}: English: {text!r}" for text in self.page.evaluate(TEXTS) if text in foreign]
        self.page.evaluate(AXE.read_text(encoding="utf-8"))
        report = self.page.evaluate("axe.run(document, {resultTypes: ['violations']})")
        self.problems += [
            f"{where}: axe: {found['id']}: {node['html'][:120]}"
            for found in report["violations"]
            for node in found["nodes"][:1]
            if found["impact"] in ("serious", "critical")
        ]

    def call(self, method: str, path: str, **more: Any) -> Any:
        """Send a request of the same visitor to the REST API."""
        answer = self.page.request.fetch(f"{self.url}{API}{path}", method=method, headers=HEADERS, **more)
        if not answer.ok:
            raise RuntimeError(f"{method} {path}: {answer.text()}")
        return answer.json() if "json" in answer.headers.get("content-type", "") and answer.status != 204 else None

    def send_photo(self, path: Path, **query: str) -> Any:
        """Send a photo of the visit."""
        file = {"name": "photo.jpg", "mimeType": "image/jpeg", "buffer": path.read_bytes()}
        return self.call("POST", "/visit/photo", multipart={"photo": file}, params=query)

    def until_playable(self) -> None:
        """Wait until everyone in the visit is encoded."""
        while not all(person["playable"] for person in self.call("GET", "/visit")["people"]):
            self.page.wait_for_timeout(500)


def write_camera_film(portrait: Path, path: Path) -> Path:
    """Write the film of the camera: the portrait, 720 x 540 pixels, in gray bars."""
    frame = Image.new("RGB", (720, 540), (90, 88, 86))
    frame.paste(Image.open(portrait).convert("RGB").resize((540, 540)), (90, 0))
    frame.save(path, "JPEG", quality=90, subsampling=2)
    path.write_bytes(path.read_bytes() * 20)
    return path


def make_sheets(shots: Shots, quality: int) -> Iterator[Path]:
    """Write a contact sheet for each language and size, as WebP, and yield its path."""
    folder, names = shots.out, shots.names
    for size in shots.sizes:
        width, columns = THUMB_WIDTH[size], COLUMNS[size]
        height = round(width * SIZES[size]["height"] / SIZES[size]["width"])
        for language in shots.languages:
            rows = -(-len(names) // columns)
            area = (columns * (width + GAP) + GAP, rows * (height + GAP) + GAP)
            sheet = Image.new("RGB", area, (128, 124, 120))
            for number, name in enumerate(names):
                path = folder / f"{name}-{language}-{size}.png"
                if path.is_file():
                    row, column = divmod(number, columns)
                    picture = Image.open(path)
                    shown = picture.crop((0, 0, picture.width, SIZES[size]["height"]))
                    thumb = shown.resize((width, height), Image.Resampling.LANCZOS)
                    sheet.paste(thumb, (GAP + column * (width + GAP), GAP + row * (height + GAP)))
            path = folder / f"screens-{language}-{size}.webp"
            sheet.save(path, quality=quality, method=6)
            yield path


def main() -> None:
    """Parse the command line, walk, and print what is wrong."""
    from playwright.sync_api import sync_playwright

    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("one", type=Path, help="photo of one person")
    parser.add_argument("two", type=Path, help="photo of two people")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--tiny", action="store_true", help="use the tests' tiny generator")
    parser.add_argument("--languages", nargs="+", choices=LANGUAGES, default=list(LANGUAGES))
    parser.add_argument("--sizes", nargs="+", choices=list(SIZES), default=list(SIZES))
    parser.add_argument("--quality", type=int, default=60, help="of the contact sheets, 0...100")
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    words = {name: json.loads((UI / f"src/words/{name}.json").read_text(encoding="utf-8")) for name in LANGUAGES}
    with (
        tempfile.TemporaryDirectory() as home,
        server(Path(home) / "booth", options.tiny, 20) as (url, _),
        sync_playwright() as playwright,
    ):
        film = write_camera_film(options.one, Path(home) / "camera.mjpeg")
        browser = playwright.chromium.launch(
            executable_path=shutil.which("chromium"), args=[*FLAGS, f"--use-file-for-fake-video-capture={film}"]
        )
        page = browser.new_page(permissions=["camera"], color_scheme="dark", reduced_motion="reduce", bypass_csp=True)
        page.set_default_timeout(60_000)
        page.add_init_script(f"({CAMERA})()")
        shots = Shots(page, url, options.out, words, options.languages, options.sizes)
        walk(shots, options.one, options.two)
        browser.close()
    sizes = [path.stat().st_size for path in make_sheets(shots, options.quality)]
    print(*sorted(set(shots.problems)), f"{len(shots.names)} screens, sheets of {sum(sizes) / 1e6:.2f} MB", sep="\n")


if __name__ == "__main__":
    main()
