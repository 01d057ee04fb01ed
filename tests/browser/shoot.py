"""Take screenshots of a running booth for the documentation: `python -m tests.browser.shoot URL PORTRAIT -o FOLDER`."""

from __future__ import annotations

import argparse
import io
import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Any

from PIL import Image

from tests.browser import visitor

if TYPE_CHECKING:
    from playwright.sync_api import ViewportSize

VIEW: ViewportSize = {"width": 1280, "height": 800}
TIMEOUT = 300_000  # milliseconds


def save_screenshot(page: Any, folder: Path, name: str) -> None:
    """Save a screenshot of 960 x 600 pixels."""
    page.wait_for_timeout(2500)
    image = Image.open(io.BytesIO(page.screenshot())).convert("RGB").resize((960, 600), Image.Resampling.LANCZOS)
    image.save(folder / f"{name}.jpg", quality=84, optimize=True)


def visit(page: Any, portrait: Path, folder: Path) -> None:
    """Go through a visit with this photo, and save its screens."""
    page.locator(".film img").first.wait_for()
    save_screenshot(page, folder, "welcome")
    visitor.agree(page)
    visitor.upload(page, portrait)
    page.locator(".encoding .button.next:not([aria-disabled])").wait_for()
    save_screenshot(page, folder, "encoding")
    visitor.watch(page)
    visitor.slide(page, "Age", 15)
    page.locator(".button.tool:has-text('Undo'):not([aria-disabled])").wait_for()
    save_screenshot(page, folder, "play")
    visitor.tap(page, "Done")
    page.locator(".printed").wait_for()
    save_screenshot(page, folder, "finish")
    visitor.tap(page, "Delete everything now")
    page.get_by_role("heading", name="Everything is deleted").wait_for()


def main() -> None:
    """Parse the command line and open the browser."""
    from playwright.sync_api import sync_playwright

    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("url")
    parser.add_argument("portrait", type=Path)
    parser.add_argument("-o", "--output", type=Path, required=True)
    options = parser.parse_args()
    options.output.mkdir(parents=True, exist_ok=True)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
        page = browser.new_page(viewport=VIEW, locale="en-GB", color_scheme="dark", reduced_motion="reduce")
        page.set_default_timeout(TIMEOUT)
        page.goto(options.url)
        visit(page, options.portrait, options.output)
        browser.close()


if __name__ == "__main__":
    main()
