"""The repository keeps its promises: import contract, errors, version, and no torchvision."""

from __future__ import annotations

import importlib.util
import re
import subprocess
import sys
from pathlib import Path

import faceloom

ROOT = Path(__file__).parents[2]


def test_torchvision_is_not_there():
    """It does not import beside a CPU build of torch; whatever needs it is no dependency of ours."""
    assert importlib.util.find_spec("torchvision") is None


def test_the_import_contract_holds():
    program = Path(sys.executable).with_name("lint-imports")
    result = subprocess.run([program], cwd=ROOT, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stdout


def test_every_error_is_in_the_tree_that_its_docstring_draws():
    from faceloom import errors

    classes = {name for name, value in vars(errors).items() if isinstance(value, type)}
    drawn = set(re.findall(r"\w+", errors.__doc__.split("\n\n")[1]))
    assert classes == drawn


def test_the_version_is_stated_once():
    text = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    assert f'version = "{faceloom.__version__}"' in text
