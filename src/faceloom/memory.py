"""Ask the C library to keep the memory that it has been given: large networks ask for the same blocks again.

By default glibc returns every large block to the kernel and pays for fresh, zeroed pages at the next request: at
1024 px that was measured to be up to half of the time. Only programs call this (the command line, the benchmarks):
a library does not decide for its host.
"""

from __future__ import annotations

import ctypes
import os

_M_TRIM_THRESHOLD, _M_TOP_PAD, _M_MMAP_MAX = -1, -2, -4  # mallopt(3)


def keep_memory() -> bool:
    """Turn it on for this process; say whether the C library took it. Call it before large tensors are made."""
    if os.name != "posix":
        return False
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (OSError, AttributeError):  # another C library
        return False
    settings = ((_M_MMAP_MAX, 0), (_M_TRIM_THRESHOLD, 2**31 - 1), (_M_TOP_PAD, 64 << 20))
    return all(mallopt(name, value) == 1 for name, value in settings)
