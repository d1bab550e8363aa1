"""Room in the temporary folder: where it takes nothing more, engines do not fail, they wait."""

from __future__ import annotations

import os
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from pipeline.errors import FiglakeError

#: What an engine puts there before its first row (logs, sockets, sessions), with something to spare.
_LEAST_BYTES = 32 << 20
#: With less than this, no further process of an engine opens its log.
_FULL_BYTES = 64 << 10
_WHAT_TO_DO = "make room there, or name another folder in TMPDIR, and run again"


def free_bytes() -> int:
    """What the temporary folder's file system still takes from this user."""
    found = os.statvfs(tempfile.gettempdir())
    return found.f_bavail * found.f_frsize


def check() -> None:
    """Raises FiglakeError when the temporary folder has not the room that an engine needs to start."""
    if (free := free_bytes()) < _LEAST_BYTES:
        raise FiglakeError(f"{_has_left(free)}, an engine needs {_LEAST_BYTES >> 20}; {_WHAT_TO_DO}")


def note() -> str:
    """What to add to the error of an engine that ended: its log may be silent for want of room. Mostly empty."""
    return f"; {_has_left(free)}: {_WHAT_TO_DO}" if (free := free_bytes()) < _FULL_BYTES else ""


class Watch:
    """Ends what stands still while the temporary folder is full."""

    def __init__(self, end: Callable[[], object], after_s: float) -> None:
        self.error: FiglakeError | None = None
        self._end, self._after_s, self._since = end, after_s, time.monotonic()

    def moved(self) -> None:
        """Something was done."""
        self._since = time.monotonic()

    def look(self, stop: threading.Event, every_s: float) -> None:
        """Until it is stopped or has ended what it watches."""
        while not stop.wait(every_s):
            if (free := free_bytes()) >= _FULL_BYTES:
                self.moved()
            elif time.monotonic() - self._since >= self._after_s:
                self.error = FiglakeError(f"{_has_left(free)}, and nothing goes on; {_WHAT_TO_DO}")
                self._end()
                return


@contextmanager
def watched(end: Callable[[], object], after_s: float = 60, every_s: float = 5) -> Iterator[Watch]:
    """Call ``end`` once the folder was full for ``after_s`` seconds and nothing moved; looks every ``every_s``."""
    watch, stop = Watch(end, after_s), threading.Event()
    thread = threading.Thread(target=watch.look, args=(stop, every_s), daemon=True)
    thread.start()
    try:
        yield watch
    finally:
        stop.set()
        thread.join()


def _has_left(free: int) -> str:
    return f"the temporary folder {tempfile.gettempdir()} has {free / (1 << 20):.1f} MB left"
