"""Downloads from a local server: complete, resumed, refused; and sha256 remembered on first use."""

from __future__ import annotations

import http.server
import threading
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

from faceloom.assets import download as module
from faceloom.assets.download import KNOWN_DOWNLOADS, check_known, download, remember
from faceloom.assets.remote import REMOTE_MODELS, find_remote_model
from faceloom.errors import AssetError

CONTENT = bytes(range(256)) * 4000


class Server(http.server.BaseHTTPRequestHandler):
    """Serves CONTENT with support for ranges; can stop early, redirect, and change the file."""

    content, etag, stop_at, ranges = CONTENT, '"1"', None, True
    requested_ranges: list[str | None]

    def do_GET(self) -> None:
        cls: Any = type(self)
        cls.requested_ranges.append(self.headers.get("Range"))
        if self.path == "/away":
            self.send_response(302)
            self.send_header("Location", "http://example.org/x")
            self.end_headers()
            return
        if self.path == "/absent":
            self.send_error(404)
            return
        begin = 0
        if cls.ranges and self.headers.get("Range") and self.headers.get("If-Range") == cls.etag:
            begin = int(self.headers["Range"].removeprefix("bytes=").removesuffix("-"))
        self.send_response(206 if begin else 200)
        if begin:
            self.send_header("Content-Range", f"bytes {begin}-{len(cls.content) - 1}/{len(cls.content)}")
        self.send_header("Content-Length", str(len(cls.content) - begin))
        self.send_header("ETag", cls.etag)
        self.end_headers()
        self.wfile.write(cls.content[begin : cls.stop_at])

    def log_message(self, *_: Any) -> None:
        pass


@pytest.fixture
def server() -> Iterator[Any]:
    """Yield the handler class, whose attributes control the server, with its address as `url`."""
    handler = type("Handler", (Server,), {"requested_ranges": []})
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as http_server:
        thread = threading.Thread(target=http_server.serve_forever, daemon=True)
        thread.start()
        handler.url = f"http://127.0.0.1:{http_server.server_address[1]}"  # type: ignore[attr-defined]
        yield handler
        http_server.shutdown()
        thread.join()


def test_complete_download(server: Any, tmp_path: Path) -> None:
    steps: list[tuple[int, int]] = []
    digest = download(f"{server.url}/x.pkl", tmp_path / "x.pkl", lambda got, total: steps.append((got, total)))
    assert digest == sha256(CONTENT).hexdigest()
    assert (tmp_path / "x.pkl").read_bytes() == CONTENT
    assert steps[-1] == (len(CONTENT), len(CONTENT))
    assert [path.name for path in tmp_path.iterdir()] == ["x.pkl"]


def test_stopped_download_is_resumed(server: Any, tmp_path: Path) -> None:
    server.stop_at = 300_000
    with pytest.raises(AssetError, match=r"stopped.*run it again to continue"):
        download(f"{server.url}/x", tmp_path / "x")
    assert not (tmp_path / "x").exists()
    server.stop_at = None
    assert download(f"{server.url}/x", tmp_path / "x") == sha256(CONTENT).hexdigest()
    assert server.requested_ranges == [None, "bytes=300000-"]


@pytest.mark.parametrize("change", [{"etag": '"2"', "content": CONTENT[::-1]}, {"ranges": False}])
def test_changed_file_is_downloaded_from_the_start(server: Any, tmp_path: Path, change: dict[str, Any]) -> None:
    server.stop_at = 300_000
    with pytest.raises(AssetError):
        download(f"{server.url}/x", tmp_path / "x")
    server.stop_at = None
    for name, value in change.items():
        setattr(server, name, value)
    assert download(f"{server.url}/x", tmp_path / "x") == sha256(server.content).hexdigest()


@pytest.mark.parametrize("url", ["http://example.org/x", "file:///etc/passwd", "ftp://127.0.0.1/x", "x", "https://"])
def test_https_is_required_except_locally(url: str, tmp_path: Path) -> None:
    with pytest.raises(AssetError, match="not an https address"):
        download(url, tmp_path / "x")


def test_failed_requests(server: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(AssetError, match="not an https address"):
        download(f"{server.url}/away", tmp_path / "x")
    with pytest.raises(AssetError, match="answers 404"):
        download(f"{server.url}/absent", tmp_path / "x")
    monkeypatch.setattr(module, "MAX_BYTES", 1000)
    with pytest.raises(AssetError, match="larger than"):
        download(f"{server.url}/x", tmp_path / "x")


def test_first_sha256_is_remembered(tmp_path: Path) -> None:
    assert not check_known("a", "1" * 64, None, tmp_path)
    remember("a", "1" * 64, tmp_path)
    remember("b", "2" * 64, tmp_path)
    assert check_known("a", "1" * 64, None, tmp_path)
    with pytest.raises(AssetError, match="differs from the known file"):
        check_known("a", "3" * 64, None, tmp_path)
    with pytest.raises(AssetError, match="expected sha256 4"):
        check_known("c", "3" * 64, "4" * 64, tmp_path)
    (tmp_path / KNOWN_DOWNLOADS).write_text("{")
    with pytest.raises(AssetError, match="is damaged"):
        check_known("a", "1" * 64, None, tmp_path)


def test_published_generators_state_their_terms() -> None:
    for name, remote in REMOTE_MODELS.items():
        assert remote.url.startswith("https://")
        assert remote.url.endswith(f"/{name}.pkl")
        assert "non-commercial" in remote.license
        assert "CC BY-NC" in remote.terms
    assert find_remote_model("stylegan3-r-afhqv2-512x512").title == "StyleGAN3-R, AFHQ v2, animals' faces, 512x512"
    with pytest.raises(AssetError, match="models list --all"):
        find_remote_model("stylegan9")
