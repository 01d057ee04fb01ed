"""The public names of the package: they resolve, are documented, and are imported when they are first used."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

import faceloom

REFERENCE = Path(__file__).parents[2] / "docs" / "reference" / "python.md"
NAMES = [name for name in faceloom.__all__ if name != "__version__"]


@pytest.mark.parametrize("name", NAMES)
def test_every_name_resolves_and_has_a_docstring(name):
    value = getattr(faceloom, name)
    doc = value.__doc__ or ""
    assert doc.strip().endswith((".", "```", ")"))
    assert not doc.startswith(f"{name}("), "a dataclass without a docstring of its own"


def test_names_and_modules_agree():
    assert set(NAMES) == set(faceloom._MODULES)
    assert set(faceloom.__all__) <= set(dir(faceloom))
    with pytest.raises(AttributeError, match="no attribute 'hat'"):
        faceloom.hat  # noqa: B018


@pytest.mark.skipif(not REFERENCE.is_file(), reason="the reference page is not there")
def test_the_reference_page_names_every_public_name():
    text = REFERENCE.read_text(encoding="utf-8")
    missing = [name for name in NAMES if not re.search(rf"\b(faceloom\.)?{name}\b", text)]
    assert not missing


def test_importing_the_package_does_not_import_torch():
    code = "import sys, faceloom; sys.exit(any(name in sys.modules for name in ('torch', 'PIL', 'numpy')))"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
