"""Work in a child process: its errors come back, its death costs one call, its memory is capped."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from pipeline.isolation import Isolated


def _worker(start: int) -> Callable[[Any], Any]:
    """Counts its calls from ``start``; does as it is told."""
    calls = [start]

    def run(order: Any) -> Any:
        calls[0] += 1
        if isinstance(order, signal.Signals):
            os.kill(os.getpid(), order)
        if order == "exit":
            os._exit(3)
        if order == "unpicklable":
            raise _StubbornError(lambda: None)
        if isinstance(order, int):
            return len(bytearray(order << 20))
        if order == "fail":
            raise ValueError("no such order")
        return calls[0], os.getpid()

    return run


class _StubbornError(Exception):
    """Cannot be pickled."""


def test_one_process_answers_call_after_call_until_it_is_renewed() -> None:
    work = Isolated(_worker, 10)
    first, second = work("count"), work("count")
    assert (first[0], second[0]) == (11, 12) and first[1] == second[1] != os.getpid()
    work.renew()
    third = work("count")
    assert third[0] == 11 and third[1] != first[1]
    with pytest.raises(ProcessLookupError):
        os.kill(first[1], 0)
    work.renew()


def test_an_error_comes_back_and_the_process_lives_on() -> None:
    work = Isolated(_worker, 0)
    _, process = work("count")
    with pytest.raises(ValueError, match="no such order"):
        work("fail")
    with pytest.raises(RuntimeError, match="_StubbornError"):
        work("unpicklable")
    assert work("count") == (4, process)
    work.renew()


@pytest.mark.parametrize(
    ("order", "raised", "words"),
    [
        (signal.SIGSEGV, RuntimeError, "its process ended by SIGSEGV"),
        (signal.SIGKILL, MemoryError, "its process was killed"),
        ("exit", RuntimeError, "its process ended with exit code 3"),
    ],
)
def test_a_death_costs_one_call(order: object, raised: type[Exception], words: str) -> None:
    work = Isolated(_worker, 0)
    _, process = work("count")
    with pytest.raises(raised, match=words):
        work(order)
    count, another = work("count")
    assert count == 1 and another != process
    work.renew()


def test_memory_past_the_cap_is_an_error_and_not_the_machine_s() -> None:
    work = Isolated(_worker, 0, memory_bytes=300 << 20)
    assert work(50) == 50 << 20
    with pytest.raises(MemoryError):
        work(400)
    assert work("count")[0] == 3
    work.renew()


def test_a_function_that_cannot_be_made_says_why() -> None:
    with pytest.raises(TypeError, match="missing 1 required positional argument"):
        Isolated(_worker)("count")


def _slow() -> Callable[[Any], Any]:
    def run(seconds: float) -> int:
        time.sleep(seconds)
        return os.getpid()

    return run


def test_a_call_that_is_not_done_in_time_costs_itself() -> None:
    work = Isolated(_slow, limit_s=2)
    before = work(0)
    with pytest.raises(TimeoutError, match="not done after 2 s"):
        work(60)
    with pytest.raises(ProcessLookupError):
        os.kill(before, 0)
    assert work(0) != before
    work.renew()


_PARENT = """
import sys
from tests.pipeline.test_isolation import _slow
from pipeline.isolation import Isolated

if __name__ == "__main__":
    work = Isolated(_slow)
    print(work(0), flush=True)
    work(600)
"""


def test_a_child_at_work_ends_with_its_parent(tmp_path: Path) -> None:
    script = tmp_path / "parent.py"
    script.write_text(_PARENT)
    environment = os.environ | {"PYTHONPATH": str(Path(__file__).parents[2])}
    with subprocess.Popen([sys.executable, script], stdout=subprocess.PIPE, text=True, env=environment) as parent:
        assert parent.stdout is not None
        child = int(parent.stdout.readline())
        parent.kill()
    deadline = time.monotonic() + 20
    while Path(f"/proc/{child}").exists() and time.monotonic() < deadline:
        time.sleep(0.1)
    assert not Path(f"/proc/{child}").exists()
