"""The way of `bench.screens` through the booth: one visit through all of its states, and the pages beside it."""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from PIL import Image

from bench.booth import PIN, PRINTER

if TYPE_CHECKING:
    from bench.screens import Shots

SLOW = 240_000  # milliseconds for what the worker makes
BRIEF = "4 people, 20 to 60, half women"
SETTINGS = {"event": "Summer fair", "look": "dark", "gallery": True, "take_minutes": 240, "retention_minutes": 240}

Prepare = Callable[[Any, dict[str, str]], None]


def walk(shots: Shots, one: Path, two: Path) -> None:
    """Walk a visit through all screens."""
    shots.call("POST", "/operator/login", data={"pin": PIN})
    _set(shots, **SETTINGS)
    _take_start(shots, one, two)
    shots.call("POST", "/visit/back")
    shots.send_photo(one)
    shots.take("encoding")
    shots.until_playable()
    _take_play(shots)
    shots.call("POST", "/visit/go", data={"state": "friend"})
    shots.take("invite")
    shots.take("invite-code", prepare=lambda page, words: _tap(page, words["friend.code"]))
    shots.send_photo(two, add="true")
    shots.call("POST", "/visit/faces", data={"chosen": [0]})
    shots.until_playable()
    _take_friend(shots)
    shots.call("POST", "/visit/go", data={"state": "finish"})
    _take_finish(shots)
    _take_other_pages(shots)
    shots.call("DELETE", "/visit")
    shots.take("deleted", prepare=lambda page, words: _delete(shots, page))
    _take_kiosk(shots)
    _take_operator(shots)


def _take_start(shots: Shots, one: Path, two: Path) -> None:
    shots.take("gallery-empty", path="/gallery")
    shots.take("welcome", prepare=lambda page, words: page.locator(".film img").first.wait_for())
    shots.take("welcome-how", prepare=lambda page, words: _tap(page, words["how"]))
    shots.take("welcome-kept", prepare=lambda page, words: _tap(page, words["kept"]))
    shots.call("POST", "/visits")
    shots.take("consent")
    shots.call("POST", "/visit/consent", data={"agreed": True})
    shots.take("camera", prepare=lambda page, words: page.locator(".shutter:not([aria-disabled=true])").wait_for())
    shots.take("camera-denied", query="&camera=denied")
    shots.take("camera-none", query="&camera=none")
    shots.take("camera-phone", prepare=lambda page, words: _tap(page, words["phone"]))
    shots.take("approve", prepare=lambda page, words: page.set_input_files("input[type=file]", one))
    shots.take(
        "guardian", prepare=_refuse("**/visit/photo*", "guardian_needed", lambda page, words: _use(page, words, one))
    )
    shots.take(
        "photo-refused",
        prepare=_refuse("**/visit/photo*", "face_too_small", lambda page, words: _use(page, words, one)),
    )
    token = shots.call("GET", "/visit")["phone"].rsplit("/", 1)[1]
    shots.take("phone", path=f"/phone/{token}")
    shots.send_photo(two)
    shots.take("who", prepare=lambda page, words: page.locator(".who img").first.wait_for())
    shots.take("who-both", prepare=_tap_faces)


def _take_play(shots: Shots) -> None:
    def open_panel(key: str, then: Prepare = lambda page, words: None) -> Prepare:
        def prepare(page: Any, words: dict[str, str]) -> None:
            page.locator(".play .face img").first.wait_for()
            page.mouse.click(5, 300)  # ends the reveal
            if key:
                page.locator(".chips").get_by_role("button", name=words[key], exact=True).click()
            then(page, words)

        return prepare

    shots.take("reveal", prepare=lambda page, words: page.locator(".reveal").wait_for(), moving=True)
    shots.take("play", prepare=open_panel(""))
    for key in ("presets", "styles", "mirror", "mix"):
        shots.take(key, prepare=open_panel(key))
    shots.take("mirror-film", prepare=open_panel("mirror", _make_boomerang))
    slide = open_panel("", lambda page, words: _slide(page, 20))
    shots.take("play-edited", prepare=slide)
    shots.take("play-split", prepare=open_panel("", lambda page, words: _tap(page, words["split"])))
    shots.take("leave", prepare=open_panel("", lambda page, words: _tap(page, words["leave"])))
    refused = _refuse("**/people/*/*", "enough_people", open_panel("", lambda page, words: _tap(page, words["keep"])))
    shots.take("play-error", prepare=refused)
    shots.take("offline", prepare=open_panel("", _cut_connection))


def _take_friend(shots: Shots) -> None:
    def open_tab(key: str, ready: str, then: Prepare = lambda page, words: None) -> Prepare:
        def prepare(page: Any, words: dict[str, str]) -> None:
            page.locator(".three .middle img").first.wait_for(timeout=SLOW)
            page.locator("nav.chips").get_by_role("button", name=words[key], exact=True).click()
            page.locator(ready).first.wait_for(timeout=SLOW)
            then(page, words)

        return prepare

    def make_family(page: Any, words: dict[str, str]) -> None:
        page.locator(".child").first.click()
        _tap(page, words["family"])
        page.locator(".portrait-picture").wait_for(timeout=SLOW)

    last = ".child:nth-child(9) img"
    shots.take("two-people", prepare=lambda page, words: page.locator(".play .face img").first.wait_for())
    shots.call("POST", "/visit/go", data={"state": "friend"})
    shots.take("blend", prepare=open_tab("friend.blend", ".three .middle img"))
    shots.take("children-wait", prepare=open_tab("friend.children", ".child img"))
    shots.take(
        "children", prepare=open_tab("friend.children", last, lambda page, words: page.locator(".child").first.click())
    )
    shots.take("family", prepare=open_tab("friend.children", last, make_family))
    shots.take("film-wait", prepare=open_tab("friend.film", ".wait"))
    shots.take("film", prepare=open_tab("friend.film", ".face video, .face img"))


def _take_finish(shots: Shots) -> None:
    def choose(form: str) -> Prepare:
        def prepare(page: Any, words: dict[str, str]) -> None:
            page.locator(".finish .chips").get_by_role("button", name=words[f"form.{form}"], exact=True).click()
            page.locator(f'[class~="{form}"] .printed').wait_for(timeout=SLOW)

        return prepare

    def print_picture(page: Any, words: dict[str, str]) -> None:
        choose("4x6")(page, words)
        _tap(page, words["print"])

    for form in ("single", "strip", "4x6", "paste_back"):
        shots.take(f"finish-{form}", prepare=choose(form))
    shots.take("finish-film-wait", prepare=lambda page, words: _tap(page, words["form.film"]))
    _set(shots, printer=PRINTER, copies=3, print_quota=5)
    shots.take("finish-printer", prepare=choose("single"))
    shots.take("finish-printed", prepare=print_picture)
    person = shots.call("GET", "/visit")["people"][0]["id"]
    download = shots.call("POST", "/visit/finish", data={"person": person, "form": "single"})
    shots.call("POST", f"/downloads/{download['id']}/gallery", data={"shown": True})
    shots.take("gallery", path="/gallery", prepare=lambda page, words: page.locator(".gallery .face img").wait_for())


def _take_other_pages(shots: Shots) -> None:
    shots.take("random", path="/random", prepare=lambda page, words: page.locator(".face img").first.wait_for())
    for number, name in enumerate(("explore", "drag", "inspect", "cast")):
        shots.take(f"lab-{name}", path="/lab", prepare=_open_lab(number), whole=True)
    shots.take("lab-cast-full", path="/lab", prepare=_show_cast, whole=True)
    shots.take("verify", path="/verify")
    download = shots.call("GET", "/visit/downloads")["takes"][0]["download"]
    made = shots.page.request.get(shots.url + download).body()
    changed = io.BytesIO()
    Image.open(io.BytesIO(made)).convert("RGB").rotate(1).save(changed, "PNG")
    for name, data in {"marked": made, "changed": changed.getvalue()}.items():
        file = {"name": "picture.jpg", "mimeType": "image/jpeg", "buffer": data}
        shots.take(f"verify-{name}", path="/verify", prepare=_verify(file))


def _take_kiosk(shots: Shots) -> None:
    _set(shots, kiosk=True, idle_seconds=15)
    shots.take("kiosk-welcome", prepare=lambda page, words: page.locator(".film img").first.wait_for())
    shots.call("POST", "/visits")
    shots.take("kiosk-idle", prepare=lambda page, words: page.locator("dialog").wait_for())
    shots.call("POST", "/visit/consent", data={"agreed": True})
    shots.take("kiosk-camera-denied", query="&camera=denied")
    shots.call("DELETE", "/visit")
    _set(shots, kiosk=False)


def _take_operator(shots: Shots) -> None:
    shots.take("operator-desk", path="/operator", prepare=_until_settings, whole=True)
    shots.call("POST", "/operator/logout")
    shots.take("operator", path="/operator")


# -- steps on a page --------------------------------------------------------------------------------------------------


def _set(shots: Shots, **changes: Any) -> None:
    """Change settings of the booth, as the operator."""
    shots.call("PUT", "/operator/settings", data=shots.call("GET", "/operator/settings") | changes)


def _refuse(pattern: str, code: str, then: Prepare) -> Prepare:
    """Let the requests to these addresses fail, then go on."""

    def prepare(page: Any, words: dict[str, str]) -> None:
        body = {"error": {"code": code, "message": "refused", "hint": ""}}
        page.route(
            pattern, lambda route: route.fulfill(status=409, json=body) if _changes(route) else route.continue_()
        )
        then(page, words)

    return prepare


def _changes(route: Any) -> bool:
    return str(route.request.method) == "POST"


def _cut_connection(page: Any, words: dict[str, str]) -> None:
    page.route("**/api/**", lambda route: route.abort())
    _tap(page, words["keep"])
    page.locator(".offline").wait_for()


def _use(page: Any, words: dict[str, str], photo: Path) -> None:
    page.set_input_files("input[type=file]", photo)
    _tap(page, words["use"])
    page.locator(".notice, dialog[open]").first.wait_for()


def _tap_faces(page: Any, words: dict[str, str]) -> None:
    for box in page.locator(".who .box").all():
        box.click()


def _slide(page: Any, value: float) -> None:
    page.get_by_role("slider").first.evaluate(
        """(slider, value) => {
            slider.value = value;
            for (const name of ["input", "change"]) slider.dispatchEvent(new Event(name, {bubbles: true}));
        }""",
        value,
    )
    page.locator(".tools .button:not([aria-disabled])").first.wait_for(timeout=SLOW)
    page.locator(".working").wait_for(state="detached", timeout=SLOW)


def _make_boomerang(page: Any, words: dict[str, str]) -> None:
    _tap(page, words["mirror.boomerang"])
    page.locator(".show .taken video, .show .taken img").first.wait_for(timeout=SLOW)


def _open_lab(section: int) -> Prepare:
    def prepare(page: Any, words: dict[str, str]) -> None:
        page.locator(".lab-head .segments .button").nth(section).click()
        page.wait_for_timeout(4000)

    return prepare


def _show_cast(page: Any, words: dict[str, str]) -> None:
    """Show the cast of the previous language, or begin one and wait for its end."""
    page.locator(".lab-head .segments .button").nth(3).click()
    page.locator(".casting .order, .casting .block").first.wait_for()
    if page.locator(".order").count():
        page.locator(".order textarea").fill(BRIEF)
        page.locator(".order .next").click()
    page.locator(".export").wait_for(timeout=2 * SLOW)


def _verify(file: dict[str, Any]) -> Prepare:
    def prepare(page: Any, words: dict[str, str]) -> None:
        page.set_input_files("input[type=file]", file)
        page.locator("dd").first.wait_for()

    return prepare


def _until_settings(page: Any, words: dict[str, str]) -> None:
    page.locator(".settings").first.wait_for()
    page.locator(".facts").first.wait_for()


def _delete(shots: Shots, page: Any) -> None:
    """Begin a visit on the open page and delete it, so that the page says so."""
    shots.call("POST", "/visits")
    page.reload()
    page.locator(".consent").wait_for()
    shots.call("DELETE", "/visit")
    page.locator(".wiped").wait_for()


def _tap(page: Any, name: str) -> None:
    page.get_by_role("button", name=name, exact=True).click()
