"""`python -m bench.hostile`: error, time and memory for every hostile file of the tests.

Seconds are CPU time of this process and of the child that reads; MB are the child's peak and our own growth. Linux
only. Exits with 1 when a canary exists, or a file takes 2 s or 500 MB.
"""

from __future__ import annotations

import os
import re
import resource
import sys
import tempfile
import time
from pathlib import Path

from faceloom.checkpoints.detect import read_checkpoint
from faceloom.checkpoints.sandbox import process
from faceloom.errors import CheckpointError
from tests.checkpoints.hostile import FILES, FORMS, make_reporting_start, peak_memory, write_valid

SECONDS, MEGABYTES = 2.0, 500


def main() -> int:
    """Print the table; return 1 when a limit is exceeded."""
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        contents = {name: make(folder, f"touch {folder / 'canary'}") for name, (make, _) in FILES.items()}
        for form in FORMS:
            content = write_valid(form, folder).read_bytes()
            contents |= {f"{form}, cut at {p} %": content[: len(content) * p // 100] for p in range(0, 100, 5)}
        rows = [_row(name, content, folder) for name, content in contents.items()]
    worst = max(row[0] for row in rows), max(row[1] for row in rows)
    print(f"{len(rows)} files, at most {worst[0]:.2f} s and {worst[1]:.0f} MB")
    return int(any(row[2] for row in rows) or worst[0] >= SECONDS or worst[1] >= MEGABYTES)


def _row(name: str, content: bytes, folder: Path) -> tuple[float, float, bool]:
    path, status = folder / "file.pkl", folder / "status"
    status.unlink(missing_ok=True)
    path.write_bytes(content)
    process._START = START.replace("STATUS", str(status))
    Path("/proc/self/clear_refs").write_text("5")  # reset the peak
    before, start = _memory("VmRSS"), _processor_time()
    error = "READ"
    try:
        read_checkpoint(path)
    except CheckpointError as caught:
        error = f"{type(caught).__name__}: {caught.message}"
    seconds = _processor_time() - start
    megabytes = max(peak_memory(status), _memory("VmHWM") - before)
    canary = (folder / "canary").exists()
    marks = "THE CANARY IS THERE" if canary else "no canary"
    print(f"{name:<42}{seconds:>7.2f} s{megabytes:>6.0f} MB  {marks}  {error[:110]}", flush=True)
    return seconds, megabytes, canary


START = make_reporting_start(Path("STATUS"))


def _processor_time() -> float:
    children = resource.getrusage(resource.RUSAGE_CHILDREN)
    return time.process_time() + children.ru_utime + children.ru_stime


def _memory(field: str) -> float:
    return int(re.findall(rf"{field}:\s*(\d+) kB", Path("/proc/self/status").read_text())[0]) / 1024


if __name__ == "__main__":
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    sys.exit(main())
