"""Benchmarks of speed and quality against other software, measured side by side in one run: `make bench`.

These are programs, not a library: the setup that the command line does before torch is loaded is done here.
"""

import os
import sys

if "pytest" not in sys.modules:  # in tests it would conflict with pip
    import setuptools  # noqa: F401 - for torch.compile; it must be imported before OpenVINO, which loads distutils

from faceloom.memory import keep_memory

if "BENCH_PLAIN" not in os.environ:  # when set, run without faceloom's memory settings
    os.environ.setdefault("THP_MEM_ALLOC_ENABLE", "1")
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    keep_memory()
