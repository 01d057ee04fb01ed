"""Accessibility of every screen: no serious axe finding, touch targets of 56 px, nothing off the screen."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from bench.screens_checks import COVERED
from tests.browser import visitor as steps

AXE = Path(__file__).parent.parent.parent / "src/faceloom/web/ui/node_modules/axe-core/axe.min.js"
SIZES = {"wide": (1920, 1080), "laptop": (1280, 800), "tall": (1080, 1920), "phone": (390, 844)}
TOO_SMALL = """() => [...document.querySelectorAll("button, a, input[type=range], [role=switch]")]
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


def check_screen(page: Any, screen: str, *, scrolls: bool = False) -> None:
    """Check a screen with axe, and measure its touch targets. With `scrolls`, elements may be below the fold."""
    page.evaluate(AXE.read_text(encoding="utf-8"))
    report = page.evaluate("axe.run(document, {resultTypes: ['violations']})")
    findings = [
        f"{screen}: {violation['id']}: {node['html'][:200]} {node['failureSummary'][:300]}"
        for violation in report["violations"]
        for node in violation["nodes"][:1]
        if violation["impact"] in ("serious", "critical")
    ]
    assert findings == []
    assert page.evaluate(TOO_SMALL) == [], screen
    assert scrolls or page.evaluate(OUTSIDE) == [], screen
    assert page.evaluate(COVERED) == [], f"{screen}: below the button that starts over"


@pytest.fixture
def axe() -> None:
    """Skip the test if the page's npm packages are not installed."""
    if not AXE.is_file():
        pytest.skip("axe-core is not installed: python hatch_build.py test")


@pytest.mark.parametrize("size", SIZES)
def test_every_screen_of_a_visit(axe, booth, open_page, photos, size):
    width, height = SIZES[size]
    color_scheme = "light" if size == "laptop" else "dark"
    page = open_page(booth.url, viewport={"width": width, "height": height}, reduced_motion="reduce")
    page.emulate_media(color_scheme=color_scheme)
    page.locator(".film img").first.wait_for()
    check_screen(page, "welcome")
    steps.tap(page, "How this works")
    check_screen(page, "how")
    steps.tap(page, "Close")
    steps.tap(page, "Start")
    page.get_by_role("button", name="I agree").wait_for()
    check_screen(page, "consent")
    steps.tap(page, "I agree")
    page.locator(".shutter:not([aria-disabled=true])").wait_for()
    check_screen(page, "camera")
    page.set_input_files("input[type=file]", photos["two"])
    page.get_by_role("button", name="Use it").wait_for()
    check_screen(page, "approve")
    steps.tap(page, "Use it")
    page.get_by_role("button", name="Face 2").click()
    check_screen(page, "who")
    page.get_by_role("button", name="Face 1").click()
    steps.tap(page, "Both of us")
    page.locator(".encoding .button.next:not([aria-disabled])").wait_for()
    check_screen(page, "encoding")
    steps.watch_two(page)
    check_screen(page, "blend")
    steps.tap(page, "Back")
    page.locator(".play .face img").first.wait_for()
    for chip in ("Age", "Mix", "Presets"):
        steps.tap(page, chip)
        check_screen(page, f"play {chip}")
    steps.tap(page, "Start over")
    check_screen(page, "leave")
    page.get_by_role("dialog").get_by_role("button", name="Back").click()
    steps.tap(page, "Friend")
    page.locator(".three .middle img").wait_for()
    steps.tap(page, "Children")
    page.locator(".child img").nth(8).wait_for()
    check_screen(page, "children")
    steps.tap(page, "Done")
    page.locator(".printed").wait_for()
    check_screen(page, "finish")
    steps.tap(page, "End the visit")
    page.get_by_role("heading", name="Everything is deleted").wait_for()
    check_screen(page, "wiped")


def test_a_wide_photo_fills_a_phone(booth, open_page, photos):
    page = open_page(booth.url, viewport={"width": 390, "height": 844}, reduced_motion="reduce")
    steps.agree(page)
    steps.upload(page, photos["two"])
    faces = [page.get_by_role("button", name=f"Face {n}") for n in (1, 2)]
    for face in faces:
        box = face.bounding_box()
        assert box["width"] == pytest.approx(box["height"], abs=1)
        assert box["width"] > 200
        face.click()
    assert page.get_by_role("button", name="Both of us").is_enabled()
    page.set_viewport_size({"width": 1280, "height": 800})
    assert faces[0].get_attribute("aria-pressed") == "true"  # the same choice in the whole photo


def test_a_changed_chip_keeps_its_width(booth, open_page, photos):
    page = open_page(booth.url)
    steps.to_play(page, photos["one"])
    chip = page.locator(".chips").get_by_role("button", name="Age", exact=True)
    before = chip.bounding_box()
    steps.slide(page, "Age", 15)
    page.locator(".chip.changed").wait_for()
    assert chip.bounding_box()["width"] == before["width"]


def test_the_last_chip_of_a_phone_is_not_faded(booth, open_page, photos):
    page = open_page(booth.url, viewport={"width": 390, "height": 844}, reduced_motion="reduce")
    steps.to_play(page, photos["one"])
    row = page.locator(".play > .chips")
    row.evaluate("row => row.scrollTo(row.scrollWidth, 0)")
    last = row.get_by_role("button").last.bounding_box()
    assert last["x"] + last["width"] <= 0.83 * 390  # the fade begins there


@pytest.mark.parametrize("size", ["laptop", "phone"])
def test_other_pages(axe, booth, open_page, size):
    width, height = SIZES[size]
    page = open_page(booth.url, "/random", viewport={"width": width, "height": height}, reduced_motion="reduce")
    page.locator(".face img").first.wait_for()
    check_screen(page, "random")
    page.goto(f"{booth.url}/phone/nothing")
    page.get_by_role("button", name="Take a photo").wait_for()
    check_screen(page, "phone")
    page.goto(f"{booth.url}/operator")
    page.get_by_role("heading", name="Operator").wait_for()
    check_screen(page, "login")


def test_operator_page(axe, booth, open_page):
    page = open_page(booth.url, "/operator", viewport={"width": 1280, "height": 2400})
    page.get_by_role("heading", name="Operator").wait_for()
    page.keyboard.type(steps.PIN)
    page.keyboard.press("Enter")
    page.get_by_label("Name of the event").wait_for()
    page.locator(".facts").first.wait_for()
    check_screen(page, "desk", scrolls=True)


def test_reduced_motion(booth, open_page):
    page = open_page(booth.url, reduced_motion="reduce")
    page.locator(".film img").first.wait_for()
    assert (
        page.locator(".film img").first.evaluate("image => parseFloat(getComputedStyle(image).animationDuration)")
        < 0.01
    )


def test_kiosk_mode_has_no_links_and_no_context_menu(own_booth, open_page):
    page = open_page(own_booth.url, "/operator")
    page.get_by_role("heading", name="Operator").wait_for()
    page.keyboard.type(steps.PIN)
    page.keyboard.press("Enter")
    page.get_by_label("Kiosk mode").check()
    steps.tap(page, "Save")
    page.get_by_role("status").get_by_text("Saved.").wait_for()
    page.goto(own_booth.url)
    page.get_by_role("button", name="Start").wait_for()
    assert page.get_by_role("link").count() == 0
    assert page.get_by_role("button", name="Lab").count() == 0
    menu = "document.body.dispatchEvent(new MouseEvent('contextmenu', {bubbles: true, cancelable: true}))"
    assert page.evaluate(menu) is False
