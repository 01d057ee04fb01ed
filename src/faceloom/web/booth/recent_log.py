"""The last lines of the log, which the operator reads on a page. They name no visit and no person."""

from __future__ import annotations

import contextlib
import logging
import time
from collections import deque
from collections.abc import Iterator

MAX_LINES = 200  # lines that are kept
MAX_LENGTH = 500  # characters of a line


class RecentLog(logging.Handler):
    """A handler of the log that keeps its last lines in memory."""

    def __init__(self) -> None:
        super().__init__(logging.INFO)
        self.lines: deque[str] = deque(maxlen=MAX_LINES)

    def emit(self, record: logging.LogRecord) -> None:
        """Keep a record as one line, with the time of day."""
        stamp = time.strftime("%H:%M:%S", time.localtime(record.created))
        self.lines.append(f"{stamp} {record.levelname.lower()} {' '.join(record.getMessage().split())}"[:MAX_LENGTH])

    @contextlib.contextmanager
    def collecting(self) -> Iterator[None]:
        """Keep the lines that faceloom logs during the `with` block."""
        logging.getLogger("faceloom").addHandler(self)
        try:
            yield
        finally:
            logging.getLogger("faceloom").removeHandler(self)
