"""Getting a file from an https address: resumed where it stopped, bounded, and named by what its bytes hash to.

Knows addresses and folders, not what a file means. Plain http is for this very machine only.
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
from faceloom.files import replacing

LARGEST = 2 << 30
"""Bytes that no checkpoint has."""

TIMEOUT = 30.0
"""Seconds without a byte."""

KNOWN = "known-downloads.json"
_CHUNK = 1 << 20

Report = Callable[[int, int], None]
"""Called with the bytes that have arrived and the bytes of the whole."""


def download(url: str, target: Path, report: Report = lambda got, total: None) -> str:
    """Bring the file at `url` to `target` and give its sha256.

    What an earlier attempt brought, in `target` with '.part' at its end, is kept and continued, if the server still
    has the same file. Raises AssetError for an address without https, an answer that is none, or more than LARGEST.
    """
    _check_address(url)
    part = target.with_name(f"{target.name}.part")
    target.parent.mkdir(parents=True, exist_ok=True)
    try:
        _continue(url, part, report)
    except urllib.error.HTTPError as error:
        raise AssetError(f"{_host(url)} answers {error.code} {error.reason}", "is the file still there?") from error
    except (OSError, HTTPException) as error:
        reason = getattr(error, "reason", error)
        raise AssetError(f"the download from {_host(url)} stopped: {reason}", "run it again to continue") from error
    part.replace(target)
    _mark(part).unlink(missing_ok=True)
    with target.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def check_known(name: str, sha256: str, pinned: str | None, folder: Path) -> bool:
    """Hold a download's sha256 against the pinned one, else against the one remembered in `folder`.

    Gives whether it was known at all; one that was not is not remembered yet. Raises AssetError when it is another.
    """
    expected = pinned or _known(folder).get(name)
    if expected and expected != sha256:
        raise AssetError(
            f"{name} is another file than before: expected sha256 {expected}, got {sha256}",
            f"if its makers say that they changed it, delete its line from {folder / KNOWN}",
        )
    return expected is not None


def remember(name: str, sha256: str, folder: Path) -> None:
    """Keep the sha256 of a first download."""
    with replacing(folder / KNOWN) as draft:
        draft.write_text(json.dumps(_known(folder) | {name: sha256}, indent=2) + "\n", encoding="utf-8")


def _known(folder: Path) -> dict[str, str]:
    try:
        known = json.loads((folder / KNOWN).read_bytes())
    except FileNotFoundError:
        return {}
    except (OSError, ValueError) as error:
        raise AssetError(f"{folder / KNOWN} is damaged", "repair or delete it") from error
    return {str(name): str(sha256) for name, sha256 in known.items()} if isinstance(known, dict) else {}


def _check_address(url: str) -> None:
    parts = urllib.parse.urlsplit(url)
    is_local = parts.scheme == "http" and parts.hostname in ("127.0.0.1", "::1", "localhost")
    if (parts.scheme != "https" and not is_local) or not parts.hostname:
        raise AssetError(f"{parts.scheme or 'nothing'}://{parts.hostname or ''} is no https address", "use https")


class _HttpsOnly(urllib.request.HTTPRedirectHandler):
    def redirect_request(
        self, req: urllib.request.Request, fp: IO[bytes], code: int, msg: str, headers: Any, newurl: str
    ) -> urllib.request.Request | None:
        _check_address(newurl)
        return super().redirect_request(req, fp, code, msg, headers, newurl)


def _continue(url: str, part: Path, report: Report) -> None:
    """Append what is missing to `part`, or begin anew when the server has another file or cannot continue."""
    request = urllib.request.Request(url, headers={"User-Agent": "faceloom"})
    mark, before = _mark(part), part.stat().st_size if part.exists() else 0
    if before and mark.exists():
        request.add_header("Range", f"bytes={before}-")
        request.add_header("If-Range", mark.read_text(encoding="utf-8"))
    opener = urllib.request.build_opener(_HttpsOnly)
    response: HTTPResponse
    with opener.open(request, timeout=TIMEOUT) as response:
        continued = response.status == 206 and _begins_at(response.headers) == before
        if response.status == 206 and not continued:
            raise AssetError(f"{_host(url)} sends another part than was asked for", f"delete {part} and try again")
        before = before if continued else 0
        total = before + int(response.headers.get("Content-Length") or 0)
        _check_size(total, part.parent)
        if validator := response.headers.get("ETag"):
            mark.write_text(validator, encoding="utf-8")
        else:
            mark.unlink(missing_ok=True)
        with part.open("ab" if continued else "wb") as file:
            _copy(response, file, before, total, report)


def _copy(response: HTTPResponse, file: IO[bytes], arrived: int, total: int, report: Report) -> None:
    report(arrived, total)
    while chunk := response.read(_CHUNK):
        arrived += len(chunk)
        if arrived > LARGEST:
            raise AssetError(f"it is larger than {LARGEST >> 30} GB", "no checkpoint is")
        file.write(chunk)
        report(arrived, max(total, arrived))
    if arrived < total:
        raise OSError(f"after {arrived} of {total} bytes")


def _check_size(total: int, folder: Path) -> None:
    if total > LARGEST:
        raise AssetError(f"it is larger than {LARGEST >> 30} GB", "no checkpoint is")
    if shutil.disk_usage(folder).free < 3 * total:
        raise AssetError(f"the disk has no room for {3 * total >> 20} MB in {folder}", "make room or set FACELOOM_HOME")


def _begins_at(headers: Message) -> int:
    text = headers.get("Content-Range", "")
    begin = text.removeprefix("bytes ").partition("-")[0]
    return int(begin) if begin.isdecimal() else -1


def _mark(part: Path) -> Path:
    """Beside a part: which version of the file it is a part of, as the server names it."""
    return part.with_name(f"{part.name}.etag")


def _host(url: str) -> str:
    return urllib.parse.urlsplit(url).hostname or "nowhere"
