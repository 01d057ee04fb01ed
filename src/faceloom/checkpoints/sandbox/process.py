"""Foreign files are read in a child process with little memory and time, which hands back plain tensors.

The child knows NumPy but not torch. It answers with a safetensors file, or with one line of JSON that names the error.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from faceloom import errors
from faceloom.checkpoints.sandbox.flatten import Part, choose, flatten

if TYPE_CHECKING:
    from torch import Tensor

MEMORY = 400 << 20
"""Bytes of address space that the child gets, plus four times the file."""

SECONDS = 30
"""Seconds of the processor's time that the child gets, plus one for every 20 MB of the file."""

PATIENCE = 10
"""How many times that it may take by the clock: a busy machine is no fault of the file's."""

_START = (
    "import sys; sys.path[:] = {path}; from faceloom.checkpoints.sandbox.process import main; "
    "sys.exit(main(*sys.argv[1:]))"
)
_KEPT_ENVIRONMENT = ("SYSTEMROOT", "PATH", "LD_LIBRARY_PATH", "TEMP", "TMP")


@dataclass(frozen=True)
class Content:
    """What is in a foreign file."""

    tensors: Mapping[str, Tensor]  # by full name, float32 or int64
    values: Mapping[str, Any]  # plain values by full name
    left_out: tuple[str, ...]  # entries of the snapshot that were not read: optimisers, other networks


def read_foreign(path: Path, part: Part = "generator") -> Content:
    """Read a pickle or a file of torch's in a child process.

    Raises UnsafePickle, UnknownFormat or CorruptFile, whatever the file tries.
    """
    from safetensors.torch import load_file

    with tempfile.TemporaryDirectory(prefix="faceloom-", ignore_cleanup_errors=True) as folder:
        out = Path(folder) / "content.safetensors"
        answer = _run_child(path.resolve(), out, part)
        if "error" in answer:
            raise getattr(errors, answer["error"])(f"{path.name}: {answer['message']}", answer["hint"])
        tensors = {name: tensor.clone() for name, tensor in load_file(out).items()} if out.exists() else {}
    return Content(tensors, answer["values"], tuple(answer["left_out"]))


def _run_child(path: Path, out: Path, part: Part) -> dict[str, Any]:
    seconds = PATIENCE * (SECONDS + path.stat().st_size / 20e6)
    environment = {name: os.environ[name] for name in _KEPT_ENVIRONMENT if name in os.environ}
    environment |= {"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"}
    answer = out.with_suffix(".json")
    command = [sys.executable, "-I", "-c", _START.format(path=sys.path), str(path), str(out), str(answer), part]
    with suppress(subprocess.TimeoutExpired):
        subprocess.run(
            command, stdin=subprocess.DEVNULL, capture_output=True, timeout=seconds, env=environment, cwd=out.parent
        )
    try:
        return json.loads(answer.read_bytes())  # type: ignore[no-any-return]
    except (OSError, ValueError):
        message = "reading it took too much memory or time"
        return {"error": "CorruptFile", "message": message, "hint": "the file is damaged or made to do harm"}


def main(path: str, out: str, answer: str, part: Part) -> int:
    """The child: read `path`, write tensors to `out` and the rest, or an error, to `answer`."""
    import numpy  # noqa: F401 - before the limits: it maps more than it uses

    _limit(os.stat(path).st_size)  # noqa: PTH116
    try:
        reply = _read(Path(path), Path(out), part)
    except errors.FaceloomError as error:
        reply = {"error": type(error).__name__, "message": error.message, "hint": error.hint}
    except Exception as error:  # noqa: BLE001  # a hostile file can raise nearly anything
        message = f"it is damaged: {str(error)[:200] or type(error).__name__}"
        reply = {"error": "CorruptFile", "message": message, "hint": "get the file again"}
    Path(answer).write_text(json.dumps(reply))
    return 0


def _read(path: Path, out: Path, part: Part) -> dict[str, Any]:
    from safetensors.numpy import save_file

    from faceloom.checkpoints.sandbox.containers import read_tree

    roots, left_out = choose(read_tree(path), part)
    flat = flatten(roots, path.stat().st_size)
    if flat.tensors:
        save_file(flat.tensors, out)
    return {"values": flat.values, "left_out": left_out}


def _limit(size: int) -> None:
    try:
        import resource
    except ImportError:  # Windows: the time limit and the list of names remain
        return
    mapped = _address_space()
    for limit, value in (
        (resource.RLIMIT_AS, mapped + MEMORY + 4 * size),
        (resource.RLIMIT_CPU, SECONDS + size // 20_000_000),
        (resource.RLIMIT_FSIZE, (64 << 20) + 4 * size),
        (resource.RLIMIT_NPROC, 0),
        (resource.RLIMIT_CORE, 0),
    ):
        with suppress(ValueError, OSError):  # a limit that is already lower stays
            resource.setrlimit(limit, (value, value))


def _address_space() -> int:
    """Bytes mapped already; Linux only, elsewhere zero."""
    with suppress(OSError):
        return int(Path("/proc/self/statm").read_text().split()[0]) * os.sysconf("SC_PAGE_SIZE")
    return 0
