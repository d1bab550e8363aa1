"""How a command of figlake is started: as a process here, by spark-submit, or as a job of a Ray cluster."""

from __future__ import annotations

import ctypes
import json
import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

#: Airflow's own settings and libraries are nothing for figlake's process to see.
PRIVATE_PREFIXES = ("AIRFLOW", "_AIRFLOW", "PYTHON", "VIRTUAL_ENV")
RUNNERS = ("shell", "cluster")
#: The variables by which a process of figlake knows which run it belongs to, and which task began it in lineage.
RUN_ID, PARENT = "FIGLAKE_RUN_ID", "OPENLINEAGE_PARENT_ID"
#: `ray job submit` ends with 1 whatever its job ended with, and says the rest in words.
_RAY_EXIT_CODE = re.compile(r"entrypoint command failed with exit code (\d+)")
_RAY_SUCCESS = re.compile(r"Job '.*' succeeded")
#: How a line of Ray's own begins, 2026-11-29 16:28:41,729<tab>ERR cli.py:74 --, and its colours.
_RAY_LINE = re.compile(r"\d{4}-\d\d-\d\d [\d:,]+\t\w+ \w+\.py:\d+ -- ")
_COLOUR = re.compile(r"\x1b\[[\d;]*m")
_PR_SET_PDEATHSIG = 1
#: Loaded now: between fork and exec another thread may hold the loader's lock, for ever.
_LIBC = ctypes.CDLL(None)


@dataclass(frozen=True)
class Runner:
    """Where steps run. ``shell``: all of them here. ``cluster``: Spark's by spark-submit, Ray's as jobs of a cluster.

    ``command`` is figlake in its own environment; Spark's and Ray's commands are taken from beside it. What
    needs no engine always runs here.
    """

    kind: str
    command: str
    spark_options: str
    spark_application: str
    ray_address: str

    def start(self, engine: str, arguments: Sequence[str], job: str, shared: Mapping[str, str]) -> list[str]:
        """The command line that runs ``figlake ARGUMENTS``; ``job`` names it where a cluster wants a name, ``shared``
        are variables that its process must have, wherever it runs: ``RUN_ID`` and ``PARENT``.

        Raises ValueError for a runner that there is not.
        """
        if self.kind not in RUNNERS:
            raise ValueError(f"figlake_runner is {self.kind!r}; it must be one of: {', '.join(RUNNERS)}")
        own = shlex.split(self.command)
        if self.kind == "cluster" and engine == "spark":
            submit = [self._beside("spark-submit"), "--name", job, *shlex.split(self.spark_options)]
            return [*submit, self.spark_application, *arguments]
        if self.kind == "cluster" and engine == "ray":
            there = json.dumps({"env_vars": dict(shared)})  # a job has the cluster's environment
            return [*self._ray("submit"), "--submission-id", job, "--runtime-env-json", there, "--", *own, *arguments]
        return [*own, *arguments]

    def variables(self, engine: str) -> dict[str, str]:
        """What the process needs besides: `spark-submit` finds Spark by, and runs its driver with, figlake's Python.
        Airflow's comes first on the path, and has no Spark."""
        figlake = shutil.which(shlex.split(self.command)[0])
        if (self.kind, engine) != ("cluster", "spark") or figlake is None or "PYSPARK_PYTHON" in os.environ:
            return {}
        return {"PYSPARK_PYTHON": str(Path(figlake).with_name("python3"))}

    def outcome(self, engine: str, code: int, lines: Sequence[str]) -> int:
        """The exit code that the last lines stand for. `ray job submit` ends with 0 also where a job was stopped, or
        goes on while the connection is lost: only a job that it calls succeeded is done."""
        submitted = (self.kind, engine) == ("cluster", "ray")
        return 1 if submitted and code == 0 and not any(_RAY_SUCCESS.search(line) for line in lines) else code

    def said(self, engine: str, lines: Sequence[str]) -> list[str]:
        """The lines that tell how it ended: figlake's own, or, where it did not come to an end, what Ray says of that.
        `ray job submit` says more in any case, before and after them."""
        if (self.kind, engine) != ("cluster", "ray"):
            return list(lines)
        if any(_RAY_SUCCESS.search(line) or _RAY_EXIT_CODE.search(line) for line in lines):
            return [line for line in lines if line and not _RAY_LINE.match(line)] or [""]
        words = [_RAY_LINE.sub("", _COLOUR.sub("", line)) for line in lines]
        return [text for text in words if text.strip("- ")] or [""]

    def stop(self, engine: str, job: str) -> list[str] | None:
        """The command line that ends what outlives the process that ``start`` describes: a job of a Ray cluster."""
        return [*self._ray("stop"), job] if (self.kind, engine) == ("cluster", "ray") else None

    def _ray(self, verb: str) -> list[str]:
        return [self._beside("ray"), "job", verb, *(["--address", self.ray_address] if self.ray_address else [])]

    def _beside(self, program: str) -> str:
        figlake = shlex.split(self.command)[0]
        return str(Path(figlake).with_name(program)) if "/" in figlake else program


@dataclass
class Process:
    """A process in a group of its own, so that its end is the end of the engines it started.

    It also ends when the task's process is killed, so that no retry works beside what it was to replace.
    """

    environment: Mapping[str, str] = field(
        default_factory=lambda: {n: v for n, v in os.environ.items() if not n.startswith(PRIVATE_PREFIXES)}
    )
    _process: subprocess.Popen[str] | None = None

    def run(
        self, command: Sequence[str], folder: str, say: Callable[[str], None], besides: Mapping[str, str] | None = None
    ) -> tuple[int, list[str]]:
        """Run it to its end; every line it prints is said at once. ``besides``: more of its environment. Returns exit
        code and the last lines.
        """
        process = subprocess.Popen(
            command, cwd=folder, env={**self.environment, **(besides or {})}, text=True, errors="backslashreplace",
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, start_new_session=True,
            preexec_fn=_die_with_parent,
        )  # fmt: skip
        self._process, lines, code = process, [""], None
        for line in process.stdout or ():
            lines = [*lines[-20:], line.rstrip()]
            say(lines[-1])
            if found := _RAY_EXIT_CODE.search(line):
                code = int(found[1])
        ended = process.wait()
        return (code if code is not None and ended else ended), lines

    def end(self) -> None:
        """End it and all that it started."""
        if self._process is not None and self._process.poll() is None:
            os.killpg(self._process.pid, signal.SIGTERM)


def _die_with_parent() -> None:
    """Linux: the process gets SIGTERM when the one that started it dies, even by SIGKILL."""
    if sys.platform == "linux":
        _LIBC.prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
