"""The worker's sandbox: no network, no programs, bounded memory; a task that needs too much fails alone (item 24)."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from faceloom.web.worker.client import WORKER_LOST
from faceloom.web.worker.process import NO_MEMORY
from tests.web.tiny_server import photo

ATTACKS = """
import json, os, socket, subprocess, sys, threading
from faceloom import sandbox
ready, go, results = threading.Event(), threading.Event(), {}

def attempt(name, attack):
    try:
        attack()
        results[name] = "worked"
    except (OSError, MemoryError, subprocess.SubprocessError) as error:
        results[name] = type(error).__name__

def older_thread():
    ready.set()
    go.wait()
    attempt("a thread from before", lambda: socket.socket())

thread = threading.Thread(target=older_thread)
thread.start()
ready.wait()
entered = sandbox.enter_sandbox()
go.set()
thread.join()
attempt("internet", lambda: socket.create_connection(("127.0.0.1", 1)))
attempt("unix socket", lambda: socket.socket(socket.AF_UNIX))
attempt("program", lambda: os.execv("/bin/true", ["true"]))
attempt("child", lambda: subprocess.run(["/bin/true"], check=True))
attempt("memory", lambda: bytearray(16 << 30))
attempt("file", lambda: open(sys.argv[1], "wb").write(b"x"))
print(json.dumps([vars(entered), results]))
"""


@pytest.mark.abuse(24)
@pytest.mark.skipif(sys.platform != "linux", reason="seccomp is a part of Linux")
def test_what_a_taken_over_worker_cannot_do(tmp_path):
    command = [sys.executable, "-c", ATTACKS, str(tmp_path / "file")]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    entered, results = json.loads(done.stdout)
    if not entered["filter"]:
        pytest.skip("this kernel does not allow filters of system calls")
    assert results.pop("file") == "worked"
    assert results.pop("memory") == "MemoryError"
    assert set(results.values()) == {"PermissionError"}, results


@pytest.mark.abuse(24)
@pytest.mark.skipif(sys.platform != "linux", reason="reads and sets limits of another process as Linux does")
def test_a_booth_works_in_its_sandbox_and_one_task_without_memory_fails_alone(server, client):
    assert client.play(photo(1))["people"][0]["playable"]
    worker = psutil.Process(server.booth.worker.pid)
    assert "Seccomp:\t2" in Path(f"/proc/{worker.pid}/status").read_text()
    soft, hard = worker.rlimit(psutil.RLIMIT_AS)
    assert soft < 1 << 62  # limited by the worker itself
    worker.rlimit(psutil.RLIMIT_AS, (worker.memory_info().vms, hard))
    starved = client.get("/random", params={"seed": 5, "size": 1024})
    worker.rlimit(psutil.RLIMIT_AS, (soft, hard))
    assert starved.status_code in (200, 503)
    if starved.status_code == 503:
        assert starved.json()["error"]["code"] in (NO_MEMORY.code, WORKER_LOST.code)
    assert client.until(lambda visit: server.booth.worker.alive, 120)
    assert client.get("/random", params={"seed": 6, "size": 64}).status_code == 200
