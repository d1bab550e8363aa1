"""Looks for advisories on every pinned version: ``python infra/audit.py [--strict] [FILE…]``; `make check` runs it.

pip-audit asks the advisory service of the package registry, then OSV; PIP_AUDIT_OSV_URL names a mirror of the latter.
Exit code 1 for an advisory that pyproject.toml does not accept. Where no service answers, it says that nothing was
checked and ends with 0, so that work without internet goes on, or with 1 under ``--strict``, which a release wants.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
PINS = ("constraints.txt", "constraints-airflow.txt")
SERVICES = ("pypi", "osv")
#: Of one answer; a probe of a single package comes before the rest.
TIMEOUT_S = "10"
_USAGE = 2


@dataclass(frozen=True)
class Advisory:
    """A known fault of a pinned version, and the versions that mend it."""

    package: str
    version: str
    names: tuple[str, ...]
    mended_in: tuple[str, ...]

    def __str__(self) -> str:
        mended = f"mended in {', '.join(self.mended_in)}" if self.mended_in else "not mended in any version"
        return f"{self.package} {self.version}: {' = '.join(self.names)}, {mended}"


def main(arguments: list[str]) -> int:
    """Audit the files of pins and say in one line how many versions were checked."""
    strict, files = "--strict" in arguments, [Path(name) for name in arguments if name != "--strict"]
    files = files or [ROOT / name for name in PINS]
    reasons = []
    for service in SERVICES:
        trouble = probe(service, files[0])
        if not trouble:
            return audit(service, files, accepted(), strict)
        reasons.append(f"{service}: {trouble}")
    _say(f"audit: NOTHING WAS CHECKED, because no advisory service answers ({'; '.join(reasons)}).")
    _say("audit: run `python infra/audit.py --strict` where one can be reached before you install this anywhere.")
    return int(strict)


def probe(service: str, pins: Path) -> str:
    """Why a service is of no use, found with the first of the pins; empty where it answers."""
    first = next(line for line in pins.read_text(encoding="utf-8").splitlines() if "==" in line)
    found, trouble = ask(service, ["-r", "/dev/stdin"], first)
    if found and "skip_reason" in found[0]:
        return f"it does not know {first}"
    return trouble


def audit(service: str, files: list[Path], known: Mapping[str, str], strict: bool) -> int:
    """Ask about every pin; print what is wrong, what was accepted and what the service does not know."""
    found, trouble = ask(service, [word for file in files for word in ("-r", str(file))])
    if trouble:
        _say(f"audit: {service} stopped answering: {trouble}")
        return 1
    advisories = list(read(found))
    refused = [each for each in advisories if not set(each.names) & set(known)]
    unknown = [each["name"] for each in found if "skip_reason" in each]
    for each in refused:
        _say(f"audit: {each}")
    _say(
        f"audit: {len(found) - len(unknown)} pinned versions checked with {service}, {len(refused)} advisories, "
        f"{len(advisories) - len(refused)} accepted"
        + (f"; not known there, so not checked: {', '.join(sorted(unknown))}" if unknown else "")
    )
    return int(bool(refused) or (strict and bool(unknown)))


def ask(service: str, requirements: list[str], text: str = "") -> tuple[list[dict[str, Any]], str]:
    """What pip-audit says of each pin, and what went wrong; one of them is empty."""
    command = [
        sys.executable,
        "-m",
        "pip_audit",
        "--vulnerability-service",
        service,
        "--no-deps",
        "--disable-pip",
        "--format",
        "json",
    ]
    command += ["--progress-spinner", "off", "--timeout", TIMEOUT_S, "--desc=off", "--aliases=on", *requirements]
    done = subprocess.run(command, input=text, capture_output=True, text=True, check=False)
    if done.returncode == _USAGE:
        raise RuntimeError(done.stderr)
    try:
        return list(json.loads(done.stdout)["dependencies"]), ""
    except (ValueError, KeyError):
        return [], (done.stderr.strip().splitlines() or [f"pip-audit ended with {done.returncode}"])[-1]


def read(found: list[dict[str, Any]]) -> Iterator[Advisory]:
    """The advisories in pip-audit's answer, each under all its names."""
    for package in found:
        for each in package.get("vulns", ()):
            names = tuple(dict.fromkeys([each["id"], *sorted(each["aliases"])]))
            yield Advisory(package["name"], package["version"], names, tuple(each["fix_versions"]))


def accepted() -> Mapping[str, str]:
    """Advisory → why it does not concern figlake."""
    tree = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    return dict(tree["tool"]["figlake"]["accepted-advisories"])


def _say(line: str) -> None:
    sys.stderr.write(line + "\n")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
