"""`faceloom models`: results on standard output, progress on standard error, errors as FaceloomError."""

from __future__ import annotations

import json
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from faceloom.assets import Archive, Asset, manifest
from faceloom.assets.archives import sha256_of
from faceloom.cli.models import app
from faceloom.errors import AssetError

FACTS = {
    *("name", "title", "kind", "purpose", "licence", "terms", "note", "default", "present", "folder", "files"),
    *("download_bytes", "archives"),
}


@pytest.fixture
def wheels(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty FACELOOM_HOME and a folder with the one archive of the one asset, 'tiny'."""
    folder = tmp_path / "wheels"
    folder.mkdir()
    path = folder / "tiny-1.0-py3-none-any.whl"
    with zipfile.ZipFile(path, "w") as wheel:
        wheel.writestr("tiny/face.png", b"no picture")
        wheel.writestr("LICENSE", b"Do as you like.")
    archive = Archive(
        "tiny==1.0", path.name, sha256_of(path), path.stat().st_size, {"tiny/face.png": "face.png"}, "LICENSE"
    )
    asset = Asset(
        "tiny", "Tiny", "pictures", "tests", (archive,), ("face.png",), "MIT", "By hand.", note="for tests only"
    )
    monkeypatch.setattr(manifest, "MANIFEST", {"tiny": asset})
    monkeypatch.setenv("FACELOOM_HOME", str(tmp_path / "home"))
    return folder


def run(*arguments: str) -> Result:
    return CliRunner().invoke(app, list(arguments))


def run_json(*arguments: str) -> Any:
    result = run(*arguments, "--json")
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout)


def test_list(wheels: Path) -> None:
    [fact] = run_json("list")["assets"]
    assert set(fact) == FACTS
    assert (fact["name"], fact["present"], fact["note"]) == ("tiny", False, "for tests only")
    assert "tiny" in run("list").stdout
    assert "absent" in run("list").stdout


def test_pull_from_a_folder(wheels: Path, tmp_path: Path) -> None:
    first = run_json("pull", "tiny", "--from", str(wheels))["pulled"][0]
    assert set(first) == {"name", "status", "folder", "seconds"}
    assert first["status"] == "pulled"
    assert (Path(first["folder"]) / "face.png").read_bytes() == b"no picture"
    assert run_json("pull", "--all", "--from", str(wheels))["pulled"][0]["status"] == "was there"
    assert run_json("list")["assets"][0]["present"]


def test_pull_says_the_terms_and_keeps_progress_apart(wheels: Path) -> None:
    result = run("pull", "tiny", "--from", str(wheels))
    assert result.exit_code == 0
    assert result.stdout.startswith("tiny: pulled in ")
    assert "(for tests only)" in result.stdout
    assert "tiny" in result.stderr
    assert run("pull", "tiny").stdout == "tiny: already present (for tests only)\n"


def test_verify(wheels: Path, tmp_path: Path) -> None:
    assert run_json("verify") == {"assets": []}
    run("pull", "tiny", "--from", str(wheels))
    assert run_json("verify", "tiny")["assets"] == [{"name": "tiny", "ok": True, "damaged": [], "quarantine": None}]
    assert run("verify").stdout == "tiny: whole\n"


def test_verify_finds_damage(wheels: Path, tmp_path: Path) -> None:
    run("pull", "tiny", "--from", str(wheels))
    (tmp_path / "home" / "models" / "tiny" / "face.png").write_bytes(b"no Picture")
    result = run("verify", "--json")
    kept = tmp_path / "home" / "quarantine" / "tiny"
    assert json.loads(result.stdout)["assets"] == [
        {"name": "tiny", "ok": False, "damaged": ["face.png"], "quarantine": str(kept)}
    ]
    assert isinstance(result.exception, AssetError)
    assert result.exception.hint == "faceloom models pull tiny"
    assert kept.is_dir()
    assert not run_json("list")["assets"][0]["present"]


def test_show(wheels: Path) -> None:
    assert set(run_json("show", "tiny")) == FACTS
    text = run("show", "tiny").stdout
    assert "terms: By hand." in text
    assert "tiny==1.0 (sha256 " in text


@pytest.mark.parametrize("arguments", [("show", "big"), ("pull", "big"), ("verify", "big"), ("verify", "tiny")])
def test_users_errors_are_ours(wheels: Path, arguments: tuple[str, ...]) -> None:
    result = run(*arguments)
    assert isinstance(result.exception, AssetError)
    assert result.exception.hint
    assert result.stdout == ""


def test_wrong_usage(wheels: Path) -> None:
    assert run("pull", "tiny", "--all").exit_code == 2
    assert run("show").exit_code == 2


@pytest.mark.parametrize("command", ["list", "pull", "verify", "show", "import", "convert", "remove"])
def test_help_holds_two_examples(command: str) -> None:
    text = run(command, "--help").stdout
    assert text.count(f"faceloom models {command}") >= 2


def test_help_and_list_do_without_torch(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FACELOOM_HOME", str(tmp_path))
    code = "import sys; from faceloom.cli.models import app; app(['list'], standalone_mode=False)\n"
    code += "sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False, capture_output=True).returncode == 0


def test_a_license_is_shown_and_has_to_be_accepted(wheels: Path) -> None:
    result = run("pull", "stylegan3-t-ffhq-1024x1024")
    assert isinstance(result.exception, AssetError)
    assert "--accept-license" in str(result.exception)
    for words in ("CC BY-NC-SA 4.0", "NVIDIA Source Code License", "https://", "sha256 is not published"):
        assert words in result.stderr
    available = run_json("list")["available"]
    assert "stylegan3-t-ffhq-1024x1024" in [fact["name"] for fact in available]
    assert "stylegan3-t-ffhq-1024x1024" in run("list", "--all").stdout
