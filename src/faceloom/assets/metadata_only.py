"""A PEP 517 build back end that only returns an sdist's metadata, from its PKG-INFO file.

pip needs the metadata of every sdist that it downloads, and would run the sdist's setup.py to get it. This file
replaces setuptools for pip, so that no code of the archive is run. It must not import faceloom, because pip runs a copy
of it in a separate process in the unpacked sdist's folder.
"""

from __future__ import annotations

import shutil
import sys
from pathlib import Path


def get_requires_for_build_wheel(config_settings: object = None) -> list[str]:
    """Return no requirements."""
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
"""The object that pip loads when an sdist names no back end: `setuptools.build_meta:__legacy__`."""
