"""The prose rules of the project hold in the source, the documents and the page."""

from __future__ import annotations

import re
import subprocess

from tests.repository.prose import PLACES, ROOT, violations


def test_no_sentence_breaks_the_prose_rules():
    found = [str(violation) for violation in violations([ROOT / place for place in PLACES if (ROOT / place).exists()])]
    assert not found, "\n".join(found[:50])


def test_no_file_of_the_package_contains_a_banned_name():
    command = ["git", "ls-files", "-z", "src", "docs", "README.md"]
    names = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout.split("\0")
    banned = re.compile(rb"\b(whoever|somebody|nobody|anew|whom)\b")
    assert not [name for name in names if (ROOT / name).is_file() and banned.search((ROOT / name).read_bytes())]
