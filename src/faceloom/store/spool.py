"""Erasing of prints from the spool of CUPS, which keeps a copy of every picture that it prints."""

from __future__ import annotations

import re
import subprocess

from faceloom.errors import StoreError

CANCEL_SECONDS = 10.0  # time within which CUPS must answer
_REQUEST = re.compile(r"request id is ([A-Za-z0-9._-]{1,120}-[0-9]{1,9})\b")


def read_job(output: str) -> str:
    """Return the name of the print job in the output of `lp`, or '' when there is none."""
    found = _REQUEST.search(output)
    return found[1] if found else ""


def purge_job(job: str) -> None:
    """Cancel a print job and delete its files, also after it was printed. A job that is gone already is no error.

    Raises StoreError when CUPS does not answer.
    """
    try:
        subprocess.run(["cancel", "-x", job], stdin=-3, stdout=-3, stderr=-3, timeout=CANCEL_SECONDS, check=False)
    except FileNotFoundError:
        return  # a machine without CUPS has no spool
    except (OSError, subprocess.TimeoutExpired) as error:
        raise StoreError("the printer's spool could not be emptied", "is CUPS running?") from error
