"""Faults of the machine: a full disk, signals, power cuts, jumping clocks, odd folders, models that vanish."""

from __future__ import annotations

import asyncio
import contextlib
import os
import shutil
import signal
import socket
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from typer.testing import CliRunner

from faceloom.checkpoints.export import export_generator
from faceloom.checkpoints.load import GeneratorModel, load_generator
from faceloom.cli.main import app
from faceloom.errors import StoreError
from faceloom.store import VisitStore
from faceloom.web.booth.booth import Booth
from tests.abuse.killed_work import integrity_of
from tests.checkpoints import foreign_files
from tests.web.in_process import InProcessClient
from tests.web.test_full_disk import wait_for
from tests.web.tiny_booth import TinyStudio, tiny_app
from tests.web.tiny_server import photo, served

ROOT = Path(__file__).parents[2]
STEPS = ("/visits", "/visit/consent", "/visit/photo", "play", "/visit/finish", "delete")


# -- a full disk ------------------------------------------------------------------------------------------------------


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """Mount a disk of 3 MB in memory, where the system allows it."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=3m", "tmpfs", str(folder)]
    if sys.platform != "linux" or os.geteuid() or subprocess.run(mount, check=False, stderr=-3).returncode:
        pytest.skip("only root on Linux mounts a small disk")
    yield folder
    subprocess.run(["umount", "-l", str(folder)], check=True)


async def walk(folder: Path, studio: TinyStudio, seed: int, fill: Path | None, left: int) -> list[int]:
    """Walk a visitor through the booth on a disk with `left` bytes of space; return the statuses of the answers."""
    server = tiny_app(folder, make_client=lambda _: InProcessClient(lambda: studio))
    headers, statuses = {"X-Faceloom": "1"}, []
    async with server.router.lifespan_context(server):
        booth: Booth = server.state.booth
        booth.settings = booth.settings.model_copy(update={"improve_seconds": 0})
        if fill:
            free = shutil.disk_usage(folder).free
            fill.write_bytes(bytes(max(free - left, 0)))
        transport = httpx.ASGITransport(server)
        async with httpx.AsyncClient(
            transport=transport, base_url="http://127.0.0.1/api/v1", headers=headers, timeout=60
        ) as client:
            statuses.append((await client.post("/visits")).status_code)
            statuses.append((await client.post("/visit/consent", json={"agreed": True})).status_code)
            answer = await client.post("/visit/photo", files={"photo": ("a", photo(seed, 256, 256))})
            statuses.append(answer.status_code)
            for _ in range(400):
                visit = (await client.get("/visit")).json()
                if visit.get("state") != "encoding":
                    break
                await asyncio.sleep(0.005)
            if visit.get("state") == "play":
                body = {"person": visit["people"][0]["id"], "form": "single"}
                statuses.append((await client.post("/visit/finish", json=body)).status_code)
            statuses.append((await client.delete("/visit")).status_code)
    return statuses


@pytest.mark.abuse(21)
def test_a_disk_that_is_full_at_any_write(small_disk: Path, monkeypatch: pytest.MonkeyPatch):
    """Leave a little more space for each visitor, so that every write of a visit is the first that fails once."""
    monkeypatch.setenv("TINY_BOOTH_SECONDS", "0")
    studio, home, fill = TinyStudio(), small_disk / "booth", small_disk / "fill"
    statuses = [asyncio.run(walk(home, studio, 0, None, 0))]
    for left in range(0, 160 << 10, 16 << 10):
        statuses.append(asyncio.run(walk(home, studio, 1, fill, left)))
        assert not [path for path in home.rglob("*.jpg") if path.stat().st_size == 0]
        fill.unlink()
        assert integrity_of(home / "booth.sqlite") == []
        store = VisitStore(home)
        store.finish_erasing()
        store.database.close()
        assert not list((home / "visits").glob("*"))  # what could not be deleted is deleted now
        assert not list((home / "takes").glob("*"))
    assert {status for visit in statuses for status in visit} <= {200, 201, 204, 403, 404, 409, 422, 507}
    assert any(507 in visit for visit in statuses)
    assert statuses[0] == asyncio.run(walk(home, studio, 2, None, 0)) == [201, 200, 200, 200, 204]  # it has recovered


# -- signals and power ------------------------------------------------------------------------------------------------


@pytest.mark.abuse(23)
def test_sigterm_parks_the_work_and_ends_with_0(tmp_path: Path):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "tests.web.tiny_booth", "--port", str(port), "--home", str(tmp_path / "b")]
    environment = os.environ | {"PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}
    with subprocess.Popen([*command, "--seconds", "30"], env=environment, cwd=ROOT, stdout=-3, stderr=-3) as program:
        client = httpx.Client(
            base_url=f"http://127.0.0.1:{port}/api/v1", headers={"X-Faceloom": "1"}, trust_env=False, timeout=60
        )
        with client:
            for _ in range(600):
                with contextlib.suppress(httpx.TransportError):
                    if client.get("/health").json()["ready"]:
                        break
                time.sleep(0.2)
            client.post("/visits")
            client.post("/visit/consent", json={"agreed": True})
            client.post("/visit/photo", files={"photo": ("a", photo(41))}).raise_for_status()
            assert client.get("/visit").json()["state"] == "encoding"
        program.send_signal(signal.SIGTERM)
        assert program.wait(60) in (0, -signal.SIGTERM)  # uvicorn ends by the signal once everything is closed
    store = VisitStore(tmp_path / "b")
    (visit,) = store.visits()
    store.database.close()
    assert visit.state == "encoding"  # the next start encodes it
    assert integrity_of(tmp_path / "b" / "booth.sqlite") == []


@pytest.mark.abuse(23)
def test_a_power_cut_that_loses_a_part_of_the_log(tmp_path: Path):
    """Copy the files of a running store with the log cut at many places: each copy opens and is consistent."""
    store = VisitStore(tmp_path / "running")
    names = [store.begin("booth", "consent", 600).id for _ in range(30)]
    source = tmp_path / "running"
    log = (source / "booth.sqlite-wal").read_bytes()
    assert log
    counts = []
    for part in range(0, 101, 4):
        copy = tmp_path / f"copy{part}"
        copy.mkdir()
        shutil.copyfile(source / "booth.sqlite", copy / "booth.sqlite")
        (copy / "booth.sqlite-wal").write_bytes(log[: len(log) * part // 100])
        again = VisitStore(copy)
        found = [visit.id for visit in again.visits()]
        assert found == names[: len(found)]
        again.database.close()
        assert integrity_of(copy / "booth.sqlite") == []
        counts.append(len(found))
    store.database.close()
    assert counts[-1] == 30
    assert counts == sorted(counts)


# -- clocks -----------------------------------------------------------------------------------------------------------


@pytest.mark.abuse(34)
@pytest.mark.parametrize("hours", [-24, -1, 1, 24])
def test_a_clock_that_jumps(tmp_path: Path, hours: int):
    now = [time.time()]
    with served(tmp_path) as server:
        server.booth.store.clock = lambda: now[0]
        client = server.client()
        client.play(photo(42))
        now[0] += hours * 3600
        answer = client.get("/visit").status_code
        assert answer == (404 if hours > 0 else 200)  # after a jump forward the visit counts as expired
        fresh = server.client()
        assert fresh.play(photo(43))["state"] == "play"
        if answer == 200:
            left = client.visit()["seconds_left"]
            assert left <= 15 * 60  # a request renews the expiry by the new clock
        client.delete("/visit")
        fresh.delete("/visit")
        wait_for(lambda: not list((tmp_path / "visits").glob("*")))  # an expired visit is erased by the next sweep


# -- folders and models -----------------------------------------------------------------------------------------------


@pytest.mark.abuse(34)
def test_a_home_with_letters_of_every_kind(tmp_path: Path):
    home = tmp_path / "Zoë 家 \N{GRINNING FACE}"
    with served(home) as server:
        client = server.client()
        client.play(photo(44))
        assert client.delete("/visit").status_code == 204


@pytest.mark.abuse(34)
@pytest.mark.parametrize("command", [["booth", "--no-browser"], ["forget", "--all"]])
def test_a_home_that_cannot_be_written_is_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, command: list[str]):
    monkeypatch.setattr("faceloom.assets.cache.open_asset", lambda name: Path(name))
    (tmp_path / "home").mkdir()
    (tmp_path / "home" / "booth.sqlite").write_bytes(b"")
    (tmp_path / "home" / "lock").mkdir()  # as a folder without permission: the lock cannot be taken
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    options = ["--port", str(port)] if command[0] == "booth" else []
    answer = CliRunner().invoke(app, [*command, *options, "--home", str(tmp_path / "home")])
    assert isinstance(answer.exception, StoreError)
    assert "--home" in answer.exception.hint


@pytest.mark.abuse(19)
def test_a_model_that_vanishes_while_it_is_used(tmp_path: Path):
    model = GeneratorModel(foreign_files.make_stylegan2(), "tiny", "stylegan2", "0" * 64, "CC0")
    export_generator(model, "safetensors", tmp_path / "network")
    loaded = load_generator(str(tmp_path / "network"))
    w_plus = loaded.G.w_avg.expand(1, loaded.G.num_ws, -1)
    before = loaded.G.synthesis(w_plus)
    shutil.rmtree(tmp_path / "network")
    assert (loaded.G.synthesis(w_plus) == before).all()


@pytest.mark.abuse(36)
def test_no_test_reaches_the_internet():
    for address in ("192.0.2.1", "2001:db8::1"):
        with pytest.raises((RuntimeError, OSError, UserWarning)):
            socket.create_connection((address, 80), timeout=2)


@pytest.mark.abuse(22)
def test_the_database_is_whole_after_a_kill_in_a_transaction(tmp_path: Path):
    code = (
        "import os, sys; from pathlib import Path; from faceloom.store import VisitStore\n"
        "store = VisitStore(Path(sys.argv[1])); store.begin('booth', 'play', 60)\n"
        "with store.database.transaction():\n"
        "    store.database.rows('DELETE FROM visits'); os.kill(os.getpid(), 9)"
    )
    assert subprocess.run([sys.executable, "-c", code, str(tmp_path)], check=False).returncode == -signal.SIGKILL
    assert integrity_of(tmp_path / "booth.sqlite") == []
    with sqlite3.connect(tmp_path / "booth.sqlite") as connection:
        assert connection.execute("SELECT count(*) FROM visits").fetchone() == (1,)
    connection.close()
