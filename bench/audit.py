"""`python -m bench.audit`: compare the installed packages with the lock, and their files with their records.

Works offline. Exits with 1 when a package of requirements.lock is missing or has another version, when a package that
faceloom needs is not in the lock, or when an installed file differs from the sha256 that its package records. An
environment that pip resolved by itself, as that of `make test`, may have other versions: install from the lock to audit
a release.
"""

from __future__ import annotations

import argparse
import base64
import hashlib
import re
import sys
from collections.abc import Iterator
from importlib.metadata import Distribution, PackageNotFoundError, distribution
from pathlib import Path

from packaging.markers import Marker

ROOT = Path(__file__).parent.parent
FROM_LOCK = (
    "The environment was not installed from the lock, or the lock is older than it: install it with "
    "`pip install --require-hashes -r requirements.lock`, or write the lock again with `make lock`."
)
_PIN = re.compile(r"^([A-Za-z0-9._-]+)==([^\s;\\]+)(?:\s*;\s*([^\\\n]+))?", re.MULTILINE)


def read_lock(text: str) -> dict[str, str]:
    """Return the locked version, on this system, of every package by its normalized name."""
    return {
        normalize(name): version
        for name, version, condition in _PIN.findall(text)
        if not condition or Marker(condition).evaluate()
    }


def normalize(name: str) -> str:
    """Return a package's name as indexes compare it (PEP 503)."""
    return re.sub(r"[-_.]+", "-", name).lower()


def differences(lock: dict[str, str], needed: set[str]) -> Iterator[str]:
    """Yield every package that is missing, has another version, or is not in the lock."""
    for name, version in sorted(lock.items()):
        try:
            installed = distribution(name).version
        except PackageNotFoundError:
            if name in needed:
                yield f"{name} {version} is not installed"
            continue
        if installed.partition("+")[0] != version.partition("+")[0]:  # +cpu names a build of the same version
            yield f"{name}: the lock has {version}, installed is {installed}"
    yield from (f"{name} is not in the lock" for name in sorted(needed - lock.keys()))


def changed_files(package: Distribution) -> Iterator[str]:
    """Yield every installed file whose sha256 is not the one that its package records, and every missing one."""
    for file in package.files or ():
        if file.hash is None or file.hash.mode != "sha256":
            continue
        path = Path(str(file.locate()))
        digest = hashlib.sha256(path.read_bytes()).digest() if path.is_file() else b""
        if base64.urlsafe_b64encode(digest).rstrip(b"=").decode() != file.hash.value:
            yield f"{package.metadata['Name']}: {file} was changed or is missing"


def needed_packages() -> set[str]:
    """Return the names of the packages that an installed faceloom requires without extras."""
    requirements = (text for text in distribution("faceloom").requires or () if "extra ==" not in text)
    return {normalize(re.split(r"[\s<>=!~;\[]", text, maxsplit=1)[0]) for text in requirements}


def main() -> int:
    """Print the differences; return 1 when there is one."""
    parser = argparse.ArgumentParser(
        prog="python -m bench.audit", description="Compare what is installed with the lock."
    )
    parser.add_argument("--lock", type=Path, default=ROOT / "requirements.lock")
    options = parser.parse_args()
    lock = read_lock(options.lock.read_text(encoding="utf-8"))
    found = list(differences(lock, needed_packages()))
    if found:
        found.append(FROM_LOCK)
    for name in lock:
        try:
            found += changed_files(distribution(name))
        except PackageNotFoundError:
            continue
    print("\n".join(found) or f"{len(lock)} packages agree with the lock, and their files with their records")
    return int(bool(found))


if __name__ == "__main__":
    sys.exit(main())
