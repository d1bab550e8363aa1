"""How a process of figlake ends."""

from __future__ import annotations

import atexit
import os
import sys
import threading
from contextlib import suppress
from typing import NoReturn

#: Python's own code for output that could not be written.
_LOST_OUTPUT = 120


def leave(code: int | str | None) -> NoReturn:
    """End with what ``sys.exit`` takes, as Python does, but for what native libraries take down with them.

    Their threads may still be at work (an object store that failed), and a process that ends beneath them aborts: its
    work is done and committed, and would count as failed.
    """
    threading._shutdown()  # type: ignore[attr-defined]  # waits for threads that are no daemons, as Python does first
    atexit._run_exitfuncs()
    if isinstance(code, str):
        sys.stderr.write(f"{code}\n")
        code = 1
    code = code or 0
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except (BrokenPipeError, ValueError):  # a reader that has gone, a stream that is closed
            continue
        except OSError as error:  # what was said is lost, on a full disk for one
            code = code or _LOST_OUTPUT
            with suppress(OSError):
                os.write(2, f"figlake: {error}\n".encode())
    os._exit(code)
