"""The newest frame of a camera or a film that is read in a thread of its own."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from threading import Condition, Thread

from faceloom.cameras.frames import Frame
from faceloom.errors import FaceloomError


class NewestFrame:
    """The newest frame of a source: a slow reader skips frames and never lags.

    The source yields (time in seconds, frame) as the frames arrive.
    """

    def __init__(self, source: Iterable[Frame]) -> None:
        self.changed = Condition()
        self.newest: Frame | None = None
        self.has_ended = False
        self.count = 0
        self.error: FaceloomError | None = None
        self.thread = Thread(target=self._run, args=(source,), daemon=True)
        self.thread.start()

    def __iter__(self) -> Iterator[Frame]:
        """Yield the newest frame each time until the source ends. Raises the source's error."""
        while (newest := self.read()) is not None:
            yield newest

    def read(self, seconds: float | None = None) -> Frame | None:
        """Return the newest frame that was not read yet, or None when the source has ended. Raises its error.

        With `seconds`, also None when no frame has arrived in this time.
        """
        with self.changed:
            self.changed.wait_for(lambda: self.newest is not None or self.has_ended, seconds)
            newest, self.newest = self.newest, None
        if newest is None and self.error is not None:
            raise self.error
        return newest

    def close(self) -> None:
        """Stop reading."""
        with self.changed:
            self.has_ended = True

    def _run(self, source: Iterable[Frame]) -> None:
        try:
            for newest in source:
                with self.changed:
                    if self.has_ended:
                        return
                    self.newest, self.count = newest, self.count + 1
                    self.changed.notify()
        except FaceloomError as error:  # raised again where the frames are read
            self.error = error
        finally:
            with self.changed:
                self.has_ended = True
                self.changed.notify()
