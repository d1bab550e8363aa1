"""How processes end: real ones, by what they print and their exit codes."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


def ended(program: str, **options: object) -> subprocess.CompletedProcess[str]:
    text = f"import atexit, sys, threading, time\nfrom pipeline.ending import leave\n{program}"
    environment = {"PATH": "/usr/bin:/bin", "PYTHONPATH": str(ROOT)}
    return subprocess.run(
        [sys.executable, "-c", text], env=environment, text=True, stderr=subprocess.PIPE, check=False,
        **{"stdout": subprocess.PIPE, **options},
    )  # type: ignore[call-overload,no-any-return]  # fmt: skip


@pytest.mark.parametrize(("given", "code", "said"), [("None", 0, ""), ("0", 0, ""), ("3", 3, ""), ("'no'", 1, "no\n")])
def test_the_exit_code_is_the_one_that_sys_exit_would_give(given: str, code: int, said: str) -> None:
    done = ended(f"leave({given})")
    assert (done.returncode, done.stderr) == (code, said)


def test_threads_are_waited_for_and_what_was_printed_comes_and_handlers_run() -> None:
    done = ended(
        "atexit.register(print, 'handler')\n"
        "threading.Thread(target=lambda: (time.sleep(0.3), print('thread'))).start()\n"
        "print('main')\nleave(0)"
    )
    assert (done.returncode, done.stdout.split()) == (0, ["main", "thread", "handler"])


def test_a_thread_that_is_at_work_in_a_library_does_not_change_the_code() -> None:
    done = ended("threading.Thread(target=time.sleep, args=(600,), daemon=True).start()\nleave(3)", timeout=30)
    assert done.returncode == 3


def test_output_that_could_not_be_written_is_no_success() -> None:
    with open("/dev/full", "w") as full:
        done = ended("print('lost')\nleave(0)", stdout=full)
    assert done.returncode == 120
    assert "No space left" in done.stderr


@pytest.mark.parametrize(("body", "code"), [("assert True", 0), ("assert False", 1), (None, 5)])
def test_the_suite_ends_with_the_code_of_its_session(tmp_path: Path, body: str | None, code: int) -> None:
    (tmp_path / "test_one.py").write_text(f"def test_one():\n    {body}\n" if body else "")
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-c", "/dev/null", "-p", "tests.conftest", str(tmp_path)],
        cwd=tmp_path, env={"PATH": "/usr/bin:/bin", "PYTHONPATH": str(ROOT)}, capture_output=True, text=True,
    )  # fmt: skip
    assert done.returncode == code, done.stdout + done.stderr
