"""A function in a process of its own: renewed when it is worn, replaced when it dies, its memory capped.

Image decoders and inference engines are native code: a crafted image may crash them, a large one may have them killed,
and over days they keep the largest buffers that they ever needed. In a child process each of these costs the batch at
hand and nothing else, and an orchestrator that restarts its own workers never meets the same crash again and again.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
from collections.abc import Callable
from contextlib import suppress
from multiprocessing.connection import Connection, wait
from typing import Any

#: Seconds that a child is given to end by itself.
_PATIENCE = 5


class Isolated:
    """``make(*arguments)`` gives a function of one argument; it is made and called in a child process.

    ``make``, its arguments, what goes in and what comes out are pickled. ``memory_bytes`` caps the child's private
    memory (0: no cap), so that asking for more raises MemoryError there instead of starving the machine. A call that
    has no answer after ``limit_s`` seconds (0: no limit) ends the child.
    """

    def __init__(
        self, make: Callable[..., Callable[[Any], Any]], *arguments: Any, memory_bytes: int = 0, limit_s: float = 0
    ) -> None:
        self._task, self._limit_s = (make, arguments, memory_bytes), limit_s
        self._child: tuple[multiprocessing.process.BaseProcess, Connection] | None = None

    def __call__(self, item: Any) -> Any:
        """The function's answer.

        Raises what the function, or making it, raised. When the child dies, raises MemoryError if it was killed, as
        systems do that run out of memory, else RuntimeError with the signal; when it is not done in time, raises
        TimeoutError. The next call starts a fresh one.
        """
        process, connection = self._child = self._child or _start(*self._task)
        try:
            connection.send(item)
            if not wait([connection, process.sentinel], self._limit_s or None):
                process.kill()
                self._end()
                raise TimeoutError(f"it was not done after {self._limit_s:g} s")
            done, answer = connection.recv()
        except TimeoutError:
            raise
        except (EOFError, OSError):
            raise self._end() from None
        if done:
            return answer
        raise answer

    @property
    def peak_memory_mb(self) -> float:
        """Largest resident set of the child that there is; 0 while there is none, or where nothing tells."""
        from pipeline.parts import peak_memory_mb  # not for the child, which imports this module

        return peak_memory_mb(self._child[0].pid) if self._child else 0.0

    def renew(self) -> None:
        """End the child; the next call starts a fresh one."""
        if self._child is not None:
            self._child[1].close()  # the child reads the end of its input
            self._child[0].join(_PATIENCE)
            self._end()

    def _end(self) -> Exception:
        """Make sure that the child has ended, and say how."""
        assert self._child is not None  # noqa: S101 - only called while there is one
        process, connection = self._child
        self._child = None
        connection.close()
        process.join(_PATIENCE)
        if process.is_alive():
            process.kill()
            process.join()
        code = process.exitcode or 0
        if code == -signal.SIGKILL:
            return MemoryError("its process was killed, as a system does that runs out of memory")
        reason = f"by {signal.Signals(-code).name}" if code < 0 else f"with exit code {code}"
        return RuntimeError(f"its process ended {reason}")


def _start(
    make: Callable[..., Callable[[Any], Any]], arguments: tuple[Any, ...], memory_bytes: int
) -> tuple[multiprocessing.process.BaseProcess, Connection]:
    context = multiprocessing.get_context("spawn")  # a fork would copy the locks of the caller's threads
    ours, theirs = context.Pipe()
    process = context.Process(target=_serve, args=(theirs, make, arguments, memory_bytes), daemon=True)
    process.start()
    theirs.close()
    return process, ours


def _serve(connection: Connection, make: Callable[..., Any], arguments: tuple[Any, ...], memory_bytes: int) -> None:
    """Answer until the caller is gone."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the caller decides when to end
    threading.Thread(target=_end_with_parent, daemon=True).start()
    if memory_bytes:
        import resource

        resource.setrlimit(resource.RLIMIT_DATA, (memory_bytes, memory_bytes))
    function: Any = None
    with suppress(EOFError, OSError):
        while True:
            item = connection.recv()
            try:
                function = function or make(*arguments)
                answer = True, function(item)
            except Exception as error:
                answer = False, _portable(error)
            connection.send(answer)
    os._exit(0)  # engines' own threads need no tidying up


def _end_with_parent() -> None:
    """A call that takes for ever does not see that nobody waits for its answer."""
    if (parent := multiprocessing.parent_process()) is not None:
        parent.join()
        os._exit(1)


def _portable(error: Exception) -> Exception:
    """The error, or one of its words where it cannot travel."""
    import pickle

    try:
        pickle.loads(pickle.dumps(error))  # noqa: S301 - our own
    except Exception:
        return RuntimeError(f"{type(error).__name__}: {error}")
    return error
