"""The Lab in a browser: the latent pad by keyboard, a drag that is stopped, kept and undone, and the inspection."""

from __future__ import annotations

from typing import Any

import pytest
from test_page_access import SIZES, axe, check_screen

from tests.browser import visitor as steps

__all__ = ["axe"]  # the fixture


def style_of(page: Any, selector: str) -> str:
    """Return the style attribute of an element."""
    return str(page.locator(selector).first.get_attribute("style"))


@pytest.mark.parametrize("size", ["laptop", "phone"])
def test_explore_and_drag_without_a_visit(axe, booth, open_page, size):
    width, height = SIZES[size]
    page = open_page(booth.url, "/lab", viewport={"width": width, "height": height}, reduced_motion="reduce")
    page.locator(".bench .face img").first.wait_for()
    page.locator(".pad").wait_for()
    check_screen(page, "lab", scrolls=True)
    page.locator(".pad").focus()
    before = style_of(page, ".pad i"), steps.shown(page)
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowUp")
    assert "0.25 σ, 0.25 σ" in page.locator(".pad").inner_text()
    assert style_of(page, ".pad i") != before[0]
    steps.changes(page, before[1])
    steps.tap(page, "Drag")
    box = page.locator(".draggable").bounding_box()
    for part in (0.3, 0.7):
        page.mouse.click(box["x"] + part * box["width"], box["y"] + 0.4 * box["height"])
    steps.tap(page, "Start")
    steps.until(page, "() => /Step [1-9]|arrived|Stopped/.test(document.querySelector('.controls .under').textContent)")
    if page.get_by_role("button", name="Stop", exact=True).count():
        steps.tap(page, "Stop")
    page.get_by_role("button", name="Discard").wait_for()
    check_screen(page, "drag", scrolls=True)
    steps.tap(page, "Discard")
    steps.tap(page, "Inspect")
    page.get_by_role("button", name="Start", exact=True).wait_for()
    check_screen(page, "inspect without a person")


@pytest.mark.models
def test_inspect_and_keep_a_drag(axe, booth, open_page, photos):
    page = open_page(booth.url, reduced_motion="reduce")
    steps.to_play(page, photos["one"])
    page.goto(f"{booth.url}/lab")
    steps.tap(page, "Inspect")
    page.locator(".strips canvas").first.wait_for()
    check_screen(page, "inspect", scrolls=True)
    steps.tap(page, "Drag")
    steps.tap(page, "You")
    steps.tap(page, "Turn")
    steps.tap(page, "Start")
    steps.until(page, "() => /Step [1-9]|arrived|Stopped/.test(document.querySelector('.controls .under').textContent)")
    if page.get_by_role("button", name="Stop", exact=True).count():
        steps.tap(page, "Stop")
    steps.tap(page, "Keep the result")
    page.get_by_text("can be undone").wait_for()
    page.goto(booth.url)
    steps.until(page, "() => !!document.querySelector('.play')")
    undo = page.get_by_role("button", name="Undo")
    assert undo.get_attribute("aria-disabled") is None


def test_cast_by_keyboard_and_replace_a_person(axe, booth, open_page):
    width, height = SIZES["phone"]
    page = open_page(booth.url, "/lab", viewport={"width": width, "height": height}, reduced_motion="reduce")
    steps.tap(page, "Cast")
    brief = page.get_by_role("textbox", name="Brief")
    brief.fill("3 extras, half wommen")
    page.keyboard.press("Tab")
    page.locator("button[type=submit]").press("Enter")
    page.get_by_role("alert").get_by_text("women").wait_for()
    check_screen(page, "a brief with a mistake", scrolls=True)
    brief.fill("3 extras")
    page.get_by_label("Pictures").select_option("256")
    page.locator("button[type=submit]").press("Enter")
    page.get_by_text("3 of 3 people are as asked for").wait_for()
    page.locator(".portrait img").nth(2).wait_for()
    check_screen(page, "cast", scrolls=True)
    before = page.locator(".portrait img").nth(1).get_attribute("src")
    page.get_by_role("button", name="Replace person 2", exact=True).press("Enter")
    replaced = "old => document.querySelectorAll('.portrait img')[1]?.getAttribute('src') !== old"
    steps.until(page, replaced, before)
    page.get_by_role("link", name="Download zip").wait_for()
    with page.expect_download() as download:
        page.get_by_role("link", name="Download zip").press("Enter")
    assert download.value.suggested_filename == "cast-imagefolder.zip"
    page.reload()
    steps.tap(page, "Cast")
    steps.tap(page, "Erase and begin again")
    page.get_by_role("textbox", name="Brief").wait_for()
