"""Every screen by axe: no serious finding; touch targets of 56 px; nothing off the screen or moving needlessly."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import visitor as steps

AXE = Path(__file__).parent.parent.parent / "src/faceloom/web/ui/node_modules/axe-core/axe.min.js"
SIZES = {"wide": (1920, 1080), "laptop": (1280, 800), "tall": (1080, 1920), "phone": (390, 844)}
SMALL = """() => [...document.querySelectorAll("button, a, input[type=range], [role=switch]")]
    .filter(one => one.getBoundingClientRect().width > 2)
    .map(one => [one.textContent || one.className, (one.closest("label") ?? one).getBoundingClientRect()])
    .filter(([, box]) => box.width < 55.5 || box.height < 55.5)
    .map(([name, box]) => `${name} ${Math.round(box.width)} x ${Math.round(box.height)}`)"""
OUTSIDE = """() => [...document.querySelectorAll("main *")]
    .filter(one => one.matches("button, a, h1, h2, p, .face") && !one.matches(".unseen, .unseen *"))
    .filter(one => !one.closest(".codes, .chips, .versions, .row-of-people"))
    .map(one => [one.textContent || one.className, one.getBoundingClientRect()])
    .filter(([, box]) => box.width > 2 && (box.right > innerWidth + 1 || box.bottom > innerHeight + 1 || box.left < -1))
    .map(([name]) => name)"""


def look(page: Any, screen: str, *, scrolls: bool = False) -> None:
    """Ask axe, and measure."""
    page.evaluate(AXE.read_text(encoding="utf-8"))
    said = page.evaluate("axe.run(document, {resultTypes: ['violations']})")
    found = [
        f"{screen}: {one['id']}: {one['nodes'][0]['html'][:200]} {one['nodes'][0]['failureSummary'][:300]}"
        for one in said["violations"]
        if one["impact"] in ("serious", "critical")
    ]
    assert found == []
    assert page.evaluate(SMALL) == [], screen
    assert scrolls or page.evaluate(OUTSIDE) == [], screen


@pytest.fixture
def axe() -> None:
    """Skip where the page's packages were not fetched."""
    if not AXE.is_file():
        pytest.skip("axe-core is not there: python hatch_build.py test")


@pytest.mark.parametrize("size", SIZES)
def test_every_screen_of_a_visit(axe, booth, open_page, photos, size):
    width, height = SIZES[size]
    look_of_booth = "light" if size == "laptop" else "dark"
    page = open_page(booth.url, viewport={"width": width, "height": height}, reduced_motion="reduce")
    page.emulate_media(color_scheme=look_of_booth)
    page.locator(".film img").first.wait_for()
    look(page, "welcome")
    steps.tap(page, "How this works")
    look(page, "how")
    steps.tap(page, "Close")
    steps.tap(page, "Start")
    page.get_by_role("button", name="I agree").wait_for()
    look(page, "consent")
    steps.tap(page, "I agree")
    page.locator(".shutter:not([aria-disabled=true])").wait_for()
    look(page, "camera")
    page.set_input_files("input[type=file]", photos["two"])
    page.get_by_role("button", name="Use it").wait_for()
    look(page, "approve")
    steps.tap(page, "Use it")
    page.get_by_role("button", name="Face 2").click()
    look(page, "who")
    page.get_by_role("button", name="Face 1").click()
    steps.tap(page, "Both of us")
    page.locator(".encoding .button.next:not([aria-disabled])").wait_for()
    look(page, "encoding")
    steps.watch(page)
    for chip in ("Age", "Mix", "Presets"):
        steps.tap(page, chip)
        look(page, f"play {chip}")
    steps.tap(page, "Start over")
    look(page, "leave")
    page.get_by_role("dialog").get_by_role("button", name="Back").click()
    steps.tap(page, "Friend")
    page.locator(".three .middle img").wait_for()
    look(page, "blend")
    steps.tap(page, "Children")
    page.locator(".child img").nth(8).wait_for()
    look(page, "children")
    steps.tap(page, "Done")
    page.locator(".printed").wait_for()
    look(page, "finish")
    steps.tap(page, "That is all")
    page.get_by_role("heading", name="All gone").wait_for()
    look(page, "wiped")


@pytest.mark.parametrize("size", ["laptop", "phone"])
def test_other_pages(axe, booth, open_page, size):
    width, height = SIZES[size]
    page = open_page(booth.url, "/random", viewport={"width": width, "height": height}, reduced_motion="reduce")
    page.locator(".face img").first.wait_for()
    look(page, "random")
    page.goto(f"{booth.url}/phone/nothing")
    page.get_by_role("button", name="Take a photo").wait_for()
    look(page, "phone")
    page.goto(f"{booth.url}/operator")
    page.get_by_role("heading", name="Operator").wait_for()
    look(page, "login")


def test_the_operators_desk(axe, booth, open_page):
    page = open_page(booth.url, "/operator", viewport={"width": 1280, "height": 2400})
    page.get_by_role("heading", name="Operator").wait_for()
    page.keyboard.type(steps.PIN)
    page.keyboard.press("Enter")
    page.get_by_label("Name of the event").wait_for()
    page.locator(".facts").wait_for()
    look(page, "desk", scrolls=True)


def test_reduced_motion_is_honoured(booth, open_page):
    page = open_page(booth.url, reduced_motion="reduce")
    page.locator(".film img").first.wait_for()
    assert (
        page.locator(".film img").first.evaluate("image => parseFloat(getComputedStyle(image).animationDuration)")
        < 0.01
    )


def test_a_kiosk_has_no_way_out(own_booth, open_page):
    page = open_page(own_booth.url, "/operator")
    page.get_by_role("heading", name="Operator").wait_for()
    page.keyboard.type(steps.PIN)
    page.keyboard.press("Enter")
    page.get_by_label("Kiosk: no way out").check()
    steps.tap(page, "Save")
    page.get_by_role("alert").wait_for()
    page.goto(own_booth.url)
    page.get_by_role("button", name="Start").wait_for()
    assert page.get_by_role("link").count() == 0
    assert page.get_by_role("button", name="Lab").count() == 0
    menu = "document.body.dispatchEvent(new MouseEvent('contextmenu', {bubbles: true, cancelable: true}))"
    assert page.evaluate(menu) is False
