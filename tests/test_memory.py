"""Keeping freed memory: the result says whether the C library supports it."""

from __future__ import annotations

import subprocess
import sys

CODE = """
from faceloom.memory import keep_memory
kept = keep_memory()
import torch
x = [torch.ones(1 << 22) for _ in range(8)]
assert isinstance(kept, bool) and sum(t.sum().item() for t in x) == 8 << 22
print(kept)
"""


def test_process_that_keeps_memory():
    result = subprocess.run([sys.executable, "-c", CODE], capture_output=True, text=True, check=True)
    assert result.stdout.strip() == str(sys.platform == "linux")
