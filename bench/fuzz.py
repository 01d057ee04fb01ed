"""`python -m bench.fuzz --target T --minutes N`: fuzzing, guided by coverage, in this process.

Run half an hour of it after every change of a reader or a route, with a new seed each time:

    pip install atheris
    python -m bench.fuzz --target checkpoints --minutes 30 --seed 41

The targets are checkpoints, pictures, likenesses and directions, plans of casts, datasets, and requests to the server.
Valid and hostile inputs are mutated and read. A finding is an error that is not one of ours, an answer 5xx, a program,
file, socket, import or code used by an input (an audit hook is the canary), 60 s, or 2 GB. libFuzzer prints the
executions, continues from the corpus of earlier runs (build/fuzz/TARGET/corpus), and writes the first finding beside
it; a finding becomes a test.
"""

from __future__ import annotations

import argparse
import codecs
import importlib
import json
import sys
import tempfile
import traceback
from collections.abc import Callable
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Any

import atheris

from bench.fuzz_targets import MODULES, PAUSE, RESUME

ROOT = Path(__file__).parent.parent
MEMORY = Path("/dev/shm")
"""A folder in memory: where it exists, inputs are written there and not to the disk."""

# Compiling is allowed: NumPy parses headers so. Running what was compiled is `exec`.
FORBIDDEN = ("os.", "subprocess.", "socket.", "shutil.", "exec", "import", "open", "ctypes.", "marshal.")
FORBIDDEN_IN_SERVER = (
    "os.system",
    "os.exec",
    "os.fork",
    "os.posix_spawn",
    "subprocess.",
    "socket.connect",
    "ctypes.dl",
)
"""Events forbidden in the server, which reads its own files and imports modules when it needs them."""
PRINTER = "'lp'"
"""An argument of an event that is allowed: the operator's printer."""
STACK = 8  # calls that a finding of the canary shows
CODECS = ("raw_unicode_escape", "latin1", "cp437", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32",
          "utf-32-le", "utf-32-be")  # fmt: skip


class Watch:
    """The canary: records the first of Python's forbidden audit events while an input is read."""

    def __init__(self, scratch: Path, forbidden: tuple[str, ...]) -> None:
        self.forbidden = forbidden
        self.armed, self.paused, self.event = False, False, ""
        self.allowed = (str(scratch), PRINTER)
        sys.addaudithook(self._hear)

    def _hear(self, event: str, arguments: tuple[Any, ...]) -> None:
        if event in (PAUSE, RESUME):
            self.paused = event == PAUSE
        if not self.armed or self.paused or self.event or not event.startswith(self.forbidden):
            return
        if event == "open" and isinstance(arguments[0], int):
            return  # a descriptor, whose path was an event of its own
        if event == "os.putenv" or not any(place in str(arguments[:1]) for place in self.allowed):
            self.armed = False  # what follows is not an event of the input
            self.event = f"{event} {arguments!r:.200}\n{''.join(traceback.format_stack(limit=STACK))}"


def main() -> None:
    """Fuzz until the time is over or there is a finding."""
    parser = argparse.ArgumentParser(prog="python -m bench.fuzz", description="Fuzz the readers and the server.")
    parser.add_argument("--target", choices=MODULES, default="checkpoints")
    parser.add_argument("--minutes", type=float, default=5)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--output", type=Path, default=ROOT / "build" / "fuzz")
    options = parser.parse_args()
    output = options.output / options.target
    corpus, seeds = (output / name for name in ("corpus", "seeds"))
    for folder in (corpus, seeds):
        folder.mkdir(parents=True, exist_ok=True)
    scratch = Path(tempfile.mkdtemp(prefix="faceloom-fuzz-", dir=MEMORY if MEMORY.is_dir() else None))
    with atheris.instrument_imports(include=[*MODULES[options.target]]):
        target = importlib.import_module(f"bench.fuzz_targets.{options.target}")
    read: Callable[[bytes], None] = ExitStack().enter_context(target.reading(scratch))  # never left: Fuzz() exits
    watch = Watch(scratch, FORBIDDEN_IN_SERVER if options.target == "requests" else FORBIDDEN)
    for codec in CODECS:
        codecs.lookup(codec)  # imported now, so that the canary does not hear it
    _write_seeds(target.seeds(scratch), seeds, read)
    dictionary = output / "words"
    dictionary.write_text("".join(f"{json.dumps(word)}\n" for word in sorted(target.words())))
    flags = [f"-seed={options.seed}", f"-max_total_time={int(options.minutes * 60)}", "-rss_limit_mb=2048"]
    flags += ["-timeout=60", "-max_len=60000", "-len_control=0", "-print_final_stats=1", f"-dict={dictionary}"]
    arguments = [sys.argv[0], *flags, f"-artifact_prefix={output}/", str(corpus), str(seeds)]
    atheris.Setup(arguments, _with_canary(read, watch))
    atheris.Fuzz()


def _with_canary(read: Callable[[bytes], None], watch: Watch) -> Callable[[bytes], None]:
    """Return `read` with an error for every forbidden event."""

    def read_watched(data: bytes) -> None:
        watch.armed, watch.event = True, ""
        try:
            read(data)
        finally:
            watch.armed = False
        if watch.event:
            raise AssertionError(f"the canary: {watch.event}")

    return read_watched


def _write_seeds(contents: dict[str, bytes], folder: Path, read: Callable[[bytes], None]) -> None:
    """Write the small seeds, and read each once, so that all imports are done."""
    for number, content in enumerate(content for content in contents.values() if len(content) < 60_000):
        (folder / f"{number:03}").write_bytes(content)
        with suppress(AssertionError):
            read(content)


if __name__ == "__main__":
    main()
