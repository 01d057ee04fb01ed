"""The visit, from the door to the end, over HTTP on a tiny generator."""

from __future__ import annotations

import io
import json
import threading
import time

import httpx
import pytest
from PIL import Image
from tests.web.tiny_server import as_jpeg, photo


def size(answer: httpx.Response) -> tuple[int, int]:
    """Of the picture that was answered."""
    assert answer.status_code == 200, answer.text
    with Image.open(io.BytesIO(answer.content)) as picture:
        return picture.size


def code(answer: httpx.Response) -> tuple[int, str]:
    return answer.status_code, answer.json()["error"]["code"]


def own(url: str) -> str:
    return url.removeprefix("/api/v1")


def test_no_camera_before_consent(client):
    assert code(client.get("/visit")) == (404, "no_visit")
    assert client.post("/visits").json()["state"] == "consent"
    assert code(client.post("/visit/photo", files={"photo": ("a", photo())})) == (403, "no_consent")
    assert client.post("/visit/consent", json={"agreed": False}).json() == {"state": "wiped"}
    assert code(client.get("/visit")) == (404, "no_visit")


def test_from_the_door_to_playing(client):
    visit = client.play(photo(1))
    (person,) = visit["people"]
    assert person["playable"]
    assert person["quality"]["word"] == "good"
    assert {slider["name"] for slider in person["sliders"]} >= {"age", "smile"}
    assert person["controls"]["age"] == 0
    assert size(client.get(own(person["image"]))) == (1024, 1024)
    assert size(client.get(own(person["crop"]))) == (512, 512)
    assert size(client.get(own(visit["photo"]))) == (640, 640)


def test_asked_for_twice_it_happens_once(client):
    client.post("/visits")
    for _ in range(2):
        assert client.post("/visit/consent", json={"agreed": True}).json()["state"] == "camera"
    assert client.post("/visit/photo", files={"photo": ("a", photo(2, 960))}).json()["state"] == "who"
    for _ in range(2):
        assert client.post("/visit/faces", json={"chosen": [1]}).json()["state"] in ("encoding", "play")
    assert len(client.until(lambda visit: visit["state"] == "play")["people"]) == 1
    assert code(client.post("/visit/photo", files={"photo": ("a", photo(3))})) == (409, "wrong_state")


def test_what_is_no_face_and_what_is_no_picture(client):
    client.post("/visits")
    client.post("/visit/consent", json={"agreed": True})
    flat = as_jpeg(Image.new("RGB", (300, 300), "teal"))
    assert code(client.post("/visit/photo", files={"photo": ("a", flat)})) == (422, "no_face_found")
    assert code(client.post("/visit/photo", files={"photo": ("../../x.jpg", b"text")})) == (422, "image_error")
    assert client.visit()["state"] == "camera"
    assert client.visit()["photo"] is None
    assert code(client.post("/visit/photo")) == (422, "invalid")


def test_two_friends_in_one_photo(client):
    visit = client.play(photo(4, 960), [0, 1])
    a, b = (person["id"] for person in visit["people"])
    assert size(client.get("/blend", params={"a": a, "b": b, "t": 0.3})) == (512, 512)
    born = client.post("/children", json={"a": a, "b": b, "seed": 3}).json()["children"]
    assert len(born) == 9
    assert {name for child in born for name in child["lineage"]} == {a, b}
    assert size(client.get(own(born[0]["image"]), params={"size": 128})) == (128, 128)
    further = client.post("/children", json={"a": born[0]["id"], "b": a, "seed": 4}).json()["children"]
    assert born[0]["id"] in further[0]["lineage"]
    assert client.post(f"/people/{a}/mix", json={"with": b, "layers": "coarse,middle"}).json()["can_undo"]
    job = client.post("/film", json={"a": a, "b": b}).json()
    while job["state"] == "running":
        time.sleep(0.1)
        job = client.get(f"/jobs/{job['id']}").json()
    assert job["state"] == "done", job
    assert len(client.get(own(job["url"])).content) > 1000


def test_sliders_history_and_what_is_kept(client):
    (person,) = client.play(photo(5))["people"]
    name = person["id"]
    before = client.get(own(person["image"])).content
    changed = client.post(f"/people/{name}/controls", json={"age": 12}).json()
    assert changed["controls"]["age"] == 12
    assert changed["traits"]["age"] != person["traits"]["age"]
    assert client.get(own(changed["image"])).content != before
    assert client.get(own(changed["found"])).content == before
    assert client.post(f"/people/{name}/keep").json()["kept"][0]["id"]
    assert client.post(f"/people/{name}/undo").json()["controls"]["age"] == 0
    assert code(client.post(f"/people/{name}/undo")) == (409, "no_step")
    assert client.post(f"/people/{name}/redo").json()["controls"]["age"] == 12
    assert client.post(f"/people/{name}/reset").json()["controls"]["age"] == 0
    kept = client.visit()["people"][0]["kept"][0]["id"]
    assert client.post(f"/people/{name}/kept/{kept}").json()["controls"]["age"] == 12
    assert client.post(f"/people/{name}/surprise").json()["can_undo"]


def test_previews_come_at_once_and_meet_the_exact_result(client):
    (person,) = client.play(photo(6))["people"]
    name = person["id"]
    took = []
    for n in range(1, 21):
        begin = time.perf_counter()
        answer = client.get(f"/people/{name}/preview", params={"age": n, "n": n})
        took.append(time.perf_counter() - begin)
        assert answer.status_code == 200
    assert sorted(took)[10] < 0.3
    assert code(client.get(f"/people/{name}/preview", params={"age": 1, "n": 3})) == (409, "stale")
    client.post(f"/people/{name}/controls", json={"age": 12})
    at_rest = client.get(f"/people/{name}/preview", params={"n": 21, "size": 512}).content
    exact = client.get(f"/people/{name}/image", params={"size": 512}).content
    one, two = (Image.open(io.BytesIO(data)).convert("RGB") for data in (at_rest, exact))
    assert max(abs(a - b) for a, b in zip(one.tobytes(), two.tobytes(), strict=True)) < 40  # two JPEG qualities


@pytest.mark.parametrize(
    "query", [{"age": "nan"}, {"age": "1e308"}, {"beard": "1"}, {"smile": "-1"}, {"smile": "x"}, {"size": "99999"}]
)
def test_impossible_sliders_are_refused(client, query):
    (person,) = client.play(photo(7))["people"]
    assert client.get(f"/people/{person['id']}/preview", params=query).status_code == 422
    client.delete("/visit")


def test_back_and_cancel_erase_the_photo(client, server):
    client.post("/visits")
    client.post("/visit/consent", json={"agreed": True})
    client.post("/visit/photo", files={"photo": ("a", photo(8))})
    assert client.post("/visit/cancel").json()["state"] == "camera"
    visit = client.visit()
    assert visit["photo"] is None
    assert not visit["people"]
    folder = server.booth.keep.folder_of(visit["id"])
    assert not list(folder.glob("*"))
    client.post("/visit/photo", files={"photo": ("a", photo(8))})
    client.until(lambda visit: visit["state"] == "play")
    for screen in ("friend", "finish"):
        assert client.post("/visit/go", json={"state": screen}).json()["state"] == screen
    assert client.post("/visit/back").json()["state"] == "play"
    assert client.post("/visit/back").json()["state"] == "camera"
    assert not list(folder.glob("*"))


def test_the_stream_tells_what_happens(client, server):
    client.post("/visits")
    client.post("/visit/consent", json={"agreed": True})
    told: list[tuple[str, dict]] = []
    listening = threading.Event()

    def listen() -> None:
        with httpx.stream(
            "GET", f"{server.base}/api/v1/visit/events", cookies=dict(client.cookies), timeout=30, trust_env=False
        ) as stream:
            name = ""
            for line in stream.iter_lines():
                if line.startswith("event: "):
                    name = line[7:]
                elif line.startswith("data: "):
                    told.append((name, json.loads(line[6:])))
                    listening.set()

    thread = threading.Thread(target=listen)
    thread.start()
    assert listening.wait(10)
    client.post("/visit/photo", files={"photo": ("a", photo(9))})
    client.until(lambda visit: visit["state"] == "play")
    client.delete("/visit")
    thread.join(10)
    assert not thread.is_alive()  # the stream ends with the visit
    assert told[0][0] == "visit"
    assert told[0][1]["state"] == "camera"
    states = [data["state"] for name, data in told if name == "visit"]
    assert states[-1] == "wiped"
    assert "encoding" in states
    progress = [data for name, data in told if name == "progress"]
    assert {"person", "seconds_left", "quality", "image", "playable"} <= progress[0].keys()
    assert progress[-1]["playable"]


def test_something_to_take_home(client, server):
    (person,) = client.play(photo(10))["people"]
    client.post(f"/people/{person['id']}/controls", json={"age": 20})
    sizes = {"single": (32, 32), "strip": (600, 1800), "4x6": (1200, 1800), "paste_back": (640, 640)}
    for form, expected in sizes.items():
        take = client.post("/visit/finish", json={"person": person["id"], "form": form}).json()
        answer = client.get(own(take["download"]))
        assert size(answer) == expected
        assert b"rainedAlgorithmicMedia" in answer.content  # the mark of AI
        assert client.get(own(take["qr"])).text.startswith("<?xml")
        assert client.get(own(take["recipe"])).json()["controls"]["age"] == 20
    page = httpx.get(take["page"].replace("http://127.0.0.1:8000", server.base), trust_env=False)
    assert page.status_code == 200
    assert take["id"] in page.text
    assert len(client.get("/visit/takes").json()["takes"]) == 4
    client.post("/visit/end")
    assert client.get(own(take["download"])).status_code == 200  # a phone still has its time
    assert code(client.get("/takes/nothing")) == (404, "no_picture")


def test_invented_people(client):
    samples = client.get("/samples").json()["samples"]
    assert size(client.get(own(samples[0]["image"]))) == (512, 512)
    one, two, again = (client.get("/random", params={"seed": seed}).content for seed in (1, 2, 1))
    assert one != two
    assert one == again


def test_two_visits_that_agree(client, server):
    other = server.client()
    (mine,), (theirs,) = client.play(photo(11))["people"], other.play(photo(12))["people"]
    assert client.get(f"/people/{theirs['id']}/image").status_code == 404
    assert code(client.post("/visit/friends", json={"code": "AAAAAA"})) == (404, "no_code")
    given = other.post("/visit/friends/code").json()["code"]
    assert client.post("/visit/friends", json={"code": given.lower()}).status_code == 200
    assert code(client.post("/visit/friends", json={"code": given})) == (404, "no_code")  # it works once
    assert client.visit()["friends"][0]["id"] == theirs["id"]
    assert client.get(f"/people/{theirs['id']}/image").status_code == 200
    assert client.get(f"/people/{theirs['id']}/crop").status_code == 404  # the photo stays theirs
    assert client.post(f"/people/{theirs['id']}/controls", json={"age": 3}).status_code == 404
    assert client.post(f"/people/{mine['id']}/mix", json={"with": theirs["id"]}).json()["can_undo"]
    assert len(client.post("/children", json={"a": mine["id"], "b": theirs["id"]}).json()["children"]) == 9
    other.delete("/visit")
    left = client.visit()
    assert not left["friends"]
    assert [person["id"] for person in left["people"]] == [mine["id"]]  # the children went, too
    assert not left["people"][0]["can_undo"]  # and the mixture
    assert client.get(f"/people/{mine['id']}/image").status_code == 200


def test_the_camera_s_guide(client):
    client.post("/visits")
    frame = {"content": photo(13, 320, 256), "headers": {"Content-Type": "image/jpeg"}}
    assert code(client.post("/visit/look", **frame)) == (403, "no_consent")
    client.post("/visit/consent", json={"agreed": True})
    (face,) = client.post("/visit/look", **frame).json()["faces"]
    assert face["box"] == pytest.approx([0.26, 0.2, 0.48, 0.6])
    assert code(client.post("/visit/look", content=b"x" * 200_000)) == (413, "too_large")
    assert client.visit()["photo"] is None


def test_the_places_of_a_slider_are_drawn_ahead(client, server):
    (person,) = client.play(photo(14))["people"]
    client.until(lambda visit: not visit["people"][0]["better"])
    time.sleep(1)
    ages = [client.get(f"/people/{person['id']}/preview", params={"age": age}).content for age in (19.5, 20, 28)]
    assert ages[0] == ages[1] != ages[2]  # the nearest place
