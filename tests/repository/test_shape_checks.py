"""The shape annotations are checked when pytest gets `--jaxtyping-packages=faceloom,beartype.beartype`."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
OPTION = "--jaxtyping-packages=faceloom,beartype.beartype"
PROGRAM = """
import pytest
import torch

from faceloom.latents import broadcast, truncate


def test_a_right_shape():
    w_plus = broadcast(torch.zeros(2, 16), 8)
    assert truncate(w_plus, torch.zeros(16), psi=1).shape == (2, 8, 16)  # an int for a float


def test_a_wrong_shape():
    truncate(torch.zeros(2, 16), torch.zeros(16), psi=1.0)


@pytest.mark.wrong_types
def test_a_wrong_shape_on_purpose():
    truncate(torch.zeros(2, 16), torch.zeros(16), psi=1.0)
"""


def test_a_wrong_shape_is_caught(tmp_path: Path) -> None:
    (tmp_path / "test_shapes.py").write_text(PROGRAM)
    (tmp_path / "conftest.py").write_bytes((ROOT / "tests" / "conftest.py").read_bytes())
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-c", str(ROOT / "pyproject.toml")]
    result = subprocess.run(
        [*command, "--rootdir", str(tmp_path), OPTION, str(tmp_path)], capture_output=True, text=True, check=False
    )
    assert "1 failed, 1 passed, 1 skipped" in result.stdout, result.stdout + result.stderr
    assert "TypeCheckError" in result.stdout
    assert "w_plus" in result.stdout


def test_the_package_does_not_need_the_checker() -> None:
    program = "import sys; sys.modules['beartype'] = None; import faceloom; faceloom.Studio, faceloom.open_photo"
    subprocess.run([sys.executable, "-c", program], check=True)
