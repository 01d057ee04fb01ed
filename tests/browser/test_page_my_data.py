"""A visitor's own data on a shared screen: a QR code for a phone, or an address for the operator."""

from __future__ import annotations

import zipfile
from typing import Any

from tests.browser import visitor as steps

DOWNLOAD = "Save my data"


def set_kiosk(page: Any, *, on: bool) -> None:
    """Switch kiosk mode on or off, on the operator's page. Other tests of this booth may have done so before."""
    box = page.get_by_label("Kiosk mode")
    if box.is_checked() == on:
        return
    box.set_checked(on)
    steps.tap(page, "Save")
    page.get_by_text("Saved.").first.wait_for()


def test_a_visitor_of_a_kiosk_takes_the_own_data(own_booth, open_page, photos):
    operator = open_page(own_booth.url, "/operator")
    steps.log_in(operator)
    set_kiosk(operator, on=True)
    page = open_page(own_booth.url)
    steps.to_play(page, photos["one"])
    steps.tap(page, "Done")
    page.locator(".printed").wait_for()
    assert page.get_by_role("link").count() == 0  # a shared screen saves no files
    steps.tap(page, "My data")
    page.get_by_text("phones cannot reach this booth").wait_for()
    address = page.locator("dialog .address").inner_text()
    phone = open_page(own_booth.url, address.removeprefix(own_booth.url))
    with phone.expect_download() as download:
        phone.get_by_role("link", name=DOWNLOAD).click()
    assert "records.json" in zipfile.ZipFile(download.value.path()).namelist()
    steps.tap(page, "Close")
    page.route("**/visit/export/code", answer_as_reachable)
    steps.tap(page, "My data")
    page.locator("dialog img.qr").wait_for()
    steps.until(page, "document.querySelector('dialog img.qr').naturalWidth > 0")
    page.get_by_text("Scan this code with your phone to save").wait_for()
    steps.tap(page, "Close")
    steps.tap(page, "Delete everything now")
    page.get_by_role("heading", name="Everything is deleted").wait_for()
    phone.reload()
    phone.get_by_text("This link has expired").wait_for()
    assert phone.get_by_role("link", name=DOWNLOAD).count() == 0
    set_kiosk(operator, on=False)


def answer_as_reachable(route: Any) -> None:
    """Answer as a booth that phones reach."""
    answer = route.fetch()
    route.fulfill(response=answer, json=answer.json() | {"reachable": True})
