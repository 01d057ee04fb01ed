"""The page when the server fails and returns: nothing is lost, and nothing is sent twice."""

from __future__ import annotations

from tests.browser import visitor as steps


def test_server_killed_during_an_encoding(own_booth, open_page, photos):
    own_booth.kill()
    own_booth.start(seconds=4)
    page = open_page(own_booth.url)
    steps.agree(page)
    steps.upload(page, photos["one"])
    page.locator(".encoding .face img").first.wait_for()
    own_booth.kill()
    page.get_by_text("Connection lost").wait_for()
    own_booth.start()
    steps.watch(page)
    page.get_by_text("Connection lost").wait_for(state="detached")


def test_a_photo_taken_without_a_server_is_sent_once(own_booth, open_page, photos):
    page = open_page(own_booth.url)
    steps.agree(page)
    sent: list[str] = []
    page.on("request", lambda request: sent.append(request.url) if request.url.endswith("/photo") else None)
    own_booth.kill()
    steps.upload(page, photos["one"])
    page.get_by_text("Your photo is stored").wait_for()
    sent.clear()
    own_booth.start()
    steps.watch(page)
    assert len(sent) == 1
