"""The example clients, against a server: they are what people copy."""

from __future__ import annotations

import importlib.util
import os
import py_compile
import shutil
import subprocess
from pathlib import Path
from types import ModuleType

import pytest

from tests.web.tiny_server import TOKEN, Server, photo

EXAMPLES = Path(__file__).parents[2] / "examples"


@pytest.fixture
def portrait(tmp_path: Path) -> Path:
    path = tmp_path / "me.jpg"
    path.write_bytes(photo(1))
    return path


def client_module() -> ModuleType:
    spec = importlib.util.spec_from_file_location("api_client", EXAMPLES / "api_client.py")
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_python_client(server: Server, portrait: Path):
    with client_module().Faceloom(server.base, TOKEN) as api:
        assert len(api.detect(portrait)["faces"]) == 1
        person = api.encode(portrait, seconds=1)
        assert api.edit(person["likeness"], age=20)["controls"]["age"] == 20
        assert api.image(person["likeness"], 128).startswith(b"\xff\xd8")
        api.delete(person["likeness"])
        with pytest.raises(RuntimeError, match="no such likeness"):
            api.image(person["likeness"])
        generated = api.generate(3)
        api.delete(generated["likeness"])


@pytest.mark.skipif(not shutil.which("curl"), reason="there is no curl")
def test_the_curl_client(server: Server, portrait: Path, tmp_path: Path):
    made = tmp_path / "older.jpg"
    command = ["sh", str(EXAMPLES / "api_client.sh"), str(portrait), str(made), server.base]
    result = subprocess.run(
        command, env=os.environ | {"FACELOOM_TOKEN": TOKEN}, capture_output=True, text=True, check=False
    )
    assert result.returncode == 0, result.stderr + result.stdout
    assert made.read_bytes().startswith(b"\xff\xd8")
    assert not server.booth.visits


@pytest.mark.skipif(not shutil.which("curl"), reason="there is no curl")
@pytest.mark.parametrize(
    ("token", "data", "message"), [("wrong", photo(1), "the token is wrong"), (TOKEN, b"x", "not a picture")]
)
def test_the_curl_client_stops_at_the_first_error(server, tmp_path, token, data, message):
    (tmp_path / "me.jpg").write_bytes(data)
    command = ["sh", str(EXAMPLES / "api_client.sh"), str(tmp_path / "me.jpg"), str(tmp_path / "a.jpg"), server.base]
    environment = os.environ | {"FACELOOM_TOKEN": token}
    result = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert result.returncode == 1
    assert message in result.stderr
    assert not result.stdout
    assert not (tmp_path / "a.jpg").exists()


@pytest.mark.parametrize("name", sorted(path.name for path in EXAMPLES.glob("*.py")))
def test_it_is_python(name: str, tmp_path: Path):
    py_compile.compile(str(EXAMPLES / name), cfile=str(tmp_path / "compiled"), doraise=True)
