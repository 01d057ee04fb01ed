"""Resumable, bounded downloads over https, and memory of the sha256 of first downloads.

Plain http is allowed for the local machine only.
"""

from __future__ import annotations

import hashlib
import json
import shutil
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable
from email.message import Message
from http.client import HTTPException, HTTPResponse
from pathlib import Path
from typing import IO, Any

from faceloom.errors import AssetError
from faceloom.files import atomic_write, read_regular

MAX_BYTES = 2 << 30
"""Maximum size of a download in bytes; checkpoints are smaller."""

TIMEOUT = 30.0
"""Seconds without data after which a download stops."""

KNOWN_DOWNLOADS = "known-downloads.json"

MAX_CARD_BYTES = 1 << 20
"""Maximum size of that file in bytes."""

_CHUNK = 1 << 20

ProgressCallback = Callable[[int, int], None]
"""Called with the number of bytes received and the total."""


def download(url: str, target: Path, progress: ProgressCallback = lambda received, total: None) -> str:
    """Download the file at `url` to `target` and return its sha256.

    A partial file of an earlier attempt, `target` with the suffix '.part', is continued if the server still has the
    same file. Raises AssetError for an address without https, a failed request, or a file larger than MAX_BYTES.
    """
    _check_address(url)
    part = target.with_name(f"{target.name}.part")
    target.parent.mkdir(parents=True, exist_ok=True)
    try:
        _fetch_rest(url, part, progress)
    except urllib.error.HTTPError as error:
        raise AssetError(
            f"{_host(url)} answers {error.code} {error.reason}", "check that the file still exists"
        ) from error
    except (OSError, HTTPException) as error:
        reason = getattr(error, "reason", error)
        raise AssetError(f"the download from {_host(url)} stopped: {reason}", "run it again to continue") from error
    part.replace(target)
    _etag_path(part).unlink(missing_ok=True)
    with target.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def check_known(name: str, sha256: str, pinned: str | None, folder: Path) -> bool:
    """Compare a download's sha256 with the pinned one, else with the one remembered in `folder`.

    Returns whether there was one to compare with; does not remember a new one. Raises AssetError when they differ.
    """
    expected = pinned or _read_known(folder).get(name)
    if expected and expected != sha256:
        raise AssetError(
            f"{name} differs from the known file: expected sha256 {expected}, got {sha256}",
            f"if its publisher changed it, delete its line from {folder / KNOWN_DOWNLOADS}",
        )
    return expected is not None


def remember(name: str, sha256: str, folder: Path) -> None:
    """Remember the sha256 of a first download in `folder`."""
    with atomic_write(folder / KNOWN_DOWNLOADS) as draft:
        draft.write_text(json.dumps(_read_known(folder) | {name: sha256}, indent=2) + "\n", encoding="utf-8")


def _read_known(folder: Path) -> dict[str, str]:
    try:
        known = json.loads(read_regular(folder / KNOWN_DOWNLOADS, MAX_CARD_BYTES))
    except FileNotFoundError:
        return {}
    except (OSError, ValueError, RecursionError) as error:
        raise AssetError(f"{folder / KNOWN_DOWNLOADS} is damaged", "repair or delete it") from error
    return {str(name): str(sha256) for name, sha256 in known.items()} if isinstance(known, dict) else {}


def _check_address(url: str) -> None:
    parts = urllib.parse.urlsplit(url)
    is_local = parts.scheme == "http" and parts.hostname in ("127.0.0.1", "::1", "localhost")
    if (parts.scheme != "https" and not is_local) or not parts.hostname:
        raise AssetError(f"{parts.scheme or 'nothing'}://{parts.hostname or ''} is not an https address", "use https")


class _HttpsOnly(urllib.request.HTTPRedirectHandler):
    """Refuses redirects to addresses without https."""

    def redirect_request(
        self, req: urllib.request.Request, fp: IO[bytes] | HTTPResponse, code: int, msg: str, headers: Any, newurl: str
    ) -> urllib.request.Request | None:
        _check_address(newurl)
        return super().redirect_request(req, fp, code, msg, headers, newurl)


def _fetch_rest(url: str, part: Path, progress: ProgressCallback) -> None:
    """Append the missing bytes to `part`, or start over when the server has another file or cannot resume."""
    request = urllib.request.Request(url, headers={"User-Agent": "faceloom"})
    etag_file, offset = _etag_path(part), part.stat().st_size if part.exists() else 0
    if offset and etag_file.exists():
        request.add_header("Range", f"bytes={offset}-")
        request.add_header("If-Range", etag_file.read_text(encoding="utf-8"))
    opener = urllib.request.build_opener(_HttpsOnly)
    response: HTTPResponse
    with opener.open(request, timeout=TIMEOUT) as response:
        is_resumed = response.status == 206 and _range_start(response.headers) == offset
        if response.status == 206 and not is_resumed:
            raise AssetError(f"{_host(url)} sent another range than requested", f"delete {part} and try again")
        offset = offset if is_resumed else 0
        total = offset + int(response.headers.get("Content-Length") or 0)
        _check_size(total, part.parent)
        if etag := response.headers.get("ETag"):
            etag_file.write_text(etag, encoding="utf-8")
        else:
            etag_file.unlink(missing_ok=True)
        with part.open("ab" if is_resumed else "wb") as file:
            _copy(response, file, offset, total, progress)


def _copy(response: HTTPResponse, file: IO[bytes], received: int, total: int, progress: ProgressCallback) -> None:
    progress(received, total)
    while chunk := response.read(_CHUNK):
        received += len(chunk)
        if received > MAX_BYTES:
            raise AssetError(f"the file is larger than {MAX_BYTES >> 30} GB", "check the address")
        file.write(chunk)
        progress(received, max(total, received))
    if received < total:
        raise OSError(f"after {received} of {total} bytes")


def _check_size(total: int, folder: Path) -> None:
    if total > MAX_BYTES:
        raise AssetError(f"the file is larger than {MAX_BYTES >> 30} GB", "check the address")
    if shutil.disk_usage(folder).free < 3 * total:
        raise AssetError(
            f"the disk has less than {3 * total >> 20} MB free in {folder}", "free space or set FACELOOM_HOME"
        )


def _range_start(headers: Message) -> int:
    text = headers.get("Content-Range", "")
    start = text.removeprefix("bytes ").partition("-")[0]
    return int(start) if start.isdecimal() else -1


def _etag_path(part: Path) -> Path:
    """Return the path of the file that holds the server's ETag of a partial download."""
    return part.with_name(f"{part.name}.etag")


def _host(url: str) -> str:
    return urllib.parse.urlsplit(url).hostname or "nowhere"
