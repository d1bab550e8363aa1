"""A lake on a disk of its own that gets full, or may no longer be written to: ``python -m tests.faults.small_disk``.

Runs in a private mount namespace (``unshare --mount``), where it may mount a tmpfs that nobody else sees.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from pipeline.lake import Lake
from tests.faults import nights
from tests.faults.verdict import assert_nothing_twice_and_current_readable

#: No night of six documents needs more.
_ROOM_KB = 65_536


def permitted() -> bool:
    """Whether this process may make a mount namespace."""
    return subprocess.run(["unshare", "--mount", "true"], capture_output=True).returncode == 0


def in_namespace(whole: Lake, place: Path, fault: str) -> subprocess.CompletedProcess[str]:
    """Run :func:`main` in a mount namespace; ``fault`` is ``read-only`` or the KiB that are left to the night."""
    place.mkdir()
    return unshared("tests.faults.small_disk", whole.storage.root, str(place), fault)


def unshared(module: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run a module in a mount namespace of its own."""
    command = [sys.executable, "-m", module, *arguments]
    return subprocess.run(
        ["unshare", "--mount", *command], cwd=nights.ROOT, text=True, capture_output=True, timeout=3 * nights.HUNG_S,
        env={**os.environ, "PYTHONPATH": str(nights.ROOT)},
    )  # fmt: skip


def main(source: str, place: str, fault: str) -> None:
    """The night meets the fault and says so in one line; the next one, with the fault mended, ends whole."""
    whole = Lake.at(source)
    mount(place, "-t", "tmpfs", "-o", f"size={_ROOM_KB}k", "tmpfs")
    lake = nights.started(whole, Path(place))
    filler = Path(place) / "filler"
    if fault == "read-only":
        code, said = nights.run(lake, whole, "--to", "link")
        assert code == 0, said
        mount(place, "-o", "remount,ro")
    else:
        fill(filler, int(fault) * 1024)
    assert_told_in_one_line(*nights.run(lake, whole))
    assert_nothing_twice_and_current_readable(lake, whole, nights.SETTINGS)
    if fault == "read-only":
        mount(place, "-o", "remount,rw")
    filler.unlink(missing_ok=True)
    nights.assert_next_night_ends_whole(lake, whole)


def assert_told_in_one_line(code: int, said: str) -> None:
    """The night failed, and said why in one line."""
    assert code == 1, f"exit code {code}: {said}"
    assert "Traceback" not in said and 'File "' not in said, said
    told = [line for line in said.splitlines() if "No space left on device" in line or "Read-only file system" in line]
    assert len(told) == 1, said
    print(told[0])


def mount(place: str, *options: str) -> None:
    """Mount, or mount anew, at a place of this namespace."""
    subprocess.run(["mount", *options, place], check=True)


def fill(path: Path, left: int) -> None:
    """Take all room but ``left`` bytes."""
    free = os.statvfs(path.parent)
    with path.open("wb") as stream:
        os.posix_fallocate(stream.fileno(), 0, max(1, free.f_bavail * free.f_frsize - left))


if __name__ == "__main__":
    main(*sys.argv[1:])
