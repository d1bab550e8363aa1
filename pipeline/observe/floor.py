"""A step that crawls is ended: an accelerator that idles costs as much as one that works."""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Callable

from pipeline.errors import FiglakeError

Progress = Callable[[int, int | None], None]


class TooSlowError(FiglakeError):
    """A step fell below its floor."""


class Floor:
    """Stands before a step's progress; interrupts the step when its rate since the last look is below the floor.

    A rate is measured over windows of ``after_s``, the first of which is for warming up and not looked at. Counts that
    fall back (an engine's next stage counts anew) begin such windows anew.
    """

    def __init__(
        self, progress: Progress, step: str, least: float, after_s: float, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._progress, self._step, self._least, self._after_s, self._clock = progress, step, least, after_s, clock
        self._since, self._done, self._windows, self._last = clock(), 0, 0, 0
        self.error: TooSlowError | None = None

    def __call__(self, done: int, total: int | None) -> None:
        """Progress, from whichever thread; the interrupt reaches the main thread, which runs the step."""
        self._progress(done, total)
        if done < self._last:
            self._since, self._done, self._windows = self._clock(), done, 0
        self._last = done
        passed = self._clock() - self._since
        if self._least <= 0 or passed < self._after_s or self.error is not None or done == total:
            return
        rate = (done - self._done) / passed
        self._since, self._done, self._windows = self._clock(), done, self._windows + 1
        if self._windows > 1 and rate < self._least:
            self.error = TooSlowError(
                f"{self._step} does {rate:.3g} items a second, observe.floor asks for {self._least:g}; look whether it "
                "runs where it should (a GPU that is not seen, a node that is shared), then run it again"
            )
            # A real signal, to that thread: it may wait in a system call, for an engine that does not answer.
            signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGINT)
