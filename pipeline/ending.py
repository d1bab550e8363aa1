"""How a process of figlake ends."""

from __future__ import annotations

import atexit
import os
import sys
import threading
from contextlib import suppress
from typing import NoReturn


def leave(code: int) -> NoReturn:
    """End as Python does, but for what native libraries take down with them.

    Their threads may still be at work (an object store that failed), and a process that ends beneath them aborts: its
    work is done and committed, and would count as failed.
    """
    threading._shutdown()  # type: ignore[attr-defined]  # waits for threads that are no daemons, as Python does first
    atexit._run_exitfuncs()
    for stream in (sys.stdout, sys.stderr):
        with suppress(OSError, ValueError):  # a reader that has gone, a stream that is closed
            stream.flush()
    os._exit(code)
