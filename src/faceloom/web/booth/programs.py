"""Programs of this machine that the booth runs: those of CUPS, and the operator's own commands."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Sequence

from faceloom.errors import StoreError

NOTHING = asyncio.subprocess.DEVNULL


async def run_program(command: Sequence[str], seconds: float) -> str:
    """Run a program without a shell, and return its output. Raises StoreError when it is missing, too slow or fails."""
    name, environment = command[0], os.environ | {"LC_ALL": "C"}  # English, which is parsed
    try:
        process = await asyncio.create_subprocess_exec(
            *command, env=environment, stdin=NOTHING, stdout=asyncio.subprocess.PIPE, stderr=NOTHING
        )
    except OSError as error:
        raise StoreError(f"the program {name} cannot be run", "is it installed on the booth's machine?") from error
    try:
        output, _ = await asyncio.wait_for(process.communicate(), seconds)
    except TimeoutError as error:
        process.kill()
        raise StoreError(f"the program {name} does not end", "run it in a terminal to see why") from error
    if process.returncode:
        raise StoreError(f"the program {name} reported an error", "run it in a terminal to see why")
    return output.decode(errors="replace")
