"""A client that takes part in the booth as a visitor's browser does, for the load test."""

from __future__ import annotations

import io
import time
from typing import Any

import httpx
from PIL import Image

API = "/api/v1"
HEADERS = {"X-Faceloom": "1"}  # every request of the page carries it


class Visitor:
    """A client that behaves like the booth's page in a browser."""

    def __init__(self, url: str) -> None:
        self.http = httpx.Client(base_url=url, headers=HEADERS, timeout=120, trust_env=False)
        self.id = self.person = ""
        self.mirror_frames = 0  # sent so far

    def __enter__(self) -> Visitor:
        return self

    def __exit__(self, *_: object) -> None:
        self.http.close()

    def request(self, method: str, path: str, **more: Any) -> Any:
        """Send a request; return JSON, or the bytes of a picture. Retries after status 429; raises on other errors."""
        answer = self.http.request(method, API + path, **more)
        while answer.status_code == 429:
            time.sleep(float(answer.headers.get("retry-after", 1)))
            answer = self.http.request(method, API + path, **more)
        answer.raise_for_status()
        if answer.status_code == 204:
            return None
        return answer.json() if "json" in answer.headers["content-type"] else answer.content

    def start_visit(self, photo: bytes) -> None:
        """Start a visit, consent, send a photo and choose the first face."""
        self.id = self.request("POST", "/visits")["id"]
        self.request("POST", "/visit/consent", json={"agreed": True})
        visit = self.request("POST", "/visit/photo", files={"photo": ("photo.jpg", photo, "image/jpeg")})
        if not visit["people"]:
            visit = self.request("POST", "/visit/faces", json={"chosen": [0]})
        self.person = visit["people"][0]["id"]

    def wait_until_playable(self, seconds: float = 180) -> Any:
        """Wait until the likeness can be edited. Raises TimeoutError, and RuntimeError with the server's message."""
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            visit = self.request("GET", "/visit")
            me = next(person for person in visit["people"] if person["id"] == self.person)
            if me["playable"]:
                return me
            if me["error"]:
                raise RuntimeError(me["error"]["message"])
            time.sleep(0.05)
        raise TimeoutError("the likeness was not ready in time")

    def slide(self, n: int, **values: float) -> float:
        """Move a slider once; return the seconds until the new picture has arrived."""
        start = time.perf_counter()
        self.request("GET", f"/people/{self.person}/preview", params={**values, "n": n})
        return time.perf_counter() - start

    def sweep(self, count: int, first: int = 1) -> list[float]:
        """Move the age slider back and forth; return the seconds of each preview."""
        ages = [-30 + 60 * abs((i % 24) / 12 - 1) for i in range(count)]
        return [self.slide(first + i, age=age) for i, age in enumerate(ages)]

    def use_mirror(self, photo: bytes, frames: int) -> list[float]:
        """Send a photo to the live mirror as each of some frames, first as now, then older.

        Returns the seconds of each answer. As on the page, an answer is the picture of the frame before.
        """
        with Image.open(io.BytesIO(photo)) as image:
            image.thumbnail((320, 320))
            buffer = io.BytesIO()
            image.convert("RGB").save(buffer, "JPEG", quality=80)
        path, headers = f"/people/{self.person}/live", {"Content-Type": "image/jpeg"}
        seconds = []
        for number in range(frames):
            self.mirror_frames += 1
            look = {"years": 20 if number >= frames // 2 else 0, "ahead": 1, "n": self.mirror_frames}
            start = time.perf_counter()
            self.request("POST", path, params=look, content=buffer.getvalue(), headers=headers)
            seconds.append(time.perf_counter() - start)
        return seconds

    def make_film(self) -> None:
        """Make a film and wait until it can be taken home. Raises RuntimeError with the server's message."""
        self.request("POST", f"/people/{self.person}/edit", json={"age": 10})
        job = self.request("POST", "/visit/finish", json={"person": self.person, "form": "film"})
        while job["state"] == "running":
            time.sleep(0.1)
            job = self.request("GET", f"/jobs/{job['id']}")
        if job["error"]:
            raise RuntimeError(job["error"]["message"])

    def print(self, form: str) -> None:
        """Make a picture in a form and print it."""
        made = self.request("POST", "/visit/finish", json={"person": self.person, "form": form})
        self.request("POST", f"/downloads/{made['id']}/print")

    def edit_and_leave(self) -> None:
        """Set sliders, undo, save a picture, and delete everything."""
        self.request("POST", f"/people/{self.person}/edit", json={"age": 12})
        self.request("POST", f"/people/{self.person}/undo")
        self.request("POST", "/visit/finish", json={"person": self.person, "form": "single"})
        self.request("DELETE", "/visit")
