"""The booth's own camera and the shutter's keys on the page: live view, photo, and every key that takes it."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest

from tests.browser import visitor as steps
from tests.browser.conftest import ROOT, Server, portrait

STAND_IN = """
import sys
from tests.cameras.stand_ins import GPhoto2

sys.modules[__name__] = GPhoto2(photo=open({photo!r}, "rb").read())
"""


@pytest.fixture(scope="module")
def dslr_booth(chromium: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """Booth whose machine has a DSLR: a stand-in for gphoto2 in a folder of its own."""
    folder = tmp_path_factory.mktemp("dslr")
    portrait(1200, 900).save(folder / "photo.jpg", quality=92)
    (folder / "gphoto2.py").write_text(STAND_IN.format(photo=str(folder / "photo.jpg")))
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYTHONPATH", os.pathsep.join((str(folder), str(ROOT))))
        server = Server(folder / "home")
    yield server
    server.stop()


def test_the_operator_chooses_a_dslr_and_a_visitor_is_photographed_with_it(dslr_booth, open_page):
    page = open_page(dslr_booth.url, "/operator", permissions=[])
    page.get_by_role("heading", name="Operator").wait_for()
    page.keyboard.type(steps.PIN)
    page.keyboard.press("Enter")
    page.get_by_role("button", name="DSLR at the USB port").click()
    steps.tap(page, "Save")
    page.locator(".notice.good").wait_for()
    steps.tap(page, "Test shot")
    page.get_by_text("96 × 64").wait_for()
    page.goto(dslr_booth.url)  # the browser gives no camera
    steps.agree(page)
    steps.until(page, "document.querySelector('video.mirror').videoWidth === 96")
    steps.shoot(page)
    steps.watch(page)
    size = page.evaluate("fetch('/api/v1/visit').then((a) => a.json()).then((visit) => visit.size)")
    assert size == [1200, 900]  # the photo, not the live view


@pytest.mark.parametrize("key", [" ", "Enter", "PageDown", "PageUp"])
def test_keys_take_the_photo(booth, open_page, key):
    page = open_page(booth.url)
    steps.agree(page)
    page.locator(".shutter:not([aria-disabled=true])").wait_for()
    page.locator("main").focus()
    page.keyboard.press(key)
    page.locator(".approve").wait_for()
