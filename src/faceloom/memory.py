"""Setting of the C library's allocator that keeps freed memory in the process, because large networks reuse it.

By default glibc returns every large block to the kernel, and the next allocation pays for zeroed pages: at 1024 px
this was measured to take up to half of the time. Only programs call this (the command line, the benchmarks), because
a library must not change the allocator of its host.
"""

from __future__ import annotations

import ctypes
import os

_M_TRIM_THRESHOLD, _M_TOP_PAD, _M_MMAP_MAX = -1, -2, -4  # mallopt(3)


def keep_memory() -> bool:
    """Keep freed memory in this process; return whether the C library supports it. Call before making large tensors."""
    if os.name != "posix":
        return False
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (OSError, AttributeError):  # not glibc
        return False
    settings = ((_M_MMAP_MAX, 0), (_M_TRIM_THRESHOLD, 2**31 - 1), (_M_TOP_PAD, 64 << 20))
    return all(mallopt(name, value) == 1 for name, value in settings)
