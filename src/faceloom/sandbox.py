"""Limits of a worker process once its networks are loaded: no network, no other programs, bounded memory and files.

Photos of strangers are decoded in the worker of a booth. If a decoder is ever taken over, this keeps the attacker from
the network and from starting programs. Linux has all of it (`man 2 seccomp`); macOS has the resource limits;
Windows has none.
"""

from __future__ import annotations

import contextlib
import ctypes
import errno
import logging
import os
import platform
import struct
import sys
from dataclasses import dataclass
from pathlib import Path

MEMORY = 6 << 30
"""Address space in bytes beyond what the loaded networks use. A task that needs more fails, and the worker goes on."""
FILE_SIZE = 1 << 30
"""Largest file in bytes that the worker may write."""

_AUDIT_ARCHITECTURES = {"x86_64": 0xC000003E, "aarch64": 0xC00000B7}
_SECCOMP = {"x86_64": 317, "aarch64": 277}
_REFUSED = {
    # socket, connect, execve, execveat, ptrace, process_vm_readv, process_vm_writev, mount, umount2, pivot_root,
    # init_module, finit_module, kexec_load, bpf, perf_event_open, add_key, keyctl, io_uring_setup
    "x86_64": (41, 42, 59, 322, 101, 310, 311, 165, 166, 155, 175, 313, 246, 321, 298, 248, 250, 425),
    "aarch64": (198, 203, 221, 281, 117, 270, 271, 40, 39, 41, 105, 273, 104, 280, 241, 217, 219, 425),
}
"""Numbers of the system calls that are refused, by processor."""
_LOAD, _IF_EQUAL, _IF_BIT, _RETURN = 0x20, 0x15, 0x45, 0x06  # opcodes of the classic Berkeley packet filter
_ALLOW, _REFUSE = 0x7FFF0000, 0x00050000 | errno.EPERM
_NUMBER, _ARCHITECTURE = 0, 4  # offsets in the kernel's description of a system call
_X32 = 0x40000000  # bit of x86-64's second set of system calls, which nothing here uses
_SET_NO_NEW_PRIVILEGES, _SET_FILTER, _ALL_THREADS = 38, 1, 1

log = logging.getLogger("faceloom.worker")


@dataclass(frozen=True)
class Sandbox:
    """The limits that this system has: `limits` on memory and files, and a `filter` of system calls."""

    limits: bool
    filter: bool


def enter_sandbox() -> Sandbox:
    """Restrict this process and its threads for good. Call when everything is loaded."""
    sandbox = Sandbox(_set_limits(), _set_filter())
    if not sandbox.filter:
        log.warning("this system cannot keep a worker from the network: it runs without a filter of system calls")
    return sandbox


def _set_limits() -> bool:
    try:
        import resource
    except ImportError:
        return False
    for limit, value in (
        (resource.RLIMIT_AS, _mapped_bytes() + MEMORY),
        (resource.RLIMIT_FSIZE, FILE_SIZE),
        (resource.RLIMIT_CORE, 0),
    ):
        with contextlib.suppress(ValueError, OSError):  # a limit that is already lower is kept
            resource.setrlimit(limit, (value, value))
    return True


def _mapped_bytes() -> int:
    """Return the bytes of address space in use on Linux, elsewhere 0."""
    with contextlib.suppress(OSError):
        return int(Path("/proc/self/statm").read_text().split()[0]) * os.sysconf("SC_PAGE_SIZE")
    return 0


def _set_filter() -> bool:
    """Have the kernel refuse (EPERM) sockets, other programs, and system calls that a worker never needs."""
    machine = platform.machine()
    if sys.platform != "linux" or machine not in _SECCOMP:
        return False
    program = _make_filter(machine)
    code = ctypes.create_string_buffer(program, len(program))
    header = struct.pack("HxxxxxxP", len(program) // 8, ctypes.addressof(code))  # struct sock_fprog
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(_SET_NO_NEW_PRIVILEGES, 1, 0, 0, 0):
        return False
    answer: int = libc.syscall(_SECCOMP[machine], _SET_FILTER, _ALL_THREADS, header)
    return answer == 0


def _make_filter(machine: str) -> bytes:
    """Return the filter as instructions of 8 bytes: opcode, jumps when true and when false, and a value."""
    refused = _REFUSED[machine]
    lines = [
        (_LOAD, 0, 0, _ARCHITECTURE),
        (_IF_EQUAL, 1, 0, _AUDIT_ARCHITECTURES[machine]),
        (_RETURN, 0, 0, _REFUSE),
        (_LOAD, 0, 0, _NUMBER),
        (_IF_BIT, len(refused) + 1, 0, _X32),
        *((_IF_EQUAL, len(refused) - i, 0, number) for i, number in enumerate(refused)),
        (_RETURN, 0, 0, _ALLOW),
        (_RETURN, 0, 0, _REFUSE),
    ]
    return b"".join(struct.pack("HBBI", *line) for line in lines)
