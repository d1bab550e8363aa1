"""What a lake holds and how far each archive has come."""

from __future__ import annotations

import json
from typing import Any

from pipeline import registry
from pipeline.config import Settings
from pipeline.errors import UsageError
from pipeline.flow import LAKE_SCOPE, STEPS, Step
from pipeline.lake import Lake
from pipeline.ledger import Ledger
from pipeline.runner import plan, standing_generation
from schemas import TABLES


def lake_status(lake: Lake, settings: Settings) -> dict[str, Any]:
    """Per archive and step: state, rows, rejects, seconds; totals per table; the current release.

    States: ``done`` (up to date), ``stale`` (stands, but inputs or settings have changed since),
    ``failed``, ``interrupted`` (started and neither done nor failed), ``pending``.
    """
    lake = lake.snapshot()
    ledger = Ledger.read(lake)
    roles, reasons = _counts(lake, "sheets", "role"), _counts(lake, "rejects", "reason")
    files = {name: lake.files(name) for name in TABLES}
    archives: dict[str, Any] = {}
    for name, archive in registry.known(lake).items():
        rows = {
            table: sum(f.rows for f in found if f.partition.get("archive") == name)
            for table, found in files.items()
            if "archive" in TABLES[table].partition_by
        }
        archives[name] = {
            "uri": archive.uri,
            "sha256": archive.sha256,
            "steps": {s.name: _step(lake, settings, s, name, ledger) for s in STEPS if s.scope == "archive"},
            "rows": {table: count for table, count in rows.items() if table not in ("codebooks", "tombstones")},
            "sheets_by_role": roles.get(name, {}),
            "rejects_by_reason": reasons.get(name, {}),
        }
    return {
        "lake": lake.storage.root,
        "archives": archives,
        "lake_steps": {s.name: _step(lake, settings, s, LAKE_SCOPE, ledger) for s in STEPS if s.scope == "lake"},
        "tables": {
            table: {"version": lake.version(table), "rows": sum(f.rows for f in found)}
            for table, found in files.items()
        },
        "release": current_release(lake),
    }


def _counts(lake: Lake, table: str, column: str) -> dict[str, dict[str, int]]:
    """By archive, how many rows have which value of a column."""
    found: dict[str, dict[str, int]] = {}
    counted = lake.read(table, ["archive", column]).group_by(["archive", column]).aggregate([([], "count_all")])
    for row in sorted(counted.to_pylist(), key=lambda row: str(row[column])):
        found.setdefault(row["archive"], {})[row[column]] = row["count_all"]
    return found


def current_release(lake: Lake) -> dict[str, Any] | None:
    """Name, counts, recall and table versions of the release that CURRENT names; None before the first."""
    if not lake.storage.exists("releases", "CURRENT"):
        return None
    name = lake.storage.read_bytes("releases", "CURRENT").decode().strip()
    if name.startswith("{"):
        name = json.loads(name)["release"]
    manifest: dict[str, Any] = json.loads(lake.storage.read_bytes("releases", name, "manifest.json"))
    return manifest


def release_versions(lake: Lake) -> tuple[str, dict[str, int]]:
    """The current release and the version of each table that it was built from.

    Raises UsageError before the first release.
    """
    manifest = current_release(lake)
    if manifest is None:
        raise UsageError("nothing is published here yet; ask the newest tables with --latest")
    return manifest["release"], manifest["tables"]


def state_of(lake: Lake, settings: Settings, step: Step, archive: str, ledger: Ledger) -> str:
    """One of the states that ``lake_status`` names, for one step of one archive."""
    standing = standing_generation(lake, step, archive, ledger)
    if standing is not None and plan(lake, settings, step, archive, ledger).done:
        return "done"
    latest = ledger.latest(step.name, archive)
    if latest is not None and latest.state == "failed":
        return "failed"
    if latest is not None and latest.state == "started" and latest.generation != standing:
        return "interrupted"
    return "pending" if standing is None else "stale"


def _step(lake: Lake, settings: Settings, step: Step, archive: str, ledger: Ledger) -> dict[str, Any]:
    latest, done = ledger.latest(step.name, archive), ledger.latest(step.name, archive, "done")
    state = state_of(lake, settings, step, archive, ledger)
    return {
        "state": state,
        "rows": dict(done.rows_out) if done else {},
        "rejects": done.rejects if done else None,
        "seconds": round(done.seconds, 2) if done and done.seconds is not None else None,
        "error": latest.detail.get("error") if latest and state == "failed" else None,
    }
