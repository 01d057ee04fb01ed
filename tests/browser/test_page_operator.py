"""The operator's page in a real browser: printing, an own PIN, settings as a file; and prints of a visitor."""

from __future__ import annotations

import json
import os
import re
import stat
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from tests.browser import visitor as steps
from tests.browser.conftest import Server


@pytest.fixture(scope="module")
def print_booth(chromium: str, tmp_path_factory: pytest.TempPathFactory) -> Any:
    """A booth on a machine with two printers; `lp` writes its arguments to a file."""
    programs = tmp_path_factory.mktemp("cups")
    texts = {"lp": f'echo "$@" >> {programs}/jobs', "lpstat": "echo printer Canon is idle.  enabled"}
    for name, text in texts.items():
        (programs / name).write_text(f"#!/bin/sh\n{text}\n")
        (programs / name).chmod((programs / name).stat().st_mode | stat.S_IEXEC)
    before = os.environ["PATH"]
    os.environ["PATH"] = f"{programs}:{before}"
    server = Server(tmp_path_factory.mktemp("print-booth"))
    os.environ["PATH"] = before
    server.jobs = programs / "jobs"  # type: ignore[attr-defined]
    yield server
    server.stop()


def test_the_operator_chooses_a_printer_and_visitors_print_copies(print_booth, open_page, photos, tmp_path):
    page = open_page(print_booth.url, "/operator")
    steps.log_in(page)
    steps.tap(page, "Canon: ready")
    page.get_by_role("status").get_by_text("Saved.").wait_for()
    page.get_by_label("Most copies at once").fill("3")
    page.get_by_label("Most prints of a visit, 0 for no limit").fill("4")
    steps.tap(page, "Save")
    page.get_by_role("status").get_by_text("Saved.").wait_for()
    logo = tmp_path / "logo.png"
    Image.new("RGBA", (40, 40), (255, 0, 0, 255)).save(logo)
    page.get_by_label("Logo (PNG)", exact=True).set_input_files(logo)
    page.get_by_role("img", name="Logo (PNG)").wait_for()
    page.goto(print_booth.url)
    steps.to_play(page, photos["one"])
    steps.tap(page, "Done")
    page.locator(".printed").wait_for()
    steps.tap(page, "4 × 6")
    page.locator(".finish.\\34 x6 .printed").wait_for()
    steps.until(page, "document.querySelector('.printed')?.naturalHeight === 1800")
    steps.tap(page, "One more copy")
    page.get_by_text("Copies: 2").wait_for()
    steps.tap(page, "Print")
    page.get_by_role("status").get_by_text("You can print 2 more.").wait_for()
    assert print_booth.jobs.read_text().split()[:4] == ["-d", "Canon", "-n", "2"]
    page.goto(f"{print_booth.url}/operator")
    page.locator(".prints img").wait_for()
    steps.tap(page, "Print again")
    page.get_by_role("status").get_by_text("It is being printed.").wait_for()
    assert len(print_booth.jobs.read_text().splitlines()) == 2


def test_the_printed_picture_is_the_one_on_the_screen(print_booth, open_page, photos):
    page = open_page(print_booth.url)
    steps.to_play(page, photos["one"])
    steps.tap(page, "Done")
    steps.tap(page, "Strip")
    steps.until(page, "document.querySelector('.printed')?.naturalHeight === 1800")
    page.emulate_media(media="print")
    box = page.locator(".printed").bounding_box()
    assert box["height"] / box["width"] == pytest.approx(3, rel=0.1)
    pdf = page.pdf(prefer_css_page_size=True)
    assert re.findall(rb"/MediaBox \[0 0 (\d+) (\d+)", pdf) == [(b"144", b"432")]  # one page of 2x6 inches, in points


def test_settings_travel_as_a_file(own_booth, open_page, tmp_path):
    page = open_page(own_booth.url, "/operator")
    steps.log_in(page)
    with page.expect_download() as download:
        steps.tap(page, "Save the settings as a file")
    saved = json.loads(Path(download.value.path()).read_text())
    saved |= {"event": "From a file", "unknown": 1}
    (tmp_path / "s.json").write_text(json.dumps(saved))
    page.locator("input[accept='application/json']").set_input_files(tmp_path / "s.json")
    page.get_by_role("status").get_by_text("Saved.").wait_for()
    assert page.get_by_label("Name of the event").input_value() == "From a file"
    (tmp_path / "s.json").write_text("no JSON")
    page.locator("input[accept='application/json']").set_input_files(tmp_path / "s.json")
    page.get_by_role("alert").get_by_text("does not hold settings").wait_for()


def test_an_own_pin(own_booth, open_page):
    page = open_page(own_booth.url, "/operator")
    steps.log_in(page)
    page.get_by_label("Your own PIN").fill("135790")
    steps.tap(page, "Set the PIN")
    page.get_by_text("Log in").wait_for()
    steps.log_in(page, "135790")
    steps.tap(page, "Random PIN again")
    page.get_by_text("Log in").wait_for()
    steps.log_in(page)


def test_a_kiosk_that_lets_nobody_take_a_picture_home_warns(own_booth, open_page):
    page = open_page(own_booth.url, "/operator")
    steps.log_in(page)
    if not page.get_by_label("Kiosk mode").is_checked():
        page.get_by_label("Kiosk mode").check()
        steps.tap(page, "Save")
    page.get_by_text("no way to take a picture home").wait_for()
    page.get_by_label("Kiosk mode").uncheck()
    steps.tap(page, "Save")
    page.get_by_text("no way to take a picture home").wait_for(state="detached")
