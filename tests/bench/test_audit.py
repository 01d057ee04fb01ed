"""The audit finds packages that differ from the lock, and files that were changed after they were installed."""

from __future__ import annotations

from importlib.metadata import Distribution, distribution
from pathlib import Path

import pytest

from bench import audit
from bench.audit import ROOT, changed_files, differences, needed_packages, read_lock

LOCK = """# a comment
numpy==0.1 \\
    --hash=sha256:00
Typing_Extensions==4.1 ; python_version >= "3.0" \\
    --hash=sha256:11
typing-extensions==3.0 ; python_version < "3.0" \\
    --hash=sha256:11
not-there==1.0 \\
    --hash=sha256:22
"""


def test_a_lock_is_read_and_compared():
    lock = read_lock(LOCK)
    assert lock == {"numpy": "0.1", "typing-extensions": "4.1", "not-there": "1.0"}
    found = list(differences(lock, {"numpy", "not-there", "pillow"}))
    assert found[0] == "not-there 1.0 is not installed"
    assert f"numpy: the lock has 0.1, installed is {distribution('numpy').version}" in found
    assert found[-1] == "pillow is not in the lock"


def test_an_environment_that_is_not_of_the_lock_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    (tmp_path / "lock").write_text("numpy==0.1 \\\n    --hash=sha256:00\n")
    monkeypatch.setattr("sys.argv", ["audit", "--lock", str(tmp_path / "lock")])
    monkeypatch.setattr(audit, "changed_files", lambda package: [])
    assert audit.main() == 1
    assert "not installed from the lock" in capsys.readouterr().out


def test_a_changed_file_is_found(tmp_path: Path):
    info = tmp_path / "tiny-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: tiny\nVersion: 1.0\n")
    (tmp_path / "tiny.py").write_text("a")
    (tmp_path / "other.py").write_text("b")
    digest = "ypeBEsobvcr6wjGzmiPcTaeG7_gUfE5yuYB3ha_uSLs"  # sha256 of "a"
    (info / "RECORD").write_text(f"tiny.py,sha256={digest},1\nother.py,sha256={digest},1\ngone.py,sha256={digest},1\n")
    found = list(changed_files(Distribution.at(info)))
    assert found == ["tiny: other.py was changed or is missing", "tiny: gone.py was changed or is missing"]


def test_the_release_s_lock_pins_everything_by_hash():
    text = (ROOT / "requirements.lock").read_text(encoding="utf-8")
    lock = read_lock(text)
    assert needed_packages() <= set(lock)
    pins = [line for line in text.split("\n") if "==" in line.partition(";")[0] and not line.lstrip().startswith("#")]
    assert len(pins) >= len(lock)
    assert all(line.endswith("\\") for line in pins)  # a hash follows
    assert "http" not in "".join(line for line in text.splitlines() if not line.lstrip().startswith("#"))
