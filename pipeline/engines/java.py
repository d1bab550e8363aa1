"""Where Java is. Spark needs version 17 or newer; nothing else in figlake does."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

from pipeline.errors import FiglakeError

MINIMUM_VERSION = 17
#: The runtime that ``infra/java.py`` puts beside the virtual environment where the machine has none.
PRIVATE_FOLDER = Path(sys.prefix).parent / ".jdk"

#: The line that installs Java, by the package manager it is for.
_INSTALL_LINES = {
    "apt-get": "apt-get install -y openjdk-17-jre-headless",
    "dnf": "dnf install -y java-17-openjdk-headless",
    "apk": "apk add openjdk17-jre-headless",
    "zypper": "zypper install -y java-17-openjdk-headless",
    "brew": "brew install openjdk@17",
}


def find_java(environment: Mapping[str, str] | None = None, private: Path = PRIVATE_FOLDER) -> Path:
    """The home folder of a Java 17 or newer: JAVA_HOME, else the PATH's, else the private runtime.

    Raises FiglakeError that says what was found and gives the one line that installs Java.
    """
    environment = os.environ if environment is None else environment
    found = []
    for program in _candidates(environment, private):
        home, version = _inspect(program)
        if home is not None and version >= MINIMUM_VERSION:
            return home
        found.append(f"{program} is version {version}" if home else f"{program} does not run")
    trouble = "; ".join(found) or "there is none in JAVA_HOME or on the PATH"
    raise FiglakeError(f"Spark needs Java {MINIMUM_VERSION} or newer, and {trouble}. Install it: {install_line()}")


def install_line() -> str:
    """The command that installs Java on this machine."""
    manager = next((name for name in _INSTALL_LINES if shutil.which(name)), "apt-get")
    sudo = "sudo " if os.geteuid() != 0 and manager != "brew" else ""
    return sudo + _INSTALL_LINES[manager]


def _candidates(environment: Mapping[str, str], private: Path) -> Iterator[Path]:
    if home := environment.get("JAVA_HOME"):
        yield Path(home) / "bin" / "java"
    if on_path := shutil.which("java", path=environment.get("PATH", "")):
        yield Path(on_path)
    yield from sorted(private.rglob("bin/java"))


def _inspect(program: Path) -> tuple[Path | None, int]:
    """Home and feature version of a java program, as it states them itself; (None, 0) if it does not run.

    A program on the PATH is often a link or a shim, so only the runtime knows its home.
    """
    command = [str(program), "-XshowSettings:properties", "-version"]
    try:
        text = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True).stderr
    except (OSError, subprocess.SubprocessError):
        return None, 0
    values = dict(re.findall(r"^\s*(java\.home|java\.specification\.version) = (.+?)\s*$", text, re.MULTILINE))
    # Java 8 calls itself 1.8.
    version = re.match(r"(?:1\.)?(\d+)", values.get("java.specification.version", ""))
    if "java.home" not in values or version is None:
        return None, 0
    return Path(values["java.home"]), int(version.group(1))
