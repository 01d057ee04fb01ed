"""The operator's own way to share pictures: a command that gets every finished picture or film."""

from __future__ import annotations

import logging
import shlex

from faceloom.errors import FaceloomError, StoreError
from faceloom.store import Download
from faceloom.web.booth.booth import Booth
from faceloom.web.booth.programs import run_program

SHARE_SECONDS = 120.0  # seconds within which the command must end

log = logging.getLogger("faceloom.booth")


def check_command(command: str) -> None:
    """Raise FaceloomError for a command that cannot be split into words, or does not name the file."""
    try:
        words = shlex.split(command)
    except ValueError as error:
        raise FaceloomError(f"the command cannot be read: {error}", "quote it as in a shell") from error
    if words and not any("{file}" in word for word in words):
        raise FaceloomError(
            "the command to share pictures does not name the picture", "write {file} where its path goes"
        )


def share(booth: Booth, download: Download) -> None:
    """Start the operator's command for a finished picture or film. A failure is logged; the visitor is not told."""
    if booth.share_command:
        booth.tasks.spawn(download.visit, _share(booth, download), f"share {download.id}")


async def _share(booth: Booth, download: Download) -> None:
    values = {"{file}": str(booth.store.path_of(download)), "{event}": booth.settings.event}
    words = shlex.split(booth.share_command)
    for name, value in values.items():
        words = [word.replace(name, value) for word in words]
    try:
        await run_program(words, SHARE_SECONDS)
    except StoreError as error:
        log.warning("a picture was not shared: %s", error.message)
