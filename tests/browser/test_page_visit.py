"""A visit in a real browser, from the first screen to the last."""

from __future__ import annotations

import gzip
import re
from typing import Any

import pytest
from PIL import Image

from tests.browser import visitor as steps
from tests.browser.visitor import PAGE

HERE = re.compile(".")


def state(page: Any) -> str:
    """Return the state of this browser's visit, as the server reports it."""
    return str(page.evaluate("fetch('/api/v1/visit').then(r => r.ok ? r.json() : {state: 'none'}).then(v => v.state)"))


def test_the_whole_visit(booth, open_page):
    page = open_page(booth.url)
    page.get_by_role("heading", name="Meet yourself").wait_for()
    steps.agree(page)
    steps.shoot(page)
    page.locator(".encoding .face img").first.wait_for()
    steps.watch(page)
    before = steps.shown(page)
    steps.slide(page, "Age", 20)
    page.get_by_text("+20 years").wait_for()
    page.get_by_text("years old").wait_for()
    steps.changes(page, before)
    page.locator(".button.tool:has-text('Undo'):not([aria-disabled])").click()
    page.get_by_text("+20 years").wait_for(state="detached")
    assert page.get_by_role("slider", name="Age").input_value() == "0"
    steps.tap(page, "Keep")
    page.locator(".kept .thumb").wait_for()
    steps.tap(page, "Done")
    page.locator(".printed").wait_for()
    with page.expect_download() as download:
        page.get_by_role("link", name="Download").click()
    assert download.value.path().read_bytes()[:2] == b"\xff\xd8"
    steps.tap(page, "Delete everything now")
    page.get_by_role("heading", name="Everything is deleted").wait_for()
    assert state(page) == "none"
    steps.tap(page, "Start a new visit")
    page.get_by_role("button", name="Start").wait_for()


def test_declining_ends_the_visit_before_the_camera_opens(booth, open_page):
    page = open_page(booth.url)
    page.evaluate("() => { navigator.mediaDevices.getUserMedia = () => { window.opened = true; } }")
    steps.tap(page, "Start")
    steps.tap(page, "No thanks")
    page.get_by_role("heading", name="Everything is deleted").wait_for()
    assert page.evaluate("window.opened === undefined")
    assert state(page) == "none"


def test_two_faces_blend_and_have_children(booth, open_page, photos):
    page = open_page(booth.url)
    steps.agree(page)
    steps.upload(page, photos["two"])
    for number in (1, 2):
        page.get_by_role("button", name=f"Face {number}").click()
    steps.tap(page, "Both of us")
    page.locator(".encoding .people .thumb").nth(1).wait_for()
    steps.watch_two(page)
    first = steps.shown(page, ".three .middle")
    page.get_by_role("slider", name="Between you").focus()
    page.keyboard.press("ArrowRight")
    steps.changes(page, first, ".three .middle")
    steps.tap(page, "Children")
    page.locator(".child img").nth(8).wait_for()
    page.get_by_role("button", name="Child 5").click()
    steps.tap(page, "Next generation")
    page.locator(".parents").nth(1).wait_for()
    page.locator(".child img").nth(8).wait_for()
    page.get_by_role("button", name="Child 1").click()
    steps.tap(page, "Edit this child")
    page.locator(".play .face img").first.wait_for()


def test_two_visitors_join_by_a_code(booth, open_page, photos):
    one, other = open_page(booth.url), open_page(booth.url)
    for page in (one, other):
        steps.to_play(page, photos["one"])
        steps.tap(page, "Friend")
    for page in (one, other):
        steps.tap(page, "My friend is at another booth")
    one.locator(".code-figures:not(:empty)").wait_for()
    code = one.locator(".code-figures").inner_text()
    for letter in code:
        other.locator(".keypad button", has_text=re.compile(f"^{letter}$")).click()
    steps.tap(other, "Join")
    for page in (one, other):
        page.locator(".three .middle img").wait_for()


def test_refresh_at_each_state(booth, open_page, photos):
    page = open_page(booth.url)
    steps.tap(page, "Start")
    page.get_by_role("button", name="I agree").wait_for()
    page.reload()
    steps.agree_to_photo(page)
    page.reload()
    page.get_by_role("button", name="Take the photo").wait_for()
    steps.upload(page, photos["two"])
    page.get_by_role("button", name="Face 1").wait_for()
    page.reload()
    page.get_by_role("button", name="Face 1").click()
    steps.tap(page, "That is me")
    page.locator(".encoding").wait_for()
    page.reload()
    page.locator(".encoding, .play").wait_for()
    steps.until(page, "fetch('/api/v1/visit').then(r => r.json()).then(v => v.state === 'play')")
    page.reload()
    page.locator(".play .face img").first.wait_for()
    steps.tap(page, "Friend")
    page.locator(".invite").wait_for()
    page.reload()
    page.locator(".invite").wait_for()
    steps.tap(page, "Back")
    steps.tap(page, "Done")
    page.locator(".printed").wait_for()
    page.reload()
    page.locator(".printed").wait_for()


def test_the_back_button_stays_in_the_visit(booth, open_page, photos):
    page = open_page(booth.url)
    steps.to_play(page, photos["one"])
    steps.tap(page, "Friend")
    page.locator(".invite").wait_for()
    page.evaluate("history.back()")
    page.locator(".play").wait_for()
    page.evaluate("history.back()")
    page.get_by_role("button", name="Take the photo").wait_for()


def test_two_tabs_show_the_same_visit(booth, open_page, photos):
    page = open_page(booth.url)
    steps.to_play(page, photos["one"])
    tab = page.context.new_page()
    tab.goto(booth.url)
    tab.locator(".play .face img").first.wait_for()
    steps.tap(page, "Start over")
    page.get_by_role("dialog").get_by_role("button", name="Delete").click()
    tab.get_by_role("heading", name="Everything is deleted").wait_for()


def test_no_face_says_what_to_do(booth, open_page, photos):
    page = open_page(booth.url)
    steps.agree(page)
    steps.upload(page, photos["none"])
    page.get_by_role("alert").get_by_text("closer").wait_for()
    steps.tap(page, "Again")
    page.get_by_role("button", name="Take the photo").wait_for()


def test_camera_denied(booth, open_page, photos):
    page = open_page(booth.url)
    page.add_init_script(
        "navigator.mediaDevices.getUserMedia = () => Promise.reject(new DOMException('', 'NotAllowedError'))"
    )
    page.reload()
    steps.tap(page, "Start")
    steps.tap(page, "I agree")
    page.get_by_role("heading", name="The camera is not allowed").wait_for()
    page.get_by_role("alert").get_by_role("button", name="Choose a photo").wait_for()
    steps.upload(page, photos["one"])
    steps.watch(page)


def test_keyboard_only(booth, open_page):
    page = open_page(booth.url)
    page.get_by_role("button", name="Start").wait_for()
    page.keyboard.press("Space")
    page.get_by_role("button", name="I agree").wait_for()
    for _ in range(3):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.textContent") == "I agree":
            break
    page.keyboard.press("Enter")
    page.locator(".shutter:not([aria-disabled=true])").wait_for()
    page.keyboard.press("Space")
    page.locator(".approve").wait_for()
    page.keyboard.press("Enter")
    page.locator(".encoding .button.next:not([aria-disabled])").wait_for()
    page.keyboard.press("Enter")
    slider = page.get_by_role("slider", name="Age")
    slider.focus()
    for _ in range(3):
        page.keyboard.press("ArrowRight")
    page.get_by_text("+3 years").wait_for()
    page.locator(".button.tool:has-text('Undo'):not([aria-disabled])").wait_for()
    page.keyboard.down("b")
    page.locator(".face .before").wait_for()
    page.keyboard.up("b")
    page.locator(".face .before").wait_for(state="detached")
    page.keyboard.press("z")
    steps.until(page, "document.querySelector('.slider input').value !== '3'")


def test_before_and_after_by_split(booth, open_page, photos):
    page = open_page(booth.url)
    steps.to_play(page, photos["one"])
    steps.tap(page, "Split")
    box = page.locator(".likeness .touch").bounding_box()
    page.mouse.move(box["x"] + box["width"] * 0.5, box["y"] + 200)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] * 0.25, box["y"] + 200)
    page.mouse.up()
    assert "75" in page.locator(".face .before").evaluate("image => image.style.clipPath")


def test_operator(booth, open_page):
    page = open_page(booth.url, "/operator")
    page.get_by_role("heading", name="Operator").wait_for()
    page.keyboard.type("000000")
    steps.tap(page, "Log in")
    page.get_by_role("alert").wait_for()
    page.keyboard.type(steps.PIN)
    page.keyboard.press("Enter")
    page.get_by_label("Name of the event").fill("Ada's <b>party</b>")
    steps.tap(page, "Save")
    page.get_by_role("status").get_by_text("Saved.").wait_for()
    page.goto(booth.url)
    page.get_by_text("Ada's <b>party</b>").wait_for()


@pytest.mark.parametrize(
    ("locale", "title"), [("de-DE", "Triff dich"), ("es-ES", "Conócete"), ("fr-FR", "Face à vous-même")]
)
def test_languages(booth, open_page, locale, title):
    page = open_page(booth.url, locale=locale)
    page.get_by_role("heading", name=title).wait_for()
    assert page.evaluate("document.documentElement.lang") == locale[:2]


def test_generated_faces(booth, open_page):
    page = open_page(booth.url, "/random")
    page.locator(".face img").first.wait_for()
    first = steps.shown(page)
    page.keyboard.press("Space")
    steps.changes(page, first)


def test_the_page_is_small(chromium):
    files = [path for path in PAGE.parent.rglob("*") if path.is_file()]
    assert sum(len(gzip.compress(path.read_bytes())) for path in files) < 150_000


def test_a_friend_is_photographed_and_the_visit_ends_in_a_blend(booth, open_page, photos):
    page = open_page(booth.url)
    steps.to_play(page, photos["one"])
    steps.tap(page, "Friend")
    steps.tap(page, "Photograph your friend")
    page.locator(".shutter").wait_for()
    steps.shoot(page)
    page.locator(".encoding .people .thumb").nth(1).wait_for()
    pressed = page.locator(".encoding .people .thumb[aria-pressed=true]")
    assert pressed.count() == 1
    friend = pressed.locator("img").get_attribute("src")  # not the first person
    on_top = "[...document.querySelector('.encoding .stage .face').querySelectorAll('img')].at(-1)"
    steps.until(page, f"friend => {on_top}?.getAttribute('src') === friend", friend)
    steps.watch_two(page)


def test_a_film_shows_its_progress_and_can_be_canceled(booth, open_page, photos):
    page = open_page(booth.url)
    steps.to_play(page, photos["one"])
    steps.tap(page, "Done")
    page.locator(".printed").wait_for()
    page.route(
        "**/api/v1/jobs/*",
        lambda route: (
            route.continue_()
            if route.request.method == "DELETE"
            else route.fulfill(
                json={
                    "id": "x",
                    "kind": "film",
                    "state": "running",
                    "progress": 0.4,
                    "seconds_left": 12.2,
                    "error": None,
                    "url": None,
                    "result": None,
                }
            )
        ),
    )
    steps.tap(page, "Film")
    page.get_by_role("status").get_by_text("The film is being made").wait_for()
    page.get_by_text("About 13 s left").wait_for()
    assert page.locator(".waiting progress").get_attribute("value") == "0.4"
    with page.expect_request(lambda request: request.method == "DELETE" and "/jobs/" in request.url):
        steps.tap(page, "Cancel")
    page.locator(".printed").wait_for()


def test_the_page_says_when_the_booth_is_coming_back(booth, open_page, photos):
    page = open_page(booth.url)
    page.route("**/api/v1/visit/events", lambda route: route.abort())  # no progress arrives
    page.route("**/api/v1/visit", lambda route: route.abort())
    page.route("**/api/v1/health", lambda route: route.fulfill(json={"ready": False, "error": None}))
    steps.agree(page)
    steps.upload(page, photos["one"])
    page.get_by_role("status").get_by_text("The booth is coming back").wait_for()


def test_a_large_photo_is_made_smaller_before_it_is_sent(booth, open_page, tmp_path):
    large = tmp_path / "large.jpg"
    noise = Image.effect_noise((5200, 3000), 90).convert("RGB")
    noise.save(large, quality=97)
    assert large.stat().st_size > 6_000_000
    page = open_page(booth.url)
    record = "if (init?.body instanceof FormData) window.sentBytes = init.body.get('photo').size"
    page.add_init_script(f"const send = fetch; window.fetch = (url, init) => {{ {record}; return send(url, init); }}")
    page.reload()
    steps.agree(page)
    page.set_input_files("input[type=file]", large)
    steps.tap(page, "Use it")
    steps.until(page, "window.sentBytes !== undefined")
    assert page.evaluate("window.sentBytes") < large.stat().st_size


def test_an_empty_gallery_has_a_way_back(booth, open_page):
    page = open_page(booth.url, "/gallery")
    page.get_by_text("The gallery is still empty.").wait_for()
    steps.tap(page, "Booth")
    page.get_by_role("button", name="Start").wait_for()
