"""Reading of foreign files in a child process with limited memory and time, which returns plain tensors.

The child loads NumPy but not torch. It writes a safetensors file and one line of JSON with values or an error.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from faceloom import errors
from faceloom.checkpoints.sandbox.containers import detect_container, read_tree
from faceloom.checkpoints.sandbox.flatten import FlatContent, Part, flatten, select_part

if TYPE_CHECKING:
    from torch import Tensor

ADDRESS_SPACE = 400 << 20
"""Address space of the child in bytes, in addition to four times the file's size."""

CPU_SECONDS = 30
"""CPU time of the child in seconds, in addition to one second for every 20 MB of the file."""

CLOCK_FACTOR = 10
"""Maximum elapsed time as a multiple of the CPU time, so that a busy machine does not fail a good file."""

MAX_REPORTED = 1000
"""Maximum number of skipped entries that are reported."""

_START = (  # the child's program; the parent fills in its import path
    "import sys; sys.path[:] = {path}; from faceloom.checkpoints.sandbox.process import main; "
    "sys.exit(main(*sys.argv[1:]))"
)
_KEPT_VARIABLES = ("SYSTEMROOT", "PATH", "LD_LIBRARY_PATH", "TEMP", "TMP")


@dataclass(frozen=True)
class FileContent:
    """The content of a foreign file."""

    tensors: Mapping[str, Tensor]  # by full name, float32 or int64
    values: Mapping[str, Any]  # plain values by full name
    skipped_entries: tuple[str, ...]  # entries of the snapshot that were not read: optimizers, other networks
    dropped: Mapping[str, str] = field(default_factory=dict)  # values beside the weights -> why each was not read
    unread: Mapping[str, str] = field(default_factory=dict)  # entries among the weights -> why each was not read

    def without_prefix(self, prefix: str) -> FileContent:
        """Return the content with `prefix` removed from the names that have it."""
        tensors = {name.removeprefix(prefix): tensor for name, tensor in self.tensors.items()}
        values, dropped, unread = (
            {name.removeprefix(prefix): value for name, value in entries.items()}
            for entries in (self.values, self.dropped, self.unread)
        )
        return FileContent(tensors, values, self.skipped_entries, dropped, unread)


def read_in_sandbox(path: Path, part: Part = "generator") -> FileContent:
    """Read a pickle or a torch file, and for 'latents' also NumPy's files, in a child process.

    Raises UnsafePickle, UnknownFormat or CorruptFile; a hostile file cannot raise or run anything else. An error of
    faceloom itself is a plain CheckpointError, which says so.
    """
    from safetensors.torch import load_file

    detect_container(path)  # before the child starts: refuses FIFOs, devices and other formats
    with tempfile.TemporaryDirectory(prefix="faceloom-", ignore_cleanup_errors=True) as folder:
        out = Path(folder) / "content.safetensors"
        answer = _run_child(path.resolve(), out, part)
        if "error" in answer:
            raise getattr(errors, answer["error"])(f"{path.name}: {answer['message']}", answer["hint"])
        stored = load_file(out) if out.exists() else {}
        tensors = {name: stored[name].clone() for name in answer["order"]}
    return FileContent(tensors, answer["values"], tuple(answer["skipped_entries"]), answer["dropped"], answer["unread"])


def _run_child(path: Path, out: Path, part: Part) -> dict[str, Any]:
    timeout = CLOCK_FACTOR * (CPU_SECONDS + path.stat().st_size / 20e6)
    environment = {name: os.environ[name] for name in _KEPT_VARIABLES if name in os.environ}
    environment |= {"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"}
    answer = out.with_suffix(".json")
    command = [sys.executable, "-I", "-c", _START.format(path=sys.path), str(path), str(out), str(answer), part]
    with suppress(subprocess.TimeoutExpired):
        subprocess.run(
            command, stdin=subprocess.DEVNULL, capture_output=True, timeout=timeout, env=environment, cwd=out.parent
        )
    try:
        return json.loads(answer.read_bytes())  # type: ignore[no-any-return]
    except (OSError, ValueError):
        message = "reading it took too much memory or time"
        return {"error": "CorruptFile", "message": message, "hint": "the file is damaged or hostile"}


def main(path: str, out: str, answer: str, part: Part) -> int:
    """Run the child: read `path`, write tensors to `out`, and values or an error as JSON to `answer`."""
    import numpy  # noqa: F401 - imported before the limits: it maps more memory than it uses

    _set_limits(os.stat(path).st_size)  # noqa: PTH116
    try:
        reply = _read(Path(path), Path(out), part)
    except errors.FaceloomError as error:
        reply = {"error": type(error).__name__, "message": error.message, "hint": error.hint}
    except Exception as error:  # noqa: BLE001  # whatever happens, the parent gets an answer
        message, hint = describe_own_error(error)
        reply = {"error": "CheckpointError", "message": message, "hint": hint}
    Path(answer).write_text(json.dumps(reply))
    return 0


def describe_own_error(error: Exception) -> tuple[str, str]:
    """Return message and hint for an error of faceloom, which does not mean that the file is damaged."""
    message = f"faceloom failed while reading it ({type(error).__name__}: {str(error)[:200]})"
    return message, "this may be an error of faceloom, not of the file: please report it"


def _read(path: Path, out: Path, part: Part) -> dict[str, Any]:
    from safetensors.numpy import save_file

    tree, size = read_tree_of(path, part == "latents")
    selected, skipped_entries = select_part(tree, part)
    flat = flatten_tree(selected, size)
    if flat.tensors:
        save_file(flat.tensors, out)
    return {
        "order": list(flat.tensors),  # safetensors does not keep it
        "values": flat.values,
        "skipped_entries": skipped_entries[:MAX_REPORTED],
        "dropped": flat.dropped,
        "unread": flat.unread,
    }


def read_tree_of(path: Path, allow_arrays: bool) -> tuple[Any, int]:
    """Read the file's tree. An exception of the unpickler means a damaged or hostile file and becomes CorruptFile."""
    try:
        return read_tree(path, allow_arrays)
    except (errors.FaceloomError, NameError, AssertionError, ImportError):
        raise
    except Exception as error:
        raise _damaged(error) from error


def flatten_tree(selected: dict[str, Any], size: int) -> FlatContent:
    """Flatten a file's tree. Raises CorruptFile for a tensor beyond its storage, of a wrong size or too large."""
    try:
        return flatten(selected, size)
    except (ValueError, OverflowError, MemoryError) as error:
        raise _damaged(error) from error


def _damaged(error: Exception) -> errors.CorruptFile:
    message = f"it is damaged: {str(error)[:200] or type(error).__name__}"
    return errors.CorruptFile(message, "get the file again")


def _set_limits(size: int) -> None:
    try:
        import resource
    except ImportError:  # on Windows the time limit and the list of names remain
        return
    mapped = _mapped_bytes()
    for limit, value in (
        (resource.RLIMIT_AS, mapped + ADDRESS_SPACE + 4 * size),
        (resource.RLIMIT_CPU, CPU_SECONDS + size // 20_000_000),
        (resource.RLIMIT_FSIZE, (64 << 20) + 4 * size),
        (resource.RLIMIT_NPROC, 0),
        (resource.RLIMIT_CORE, 0),
    ):
        with suppress(ValueError, OSError):  # a limit that is already lower is kept
            resource.setrlimit(limit, (value, value))


def _mapped_bytes() -> int:
    """Return the bytes of address space in use on Linux, elsewhere 0."""
    with suppress(OSError):
        return int(Path("/proc/self/statm").read_text().split()[0]) * os.sysconf("SC_PAGE_SIZE")
    return 0
