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

from bench.booth import PIN, server
from bench.booth_visitor import API, HEADERS

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
SLOW = 240_000  # milliseconds for what the worker makes
FLAGS = ("--no-sandbox", "--disable-gpu", "--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream")

# Text that is cut off: a box without a scroll bar whose content is larger, or an element that leaves the page sideways.
TOO_LARGE = """() => [...document.querySelectorAll('body *')].filter((element) => {
    const style = getComputedStyle(element), box = element.getBoundingClientRect();
    const unseen = '.unseen, [aria-hidden=true], dialog:not([open])';
    if (!box.width || style.visibility === 'hidden' || element.closest(unseen)) return false;
    if (!element.matches('button, p, h1, h2, span, label, legend, a, li')) return false;
    const clips = !['visible', 'auto'].includes(style.overflowX);
    const isCut = clips && element.scrollWidth > element.clientWidth + 1;
    const scrolls = element.parentElement.closest('.chips, .row-of-people, .presets, .log, .lab *, pre');
    return element.innerText?.trim() && (isCut || (!scrolls && (box.right > innerWidth + 1 || box.left < -1)));
}).map((element) => element.innerText.trim().slice(0, 60))"""
TEXTS = """() => [...document.querySelectorAll('body *')].filter((element) => element.checkVisibility() &&
    ![...element.children].some((child) => child.innerText) && element.innerText?.trim() && !element.closest('pre'))
    .map((element) => element.innerText.trim())"""


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

    def take(self, name: str, path: str = "/", prepare: Callable[[Any, dict[str, str]], None] | None = None) -> None:
        """Take a screen in all languages and sizes. `prepare` brings the opened page to the screen."""
        self.names.append(name)
        for language in self.languages:
            self.page.set_viewport_size(SIZES["desktop"])
            self.page.goto(f"{self.url}{path}?lang={language}")
            try:
                if prepare:
                    prepare(self.page, self.words[language])
                self._take_sizes(name, language)
            except Exception as error:  # noqa: BLE001  the other screens are still taken
                self.problems.append(f"{name} {language}: {str(error).splitlines()[0]}")
        print(name, flush=True)

    def _take_sizes(self, name: str, language: str) -> None:
        for size in self.sizes:
            self.page.set_viewport_size(SIZES[size])
            self.page.wait_for_timeout(SETTLE)
            self._check(f"{name} {language} {size}", language)
            picture = Image.open(io.BytesIO(self.page.screenshot()))
            picture.convert("RGB").save(self.out / f"{name}-{language}-{size}.png")

    def _check(self, where: str, language: str) -> None:
        self.problems += [f"{where}: does not fit: {text!r}" for text in self.page.evaluate(TOO_LARGE)]
        if language != "en":
            own, english = self.words[language], self.words["en"]
            foreign = {english[key] for key in english if english[key] not in own.values() and len(english[key]) > 3}
            self.problems += [f"{where}: English: {text!r}" for text in self.page.evaluate(TEXTS) if text in foreign]
        self.page.evaluate(AXE.read_text(encoding="utf-8"))
        report = self.page.evaluate("axe.run(document, {resultTypes: ['violations']})")
        serious = [found["id"] for found in report["violations"] if found["impact"] in ("serious", "critical")]
        self.problems += [f"{where}: axe: {name}" for name in serious]

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


def walk(shots: Shots, one: Path, two: Path) -> None:
    """Walk a visit through all screens."""
    shots.take("welcome", prepare=lambda page, words: page.locator(".film img").first.wait_for())
    shots.take("welcome-how", prepare=lambda page, words: _tap(page, words["how"]))
    shots.call("POST", "/visits")
    shots.take("consent")
    shots.call("POST", "/visit/consent", data={"agreed": True})
    shots.take("camera", prepare=lambda page, words: page.locator(".shutter:not([aria-disabled=true])").wait_for())
    shots.take("approve", prepare=lambda page, words: page.set_input_files("input[type=file]", one))
    shots.send_photo(two)
    shots.take("who", prepare=lambda page, words: page.locator(".who img").first.wait_for())
    shots.call("POST", "/visit/back")
    shots.send_photo(one)
    shots.take("encoding")
    shots.until_playable()
    _take_play(shots)
    shots.call("POST", "/visit/go", data={"state": "friend"})
    shots.take("invite")
    shots.send_photo(two, add="true")
    shots.call("POST", "/visit/faces", data={"chosen": [0]})
    shots.until_playable()
    _take_friend(shots)
    shots.call("POST", "/visit/go", data={"state": "finish"})
    for form in ("single", "strip", "4x6"):
        shots.take(f"finish-{form}", prepare=_finish(form))
    shots.call("DELETE", "/visit")
    shots.take("deleted", prepare=lambda page, words: _delete(shots, page))
    for name in ("random", "gallery", "lab", "operator"):
        shots.take(name, path=f"/{name}")
    shots.call("POST", "/operator/login", data={"pin": PIN})
    shots.take("operator-desk", path="/operator", prepare=lambda page, words: page.locator(".settings").wait_for())


def _take_play(shots: Shots) -> None:
    def open_panel(key: str) -> Callable[[Any, dict[str, str]], None]:
        def prepare(page: Any, words: dict[str, str]) -> None:
            page.locator(".play .face img").first.wait_for()
            page.mouse.click(5, 300)  # ends the reveal
            if key:
                page.locator(".chips").get_by_role("button", name=words[key], exact=True).click()

        return prepare

    for name, key in {"play": "", "presets": "presets", "mirror": "mirror", "mix": "mix"}.items():
        shots.take(name, prepare=open_panel(key))


def _take_friend(shots: Shots) -> None:
    def open_tab(key: str, ready: str) -> Callable[[Any, dict[str, str]], None]:
        def prepare(page: Any, words: dict[str, str]) -> None:
            page.locator(".three .middle img").first.wait_for(timeout=SLOW)
            page.locator("nav.chips").get_by_role("button", name=words[key], exact=True).click()
            page.locator(ready).first.wait_for(timeout=SLOW)

        return prepare

    shots.call("POST", "/visit/go", data={"state": "friend"})
    shots.take("blend", prepare=open_tab("friend.blend", ".three .middle img"))
    shots.take("children-wait", prepare=open_tab("friend.children", ".child img"))
    shots.take("children", prepare=open_tab("friend.children", ".child:nth-child(9) img"))
    shots.take("film", prepare=open_tab("friend.film", ".face video, .face img"))


def _finish(form: str) -> Callable[[Any, dict[str, str]], None]:
    def prepare(page: Any, words: dict[str, str]) -> None:
        page.locator(".finish .chips").get_by_role("button", name=words[f"form.{form}"], exact=True).click()
        page.locator(f'[class~="{form}"] .printed').wait_for(timeout=SLOW)

    return prepare


def _delete(shots: Shots, page: Any) -> None:
    """Begin a visit on the open page and delete it, so that the page says so."""
    shots.call("POST", "/visits")
    page.reload()
    page.locator(".consent").wait_for()
    shots.call("DELETE", "/visit")
    page.locator(".wiped").wait_for()


def _tap(page: Any, name: str) -> None:
    page.get_by_role("button", name=name, exact=True).click()


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
                    thumb = Image.open(path).resize((width, height), Image.Resampling.LANCZOS)
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
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=[*FLAGS])
        page = browser.new_page(permissions=["camera"], color_scheme="dark", reduced_motion="reduce", bypass_csp=True)
        page.set_default_timeout(60_000)
        shots = Shots(page, url, options.out, words, options.languages, options.sizes)
        walk(shots, options.one, options.two)
        browser.close()
    sizes = [path.stat().st_size for path in make_sheets(shots, options.quality)]
    print(*sorted(set(shots.problems)), f"{len(shots.names)} screens, sheets of {sum(sizes) / 1e6:.2f} MB", sep="\n")


if __name__ == "__main__":
    main()
