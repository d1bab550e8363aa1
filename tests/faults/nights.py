"""Whole nights as real processes: ``figlake run`` and what it starts, with the engines' work handed over."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from datetime import date
from pathlib import Path

from pipeline.config import PublishSettings, QualitySettings, Settings
from pipeline.lake import Lake
from tests.faults.archives import good_package, weekly
from tests.faults.verdict import assert_whole
from tests.indexing.lakes import add_archive, build_index, clustered

ROOT = Path(__file__).resolve().parents[2]
SETTINGS = Settings(publish=PublishSettings(queries=20, recall_at_10=0.5), quality=QualitySettings(off=("references",)))
_CONFIG = '[publish]\nqueries = 20\nrecall_at_10 = 0.5\n[quality]\noff = ["references"]\n'
VECTORS = clustered(12, 16, 3, seed=1)
_DOCUMENTS = 6
#: A night takes seconds, in a disturbed store minutes; one that is still at it after this many hangs.
HUNG_S = 400


def make_whole(root: Path, archives: str = "A") -> Lake:
    """What a night is to bring about, made without faults; each delivery (a letter) lies beside it, as ``A.zip``."""
    lake = Lake.at(root)
    for place, archive in enumerate(archives):
        numbers = range(place * _DOCUMENTS, (place + 1) * _DOCUMENTS)
        documents = {f"EP{n}A1": {"1": (VECTORS[n], VECTORS[n])} for n in numbers}
        passages = {f"EP{n}A1/d/1/0": VECTORS[n] for n in numbers}
        add_archive(lake, archive, documents, date(2019, 2, 13 + 7 * place), passages=passages)
        weekly(root / f"{archive}.zip", {f"EP100000{place + 1}NWA1": good_package(f"100000{place + 1}")})
    build_index(lake, SETTINGS)
    (root / "night.toml").write_text(_CONFIG)
    return lake


def started(whole: Lake, root: Path) -> Lake:
    """An empty lake; the index's files lie there as workers would have left them."""
    shutil.copytree(Path(whole.storage.root) / "index", root / "index", dirs_exist_ok=True)
    return Lake.at(root)


def start(
    lake: Lake, whole: Lake, *more: str, archive: str | None = None, environment: Mapping[str, str] | None = None
) -> subprocess.Popen[str]:
    """``figlake run`` of the delivery (or another) into the lake, in a process group of its own."""
    source = Path(whole.storage.root)
    command = [sys.executable, "-m", "jobs.cli", "run", "--archives", archive or str(source / "A.zip"),
               "--lake", lake.storage.root, "--config", str(source / "night.toml"), *more]  # fmt: skip
    return subprocess.Popen(
        command, cwd=ROOT, text=True, start_new_session=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": f"{ROOT / 'tests/faults/handed'}:{ROOT}",
             "FIGLAKE_TEST_SOURCE": whole.storage.root, **(environment or {})},
    )  # fmt: skip


def end(process: subprocess.Popen[str]) -> tuple[int, str]:
    """Exit code and all that was said. Raises TimeoutExpired, the group killed, when the night hangs."""
    try:
        said = "".join(process.communicate(timeout=HUNG_S))
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, 9)
        process.communicate()
        raise
    return process.returncode, said


def run(
    lake: Lake, whole: Lake, *more: str, archive: str | None = None, environment: Mapping[str, str] | None = None
) -> tuple[int, str]:
    """A night to its end."""
    return end(start(lake, whole, *more, archive=archive, environment=environment))


def assert_next_night_ends_whole(lake: Lake, whole: Lake, *more: str) -> None:
    """The next night ends well, and with the tables of an undisturbed one."""
    code, said = run(lake, whole, *more)
    assert code == 0, said
    assert_whole(lake, whole)
