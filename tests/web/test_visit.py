"""The visit from its start to its end, over HTTP, on a tiny generator."""

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
    """Return width and height of a picture."""
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


def test_from_the_start_to_playing(client):
    visit = client.play(photo(1))
    (person,) = visit["people"]
    assert person["playable"]
    assert person["quality"]["word"] == "good"
    assert {slider["name"] for slider in person["sliders"]} >= {"age", "smile"}
    assert person["controls"]["age"] == 0
    assert size(client.get(own(person["image"]))) == (1024, 1024)
    assert size(client.get(own(person["crop"]))) == (512, 512)
    assert size(client.get(own(visit["photo"]))) == (640, 640)


def test_a_repeated_request_changes_nothing(client):
    client.post("/visits")
    for _ in range(2):
        assert client.post("/visit/consent", json={"agreed": True}).json()["state"] == "camera"
    assert client.post("/visit/photo", files={"photo": ("a", photo(2, 960))}).json()["state"] == "who"
    for _ in range(2):
        assert client.post("/visit/faces", json={"chosen": [1]}).json()["state"] in ("encoding", "play")
    assert len(client.until(lambda visit: visit["state"] == "play")["people"]) == 1
    assert code(client.post("/visit/photo", files={"photo": ("a", photo(3))})) == (409, "wrong_state")


def test_photos_without_a_face_and_other_files_are_refused(client):
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


def test_edits_history_and_kept_steps(client):
    (person,) = client.play(photo(5))["people"]
    name = person["id"]
    before = client.get(own(person["image"])).content
    changed = client.post(f"/people/{name}/edit", json={"age": 12}).json()
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


def test_a_style_is_a_step_that_edits_keep(client):
    assert client.get("/booth").json()["styles"] == ["comic"]
    (person,) = client.play(photo(1))["people"]
    plain = client.get(own(person["image"])).content
    name = f"/people/{person['id']}"
    styled = client.post(f"{name}/style", json={"style": "comic"}).json()
    assert styled["style"] == "comic"
    assert styled["quality"]["word"] is None
    assert client.get(own(styled["image"])).content != plain
    preview = client.get(f"{name}/preview", params={"age": 10}).content
    edited = client.post(f"{name}/edit", json={"age": 10}).json()
    assert edited["style"] == "comic"
    assert edited["traits"]["age"] == pytest.approx(person["traits"]["age"] + 10, abs=1)
    photo_again = client.post(f"{name}/style", json={"style": ""}).json()
    assert photo_again["controls"] == edited["controls"]
    assert client.get(f"{name}/preview", params={"age": 10}).content != preview
    assert client.post(f"{name}/undo").json()["style"] == "comic"
    assert code(client.post(f"{name}/style", json={"style": "marble"})) == (404, "no_style")


def test_an_edit_stops_at_its_bounds_and_says_so(client):
    (person,) = client.play(photo(5))["people"]
    name = person["id"]
    assert person["outcome"] == {"reached": {}, "limited_by": [], "kept": True}
    within = client.post(f"/people/{name}/edit", json={"age": 12}).json()["outcome"]
    assert within == {"reached": {"age": pytest.approx(12, abs=1)}, "limited_by": [], "kept": True}
    limited = client.post(f"/people/{name}/edit", json={"age": 40}).json()
    assert limited["outcome"]["limited_by"] == ["skin_tone"]
    assert not limited["outcome"]["kept"]
    assert 12 < limited["outcome"]["reached"]["age"] < 38
    assert limited["controls"]["age"] == 40
    assert client.post(f"/people/{name}/edit", json={"age": 40, "force": True}).status_code == 422
    assert client.post(f"/people/{name}/undo").json()["outcome"] == within
    assert client.visit()["people"][0]["outcome"] == within


def test_previews_are_fast_and_agree_with_the_edit(client):
    (person,) = client.play(photo(6))["people"]
    name = person["id"]
    durations = []
    for n in range(1, 21):
        begin = time.perf_counter()
        answer = client.get(f"/people/{name}/preview", params={"age": n, "n": n})
        durations.append(time.perf_counter() - begin)
        assert answer.status_code == 200
    assert sorted(durations)[10] < 0.3
    assert code(client.get(f"/people/{name}/preview", params={"age": 1, "n": 3})) == (409, "stale")
    client.post(f"/people/{name}/edit", json={"age": 12})
    at_rest = client.get(f"/people/{name}/preview", params={"n": 21, "size": 512}).content
    exact = client.get(f"/people/{name}/image", params={"size": 512}).content
    one, two = (Image.open(io.BytesIO(data)).convert("RGB") for data in (at_rest, exact))
    assert max(abs(a - b) for a, b in zip(one.tobytes(), two.tobytes(), strict=True)) < 40  # two JPEG qualities


@pytest.mark.parametrize(
    "query", [{"age": "nan"}, {"age": "1e308"}, {"wings": "1"}, {"smile": "-1"}, {"smile": "x"}, {"size": "99999"}]
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
    folder = server.booth.store.folder_of(visit["id"])
    assert not list(folder.glob("*"))
    client.post("/visit/photo", files={"photo": ("a", photo(8))})
    client.until(lambda visit: visit["state"] == "play")
    for screen in ("friend", "finish"):
        assert client.post("/visit/go", json={"state": screen}).json()["state"] == screen
    assert client.post("/visit/back").json()["state"] == "play"
    assert client.post("/visit/back").json()["state"] == "camera"
    assert not list(folder.glob("*"))


def test_the_stream_sends_what_happens(client, server):
    client.post("/visits")
    client.post("/visit/consent", json={"agreed": True})
    events: list[tuple[str, dict]] = []
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
                    events.append((name, json.loads(line[6:])))
                    listening.set()

    thread = threading.Thread(target=listen)
    thread.start()
    assert listening.wait(10)
    client.post("/visit/photo", files={"photo": ("a", photo(9))})
    client.until(lambda visit: visit["state"] == "play")
    client.delete("/visit")
    thread.join(10)
    assert not thread.is_alive()  # the stream ends with the visit
    assert events[0][0] == "visit"
    assert events[0][1]["state"] == "camera"
    states = [data["state"] for name, data in events if name == "visit"]
    assert states[-1] == "wiped"
    assert "encoding" in states
    progress = [data for name, data in events if name == "progress"]
    assert {"person", "seconds_left", "quality", "image", "playable"} <= progress[0].keys()
    assert progress[-1]["playable"]


def test_downloads(client, server):
    (person,) = client.play(photo(10))["people"]
    client.post(f"/people/{person['id']}/edit", json={"age": 20})
    sizes = {"single": (32, 32), "strip": (600, 1800), "4x6": (1200, 1800), "paste_back": (640, 640)}
    for form, expected in sizes.items():
        download = client.post("/visit/finish", json={"person": person["id"], "form": form}).json()
        answer = client.get(own(download["download"]))
        assert size(answer) == expected
        assert b"rainedAlgorithmicMedia" in answer.content  # the metadata says that AI made it
        assert client.get(own(download["qr"])).text.startswith("<?xml")
        assert client.get(own(download["recipe"])).json()["controls"]["age"] == 20
    page = httpx.get(download["page"].replace("http://127.0.0.1:8000", server.base), trust_env=False)
    assert page.status_code == 200
    assert download["id"] in page.text
    assert len(client.get("/visit/downloads").json()["takes"]) == 4
    client.post("/visit/end")
    assert client.get(own(download["download"])).status_code == 200  # downloads outlive the visit
    assert code(client.get("/downloads/nothing")) == (404, "no_picture")


def test_generated_faces(client):
    samples = client.get("/samples").json()["samples"]
    assert size(client.get(own(samples[0]["image"]))) == (512, 512)
    one, two, again = (client.get("/random", params={"seed": seed}).content for seed in (1, 2, 1))
    assert one != two
    assert one == again


def test_two_visits_join(client, server):
    other = server.client()
    (mine,), (theirs,) = client.play(photo(11))["people"], other.play(photo(12))["people"]
    assert client.get(f"/people/{theirs['id']}/image").status_code == 404
    assert code(client.post("/visit/friends", json={"code": "AAAAAA"})) == (404, "no_code")
    friend_code = other.post("/visit/friends/code").json()["code"]
    assert client.post("/visit/friends", json={"code": friend_code.lower()}).status_code == 200
    assert code(client.post("/visit/friends", json={"code": friend_code})) == (404, "no_code")  # a code is valid once
    assert client.visit()["friends"][0]["id"] == theirs["id"]
    assert client.get(f"/people/{theirs['id']}/image").status_code == 200
    assert client.get(f"/people/{theirs['id']}/crop").status_code == 404  # photos are not shared
    assert client.post(f"/people/{theirs['id']}/edit", json={"age": 3}).status_code == 404
    assert client.post(f"/people/{mine['id']}/mix", json={"with": theirs["id"]}).json()["can_undo"]
    assert len(client.post("/children", json={"a": mine["id"], "b": theirs["id"]}).json()["children"]) == 9
    other.delete("/visit")
    left = client.visit()
    assert not left["friends"]
    assert [person["id"] for person in left["people"]] == [mine["id"]]  # the children were erased, too
    assert not left["people"][0]["can_undo"]  # and the mix
    assert client.get(f"/people/{mine['id']}/image").status_code == 200


def test_faces_in_a_camera_frame(client):
    client.post("/visits")
    frame = {"content": photo(13, 320, 256), "headers": {"Content-Type": "image/jpeg"}}
    assert code(client.post("/visit/detect", **frame)) == (403, "no_consent")
    client.post("/visit/consent", json={"agreed": True})
    (face,) = client.post("/visit/detect", **frame).json()["faces"]
    assert face["box"] == pytest.approx([0.26, 0.2, 0.48, 0.6])
    assert code(client.post("/visit/detect", content=b"x" * 200_000)) == (413, "too_large")
    assert client.visit()["photo"] is None


def test_previews_snap_to_positions_that_are_drawn_in_advance(client, server):
    (person,) = client.play(photo(14))["people"]
    client.until(lambda visit: not visit["people"][0]["better"])
    time.sleep(1)
    ages = [client.get(f"/people/{person['id']}/preview", params={"age": age}).content for age in (19.5, 20, 28)]
    assert ages[0] == ages[1] != ages[2]  # the nearest position


def test_the_end_of_each_friend_erases_what_is_theirs(client, server):
    (mine,) = client.play(photo(15))["people"]
    friends = [server.client(), server.client()]
    for seed, friend in enumerate(friends, start=16):
        (theirs,) = friend.play(photo(seed))["people"]
        friend_code = friend.post("/visit/friends/code").json()["code"]
        client.post("/visit/friends", json={"code": friend_code}).raise_for_status()
        client.post(f"/people/{mine['id']}/mix", json={"with": theirs["id"]}).raise_for_status()
        client.post(f"/people/{mine['id']}/undo").raise_for_status()
    folder = server.booth.store.folder_of(client.visit()["id"])
    assert [(folder / f"{mine['id']}.{base}.likeness").is_file() for base in (1, 2)] == [True, True]
    friends[0].delete("/visit")
    assert [(folder / f"{mine['id']}.{base}.likeness").is_file() for base in (1, 2)] == [False, True]
    friends[1].delete("/visit")
    assert [(folder / f"{mine['id']}.{base}.likeness").is_file() for base in (1, 2)] == [False, False]


def test_the_ends_of_the_age_slider_are_what_the_face_reaches(client):
    (person,) = client.play(photo(18))["people"]
    name = person["id"]
    (before,) = [slider for slider in person["sliders"] if slider["name"] == "age"]
    assert before["min"] + person["traits"]["age"] >= 5
    assert before["max"] + person["traits"]["age"] <= 90
    limited = client.post(f"/people/{name}/edit", json={"age": 40}).json()
    assert not limited["outcome"]["kept"]
    (after,) = [slider for slider in limited["sliders"] if slider["name"] == "age"]
    assert after["max"] <= min(limited["outcome"]["reached"]["age"] + 1, before["max"])
    expected = person["traits"]["age"] + limited["outcome"]["reached"]["age"]
    assert limited["traits"]["age"] == pytest.approx(expected, abs=0.01)


def test_how_much_a_likeness_looks_like_the_photo_is_hidden_after_an_edit(client):
    (person,) = client.play(photo(19))["people"]
    name = person["id"]
    assert person["quality"]["word"] == "good"
    edited = client.post(f"/people/{name}/edit", json={"age": 12}).json()
    assert edited["quality"] == {"lpips": None, "mse": None, "identity": None, "word": None}
    assert client.post(f"/people/{name}/undo").json()["quality"]["word"]
    assert client.post(f"/people/{name}/mix", json={"with": "seed:3"}).json()["quality"]["word"] is None
