"""A client of the REST API: find somebody in a photo, make them older, save the picture, and erase them again.

    FACELOOM_TOKEN=... python examples/api_client.py me.jpg --age 20 -o older.jpg

Needs httpx and nothing of faceloom: copy it into a program of yours.
"""

from __future__ import annotations

import argparse
import os
import time
from pathlib import Path
from typing import Any

import httpx


class Faceloom:
    """The API at an address, with its token. `with Faceloom(url, token) as api: ...`"""

    def __init__(self, url: str, token: str) -> None:
        self.http = httpx.Client(
            base_url=f"{url.rstrip('/')}/api/v1", headers={"Authorization": f"Bearer {token}"}, timeout=120
        )

    def __enter__(self) -> Faceloom:
        return self

    def __exit__(self, *_: object) -> None:
        self.http.close()

    def find(self, photo: Path) -> Any:
        """Every face of a photo, the largest first."""
        return self._ask("POST", "/find", files={"photo": photo.read_bytes()}).json()

    def encode(self, photo: Path, seconds: float = 10) -> Any:
        """Find the largest face's likeness; what is known of it, its handle first of all."""
        job = self._ask("POST", "/encode", files={"photo": photo.read_bytes()}, data={"seconds": str(seconds)}).json()
        while job["state"] == "running":
            time.sleep(0.5)
            job = self._ask("GET", f"/jobs/{job['id']}").json()
        if job["state"] != "done":
            raise RuntimeError(job["error"]["message"])
        return job["result"]

    def edit(self, likeness: str, **wishes: float) -> Any:
        """Set sliders: years, degrees, probabilities."""
        return self._ask("POST", "/edit", json={"likeness": likeness, **wishes}).json()

    def generate(self, seed: int, psi: float = 0.7) -> Any:
        """Invent somebody."""
        return self._ask("POST", "/generate", json={"seed": seed, "psi": psi}).json()

    def image(self, likeness: str, size: int = 1024) -> bytes:
        """The person as they are now: a JPEG."""
        return self._ask("GET", f"/likenesses/{likeness}/image", params={"size": size}).content

    def forget(self, likeness: str) -> None:
        """Erase the person and everything made of them, now."""
        self._ask("DELETE", f"/likenesses/{likeness}")

    def _ask(self, method: str, path: str, **more: Any) -> httpx.Response:
        """Ask; wait where the server asks for it; raise what it says."""
        answer = self.http.request(method, path, **more)
        while answer.status_code == 429:
            time.sleep(float(answer.headers.get("Retry-After", 1)))
            answer = self.http.request(method, path, **more)
        if answer.is_error:
            error = answer.json()["error"]
            raise RuntimeError(f"{error['message']}; {error['hint']}")
        return answer


def main() -> None:
    """Make somebody older or younger."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("photo", type=Path)
    parser.add_argument("-o", "--output", type=Path, default=Path("edited.jpg"))
    parser.add_argument("--url", default="http://127.0.0.1:8000")
    parser.add_argument("--age", type=float, default=20)
    parser.add_argument("--seconds", type=float, default=10)
    given = parser.parse_args()
    with Faceloom(given.url, os.environ["FACELOOM_TOKEN"]) as api:
        person = api.encode(given.photo, given.seconds)
        print("found:", person["quality"])
        try:
            print("now:", api.edit(person["likeness"], age=given.age)["traits"])
            given.output.write_bytes(api.image(person["likeness"]))
        finally:
            api.forget(person["likeness"])
    print(given.output)


if __name__ == "__main__":
    main()
