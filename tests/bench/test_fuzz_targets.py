"""The fuzzer's targets: every seed, and a few seeded mutations of each, are read without a finding."""

from __future__ import annotations

import gc
import importlib
import random
from pathlib import Path

import pytest

from bench.fuzz_targets import MODULES
from tests.checkpoints.seeds import valid_files

MUTATIONS = 4  # of every seed


def mutate(data: bytes, random_numbers: random.Random) -> bytes:
    """Flip, cut, repeat or insert a few bytes."""
    changed = bytearray(data)
    for _ in range(random_numbers.randint(1, 4)):
        place = random_numbers.randrange(len(changed) + 1)
        match random_numbers.randrange(4):
            case 0:
                changed[place : place + 1] = bytes([random_numbers.randrange(256)])
            case 1:
                del changed[place : place + random_numbers.randint(1, 40)]
            case 2:
                changed[place:place] = changed[place : place + random_numbers.randint(1, 40)]
            case _:
                changed[place:place] = random_numbers.choice([b"\0", b"\xff" * 8, b"9" * 40, b"../", b"NaN", b"[" * 99])
    return bytes(changed)


# Starlette leaves the temporary files of a malformed form to the garbage collector, which closes and deletes them.
@pytest.mark.filterwarnings("ignore:.*SpooledTemporaryFile:pytest.PytestUnraisableExceptionWarning")
@pytest.mark.parametrize("name", MODULES)
def test_seeds_and_mutations_are_read(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    target = importlib.import_module(f"bench.fuzz_targets.{name}")
    monkeypatch.setenv("TINY_BOOTH_SECONDS", "0")
    random_numbers = random.Random(name)
    with target.reading(tmp_path) as read:
        contents = (
            valid_files(tmp_path) if name == "checkpoints" else target.seeds(tmp_path)
        )  # test_hostile reads others
        for content in contents.values():
            if len(content) < 60_000:
                read(content)
                for _ in range(MUTATIONS):
                    read(mutate(content, random_numbers))
    gc.collect()  # what is left to the garbage collector is not left to the tests that follow
    assert list(target.words())
