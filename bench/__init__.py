"""Speed and quality against peers, side by side in one run: `make bench`.

A program, not a library: what the command line does before torch is loaded is done here.
"""

import os
import sys

if "pytest" not in sys.modules:  # there it would stand in pip's way
    import setuptools  # noqa: F401 - torch.compile wants it, and it wants to come before OpenVINO, which loads distutils

from faceloom.memory import keep_memory

if "BENCH_PLAIN" not in os.environ:  # set: as a program runs that knows none of this
    os.environ.setdefault("THP_MEM_ALLOC_ENABLE", "1")
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    keep_memory()
