"""The page behind a reverse proxy with a path: a whole visit, and every address below the path."""

from __future__ import annotations

from typing import Any

import pytest

from tests.browser import visitor as steps
from tests.browser.conftest import Server, free_port
from tests.browser.path_proxy import serve_proxy


@pytest.mark.parametrize("strips", [True, False], ids=["the proxy removes the path", "the proxy keeps the path"])
def test_a_visit_below_a_path(chromium, tmp_path, open_page, photos, strips):
    port = free_port()
    public = f"http://127.0.0.1:{port}/booth"
    server = Server(tmp_path, "--public-url", public)
    try:
        with serve_proxy(port, server.port, "/booth", strips=strips):
            visit_below_a_path(open_page, public, photos)
    finally:
        server.stop()


def visit_below_a_path(open_page: Any, public: str, photos: dict[str, Any]) -> None:
    page = open_page(public)  # the fixture refuses requests to any other address, as of the proxy's root
    page.emulate_media(reduced_motion="reduce")  # the reveal would change the picture by itself
    requests: list[str] = []
    page.on("request", lambda request: requests.append(request.url))
    page.goto(f"{public}/lab")  # a screen at another depth, with files of its own
    page.locator(".bench .face img").first.wait_for()
    page.locator(".lab-head button").first.click()
    page.get_by_role("heading", name="Meet yourself").wait_for()
    assert page.evaluate("location.pathname") == "/booth/"
    steps.to_play(page, photos["one"])
    drawn = page.locator(".play .face > img[src^='/booth/api/v1/']")
    drawn.first.wait_for()  # until then, the photo itself is shown
    before = steps.shown(page)
    steps.slide(page, "Age", 20)
    steps.changes(page, before)
    page.reload()
    page.locator(".play .face img").first.wait_for()  # the cookie holds below the path
    steps.tap(page, "Done")
    page.locator(".printed").wait_for()
    with page.expect_download() as download:
        page.get_by_role("link", name="Download").click()
    assert download.value.path().read_bytes()[:2] == b"\xff\xd8"
    steps.tap(page, "Delete everything now")
    page.get_by_role("heading", name="Everything is deleted").wait_for()
    assert requests
    assert all(url.startswith((f"{public}/", "blob:", "data:")) for url in requests)


def test_the_page_says_what_is_not_deleted_yet(booth, open_page, photos):
    page = open_page(booth.url)
    steps.to_play(page, photos["one"])
    tries: list[str] = []

    def answer(route: Any) -> None:
        if route.request.method != "DELETE":
            route.continue_()
            return
        tries.append(route.request.url)
        if len(tries) < 3:
            error = {"code": "erase_pending", "message": "not everything could be deleted yet", "hint": ""}
            route.fulfill(status=507, json={"error": error})
        else:
            route.continue_()

    page.route("**/api/v1/visit", answer)
    steps.tap(page, "Done")
    steps.tap(page, "Delete everything now")
    page.get_by_role("heading", name="Not everything is deleted yet").wait_for()
    page.get_by_text("The booth tries again").wait_for()
    page.get_by_role("heading", name="Everything is deleted", exact=True).wait_for()
    assert len(tries) == 3
