"""Steps of a visitor. Each function is called on an open page and leaves it on the next screen."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

PIN = "246813"
PAGE = Path(__file__).parent.parent.parent / "src/faceloom/web/dist/index.html"


def tap(page: Any, name: str) -> None:
    """Click the button with exactly this name."""
    page.get_by_role("button", name=name, exact=True).click()


def agree(page: Any) -> None:
    """Go from the first screen to the camera."""
    tap(page, "Start")
    agree_to_photo(page)


def agree_to_photo(page: Any) -> None:
    """Go from the consent screen to the camera."""
    tap(page, "I agree")
    page.get_by_role("button", name="Take the photo").wait_for()


def shoot(page: Any) -> None:
    """Take the photo with the camera and use it."""
    page.locator(".shutter:not([aria-disabled=true])").click()
    tap(page, "Use it")


def upload(page: Any, photo: Path) -> None:
    """Choose a photo and use it."""
    page.set_input_files("input[type=file]", photo)
    tap(page, "Use it")


def watch(page: Any) -> None:
    """Wait for the likeness, and open the play screen."""
    page.locator(".encoding .button.next:not([aria-disabled])").click()
    page.locator(".play .face img").first.wait_for()


def watch_two(page: Any) -> None:
    """Wait for the likenesses of two people, and open what they came for: their blend."""
    page.locator(".encoding .button.next:not([aria-disabled])").click()
    page.locator(".three .middle img").wait_for()


def to_play(page: Any, photo: Path | None = None) -> None:
    """Go from the first screen to the sliders."""
    agree(page)
    upload(page, photo) if photo else shoot(page)
    watch(page)


def log_in(page: Any, pin: str = PIN) -> None:
    """Enter a PIN on the operator's page, and wait for its settings."""
    page.get_by_role("heading", name="Operator").wait_for()
    page.keyboard.type(pin)
    page.keyboard.press("Enter")
    page.get_by_label("Name of the event").wait_for()


def slide(page: Any, name: str, value: float) -> None:
    """Move a slider to a value and release it."""
    page.get_by_role("slider", name=name, exact=True).evaluate(
        """(slider, value) => {
            slider.value = value;
            slider.dispatchEvent(new Event("input", {bubbles: true}));
            slider.dispatchEvent(new Event("change", {bubbles: true}));
        }""",
        value,
    )


def until(page: Any, expression: str, arg: Any = None) -> None:
    """Wait until an expression is true. Playwright's own wait evaluates a string, which the page's policy forbids."""
    end = time.monotonic() + 60
    while not page.evaluate(expression, arg):
        assert time.monotonic() < end, expression
        page.wait_for_timeout(50)


def shown(page: Any, face: str = ".face") -> str:
    """Return the address of the picture on top. The previous picture is still below it."""
    return str(page.locator(f"{face} > img:not(.before)").last.get_attribute("src"))


def changes(page: Any, old: str, face: str = ".face") -> None:
    """Wait until a picture with another address is shown."""
    picture = f"[...document.querySelectorAll('{face} > img:not(.before)')].at(-1)"
    until(page, f"old => {picture}.getAttribute('src') !== old", old)
