"""`python -m bench.fuzz --minutes N`: fuzzing of the checkpoint readers, guided by coverage, in this process.

Run half an hour of it after every change of a reader, with a new seed each time:

    pip install atheris
    python -m bench.fuzz --minutes 30 --seed 41

Valid and hostile files are mutated and read. The code of the sandboxed child process runs here, with an audit hook as
the canary. A finding is a program, file, socket, import or compiled code used while a file is read, an error that is
not one of ours, 60 s, or 2 GB. libFuzzer prints the executions, continues from the corpus of earlier runs
(build/fuzz/corpus), and writes the first finding beside it; findings become entries of tests/checkpoints/hostile.py.
"""

from __future__ import annotations

import argparse
import codecs
import sys
import tempfile
from contextlib import suppress
from pathlib import Path
from typing import Any

import atheris

ROOT = Path(__file__).parent.parent

with atheris.instrument_imports(include=["pickle", "faceloom.checkpoints"]):
    from tests.checkpoints.seeds import EXPECTED, read_in_process, valid_files

from faceloom.checkpoints.sandbox.unpickle import NAMES  # noqa: E402
from tests.checkpoints.hostile import FILES  # noqa: E402

FORBIDDEN = ("os.", "subprocess.", "socket.", "shutil.", "exec", "compile", "import", "open", "ctypes.", "marshal.")


class Watch:
    """The canary: records Python's forbidden audit events while a file is read."""

    def __init__(self, scratch: Path) -> None:
        self.armed, self.scratch, self.event = False, str(scratch), ""
        sys.addaudithook(self._hear)

    def _hear(self, event: str, arguments: tuple[Any, ...]) -> None:
        if event == "open" and isinstance(arguments[0], int):
            return  # a descriptor, whose path was an event of its own
        if self.armed and event.startswith(FORBIDDEN) and not str(arguments[:1]).count(self.scratch):
            self.event = f"{event} {arguments!r:.200}"


def main() -> None:
    """Fuzz until the time is over or there is a finding."""
    parser = argparse.ArgumentParser(prog="python -m bench.fuzz", description="Fuzz the checkpoint readers.")
    parser.add_argument("--minutes", type=float, default=5)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--output", type=Path, default=ROOT / "build" / "fuzz")
    options = parser.parse_args()
    corpus, seeds = (options.output / name for name in ("corpus", "seeds"))
    for folder in (corpus, seeds):
        folder.mkdir(parents=True, exist_ok=True)
    scratch = Path(tempfile.mkdtemp(prefix="faceloom-fuzz-"))
    watch = Watch(scratch)
    _write_seeds(seeds, scratch)
    words = seeds.with_suffix(".dict")
    words.write_text("".join(f'"{word}"\n' for word in sorted({w for pair in NAMES for w in pair})))

    def read(data: bytes) -> None:
        path = scratch / "file"
        path.write_bytes(data)
        watch.armed, watch.event = True, ""
        try:
            with suppress(*EXPECTED):
                read_in_process(path)
        finally:
            watch.armed = False
        if watch.event:
            raise AssertionError(f"the canary: {watch.event}")

    flags = [f"-seed={options.seed}", f"-max_total_time={int(options.minutes * 60)}", "-rss_limit_mb=2048"]
    flags += ["-timeout=60", "-max_len=60000", "-len_control=0", "-print_final_stats=1", f"-dict={words}"]
    atheris.Setup([sys.argv[0], *flags, f"-artifact_prefix={options.output}/", str(corpus), str(seeds)], read)
    atheris.Fuzz()


def _write_seeds(folder: Path, scratch: Path) -> None:
    """Write valid files of every family and the small hostile ones, and read each once so that imports are done."""
    for codec in ("raw_unicode_escape", "latin1", "utf-8"):
        codecs.lookup(codec)
    contents = valid_files(scratch) | {name: make(scratch, "false") for name, (make, _) in FILES.items()}
    for number, content in enumerate(content for content in contents.values() if len(content) < 60_000):
        path = folder / f"{number:03}"
        path.write_bytes(content)
        with suppress(*EXPECTED):
            read_in_process(path)


if __name__ == "__main__":
    main()
