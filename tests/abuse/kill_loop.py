"""A loop that kills work at random moments and checks what is left. Runs as a program, with one thread until it forks.

`python -m tests.abuse.kill_loop WORK KILLS FOLDER [SEED]` prints one line of JSON: kills, acknowledged and lost items.

The child of a fork works for ever and acknowledges every item through a pipe after it was promised to the user, as a
server does by its answer. The parent kills it with SIGKILL at a random moment and then checks: an acknowledged item
must be there and whole.
"""

from __future__ import annotations

import importlib
import json
import os
import random
import signal
import sys
import time
import traceback
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

Acknowledge = Callable[[str], None]
MIN_SECONDS = 0.05  # the shortest life of a child


class Work(Protocol):
    """Work that is killed. `run` never returns; `check` returns the names of items that are lost or broken."""

    def run(self, acknowledge: Acknowledge) -> None:
        """Work for ever, and acknowledge every finished item."""

    def check(self, acknowledged: list[str]) -> list[str]:
        """Return what is lost of the items that the last child acknowledged, or is broken."""


@dataclass
class Outcome:
    """Figures of a loop."""

    work: str
    kills: int = 0
    items: int = 0
    lost: list[str] = field(default_factory=list)


def kill_loop(name: str, work: Work, kills: int, seed: int) -> Outcome:
    """Kill work `kills` times.

    A child lives up to twice the time of a first item, or as many times it as the `longest_life` of the work says.
    """
    random_numbers, outcome = random.Random(seed), Outcome(name)
    span = getattr(work, "longest_life", 2.0) * _seconds_to_first_item(work, outcome)
    while outcome.kills < kills:
        _run_and_check(work, random_numbers.uniform(0, max(span, MIN_SECONDS)), outcome)
    return outcome


def _seconds_to_first_item(work: Work, outcome: Outcome) -> float:
    """Let a child finish its first item, kill it, and return how long the item took."""
    start = time.monotonic()
    _run_and_check(work, None, outcome)
    return time.monotonic() - start


def _run_and_check(work: Work, seconds: float | None, outcome: Outcome) -> None:
    acknowledged = _run_and_kill(work, seconds)
    outcome.kills += 1
    outcome.items += len(acknowledged)
    outcome.lost += work.check(acknowledged)


def _run_and_kill(work: Work, seconds: float | None) -> list[str]:
    """Fork, wait some seconds or for the first item, kill the child, and return what it acknowledged."""
    read_end, write_end = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(read_end)
        _work_in_child(work, write_end)
    os.close(write_end)
    received = b""
    if seconds is None:
        received = os.read(read_end, 65536)
    else:
        time.sleep(seconds)
    os.kill(child, signal.SIGKILL)
    _, status = os.waitpid(child, 0)
    while part := os.read(read_end, 65536):
        received += part
    os.close(read_end)
    if not os.WIFSIGNALED(status):
        raise AssertionError("the work ended by itself: see the traceback above")
    return received.decode().split("\n")[:-1]


def _work_in_child(work: Work, write_end: int) -> None:
    try:
        work.run(lambda item: _write(write_end, item))
    except BaseException:  # noqa: BLE001  the parent must see every error
        traceback.print_exc()
    finally:
        os._exit(3)


def _write(write_end: int, item: str) -> None:
    os.write(write_end, f"{item}\n".encode())


def main() -> None:
    """Run one loop and print its figures."""
    name, kills, folder = sys.argv[1], int(sys.argv[2]), Path(sys.argv[3])
    seed = int(sys.argv[4]) if len(sys.argv) > 4 else 1
    works = importlib.import_module("tests.abuse.killed_work")
    outcome = kill_loop(name, works.WORKS[name](folder), kills, seed)
    print(json.dumps(vars(outcome)), flush=True)  # noqa: T201


if __name__ == "__main__":
    main()
