"""The live mirror and the reveal in a real browser: frames of the camera change the picture, and films are made."""

from __future__ import annotations

from tests.browser import visitor as steps


def test_the_reveal_plays_once_and_a_touch_ends_it(booth, open_page):
    page = open_page(booth.url)
    steps.to_play(page)
    page.locator(".reveal").wait_for()
    page.locator(".face").first.click()
    page.locator(".reveal").wait_for(state="detached")
    page.reload()
    page.locator(".play .face img").first.wait_for()


def test_the_mirror_follows_the_camera_and_makes_a_loop(booth, open_page):
    page = open_page(booth.url)
    page.emulate_media(reduced_motion="reduce")
    live: list[str] = []
    page.on("request", lambda request: live.append(request.url) if "/live?" in request.url else None)
    steps.to_play(page)
    assert page.locator(".reveal").count() == 0  # who wants less motion gets no reveal
    steps.tap(page, "Mirror")
    page.locator(".face > img[src^='blob:']").first.wait_for()
    page.get_by_role("button", name="+40", exact=True).click()
    steps.until(page, "() => performance.getEntriesByType('resource').some(e => e.name.includes('years=40'))")
    assert len(live) >= 3
    steps.tap(page, "Smile loop")
    page.locator(".show img, .show video").first.wait_for()
    steps.tap(page, "Close")
    count = len(live)
    steps.tap(page, "Age")
    page.wait_for_timeout(500)
    assert len(live) <= count + 3  # the stream ends with its panel
    page.get_by_role("slider", name="Age").wait_for()
