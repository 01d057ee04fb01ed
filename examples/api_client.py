"""A client of the REST API: encode the person in a photo, make them older, save the picture, and delete everything.

    FACELOOM_TOKEN=... python examples/api_client.py me.jpg --age 20 -o older.jpg

Needs httpx but not faceloom, so that you can copy it into your own program.
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

    def detect(self, photo: Path) -> Any:
        """Return every face of a photo, the largest first."""
        return self._request("POST", "/detect", files={"photo": photo.read_bytes()}).json()

    def encode(self, photo: Path, seconds: float = 10) -> Any:
        """Encode the largest face of a photo and return the likeness: its id, quality and attributes.

        Raises RuntimeError with the server's message when the job fails.
        """
        files, data = {"photo": photo.read_bytes()}, {"seconds": str(seconds)}
        job = self._request("POST", "/encode", files=files, data=data).json()
        while job["state"] == "running":
            time.sleep(0.5)
            job = self._request("GET", f"/jobs/{job['id']}").json()
        if job["state"] != "done":
            raise RuntimeError(job["error"]["message"])
        return job["result"]

    def edit(self, likeness: str, **values: float) -> Any:
        """Set slider values of a likeness: years, degrees, probabilities."""
        return self._request("POST", "/edit", json={"likeness": likeness, **values}).json()

    def generate(self, seed: int, psi: float = 0.7) -> Any:
        """Generate a face from a seed and return its likeness."""
        return self._request("POST", "/generate", json={"seed": seed, "psi": psi}).json()

    def image(self, likeness: str, size: int = 1024) -> bytes:
        """Return the current picture of a likeness as a JPEG."""
        return self._request("GET", f"/likenesses/{likeness}/image", params={"size": size}).content

    def delete(self, likeness: str) -> None:
        """Delete a likeness and everything made from it."""
        self._request("DELETE", f"/likenesses/{likeness}")

    def _request(self, method: str, path: str, **options: Any) -> httpx.Response:
        """Send a request; wait and retry after status 429; raise RuntimeError with the server's error message."""
        response = self.http.request(method, path, **options)
        while response.status_code == 429:
            time.sleep(float(response.headers.get("Retry-After", 1)))
            response = self.http.request(method, path, **options)
        if response.is_error:
            error = response.json()["error"]
            raise RuntimeError(f"{error['message']}; {error['hint']}")
        return response


def main() -> None:
    """Make the person in a photo older or younger."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("photo", type=Path)
    parser.add_argument("-o", "--output", type=Path, default=Path("edited.jpg"))
    parser.add_argument("--url", default="http://127.0.0.1:8000")
    parser.add_argument("--age", type=float, default=20)
    parser.add_argument("--seconds", type=float, default=10)
    args = parser.parse_args()
    with Faceloom(args.url, os.environ["FACELOOM_TOKEN"]) as api:
        person = api.encode(args.photo, args.seconds)
        print("quality:", person["quality"])
        try:
            print("attributes:", api.edit(person["likeness"], age=args.age)["traits"])
            args.output.write_bytes(api.image(person["likeness"]))
        finally:
            api.delete(person["likeness"])
    print(args.output)


if __name__ == "__main__":
    main()
