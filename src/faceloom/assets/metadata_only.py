"""A PEP 517 build back end that knows one thing: an sdist's metadata stands in its PKG-INFO.

pip wants metadata of every sdist that it downloads, and gets it by running the sdist's own setup.py. faceloom needs
data out of the archive and no code, so pip is given this file in setuptools' place: nothing of the archive is run. It
must import nothing of faceloom, because pip runs a copy of it in a process of its own, in the unpacked sdist's folder.
"""

from __future__ import annotations

import shutil
import sys
from pathlib import Path


def get_requires_for_build_wheel(config_settings: object = None) -> list[str]:
    """Need nothing to be installed first."""
    return []


def prepare_metadata_for_build_wheel(metadata_directory: str, config_settings: object = None) -> str:
    """Copy PKG-INFO into a dist-info folder and return that folder's name (PEP 517)."""
    lines = Path("PKG-INFO").read_text(encoding="utf-8").splitlines()
    fields = dict(line.split(": ", 1) for line in lines if line.startswith(("Name: ", "Version: ")))
    folder = Path(metadata_directory, f"{fields['Name'].replace('-', '_')}-{fields['Version']}.dist-info")
    folder.mkdir()
    shutil.copyfile("PKG-INFO", folder / "METADATA")
    return folder.name


__legacy__ = sys.modules[__name__]
"""What pip asks for when an sdist names no back end: `setuptools.build_meta:__legacy__`."""
