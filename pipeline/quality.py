"""What the tables are expected to be, checked before a release is made of them.

Keys are unique, references lead somewhere, numbers are in their range, vectors have unit length, and not too many
sheets, figures and documents came out empty. Each expectation is one SQL aggregate over a snapshot; an archive is
judged by itself, so that one bad night does not hide in a good decade.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Literal

from pipeline.config import QualitySettings
from pipeline.lake import Lake
from pipeline.parts import PartWriter
from pipeline.sql import opened
from schemas import TABLES

Kind = Literal["keys", "references", "ranges", "norms", "shares"]
KINDS: tuple[Kind, ...] = ("keys", "references", "ranges", "norms", "shares")
_EXAMPLES = 5

#: (table, column, table and column that it refers to), within an archive.
_REFERENCES = (
    ("passages", "doc_id", "documents", "doc_id"),
    ("sheets", "doc_id", "documents", "doc_id"),
    ("regions", "sheet_id", "sheets", "sheet_id"),
    ("figures", "sheet_id", "sheets", "sheet_id"),
    ("signs", "doc_id", "documents", "doc_id"),
    ("figure_signs", "figure_id", "figures", "figure_id"),
    ("links", "figure_id", "figures", "figure_id"),
    ("links", "passage_id", "passages", "passage_id"),
    ("figure_vectors", "figure_id", "figures", "figure_id"),
    ("text_vectors", "figure_id", "figures", "figure_id"),
    ("passage_vectors", "passage_id", "passages", "passage_id"),
    ("region_vectors", "figure_id", "figures", "figure_id"),
    ("facets", "figure_id", "figures", "figure_id"),
)
#: (table, the row's key, what must hold, in words).
_RANGES = (
    ("sheets", "sheet_id", "width_px > 0 AND height_px > 0", "has a size"),
    ("regions", "sheet_id", "confidence BETWEEN 0 AND 1", "has a confidence from 0 to 1"),
    ("figures", "figure_id", "0 <= x0 AND x0 < x1 AND 0 <= y0 AND y0 < y1", "has a box"),
    ("links", "figure_id", "score BETWEEN 0 AND 1", "has a score from 0 to 1"),
    ("signs", "sign", "mentions > 0 AND confidence BETWEEN 0 AND 1", "is mentioned"),
)
_VECTORS = (
    ("figure_vectors", "figure_id"), ("text_vectors", "figure_id"), ("passage_vectors", "passage_id"),
    ("region_vectors", "region_id"),
)  # fmt: skip
#: How far a vector of half precision may be from unit length.
_UNIT = 0.01


@dataclass(frozen=True)
class Expectation:
    """``sql`` gives archive, checked, failed and examples (a list of keys) for each archive."""

    name: str
    kind: Kind
    table: str
    sql: str
    allowed: float = 0.0


@dataclass(frozen=True)
class Finding:
    """One expectation on one archive's rows."""

    expectation: Expectation
    archive: str
    checked: int
    failed: int
    examples: tuple[str, ...]
    severity: Literal["fail", "warn"]

    @property
    def passed(self) -> bool:
        return self.failed <= self.expectation.allowed * self.checked

    def __str__(self) -> str:
        share = f"{self.failed:,} of {self.checked:,} rows"
        limit = f", {self.expectation.allowed:.0%} allowed" if self.expectation.allowed else ""
        such = f"; such as {', '.join(self.examples)}" if self.examples else ""
        return f"{self.archive}: {self.expectation.name} does not hold for {share}{limit}{such}"


def expectations(settings: QualitySettings) -> list[Expectation]:
    """Every expectation that is not turned off."""
    every = [*_keys(), *_references(), *_ranges(), *_norms(), *_shares(settings)]
    return [found for found in every if not {found.kind, found.name} & set(settings.off)]


def check(lake: Lake, settings: QualitySettings, archives: Collection[str] | None = None) -> list[Finding]:
    """Check the snapshot that ``lake`` is pinned to, of some archives or of all; every finding, good or bad."""
    findings = []
    with opened(lake) as connection:
        for table in sorted({table for table in TABLES if "archive" in TABLES[table].partition_by}):
            connection.register(f"all_{table}", lake.dataset(table))
            connection.execute(f"CREATE VIEW {table} AS SELECT * FROM all_{table}{_only(archives)}")
        for expected in expectations(settings):
            for archive, checked, failed, examples in connection.sql(expected.sql).fetchall():
                severity: Literal["fail", "warn"] = "fail" if _is_severe(expected, settings) else "warn"
                found = tuple(str(example) for example in (examples or ())[:_EXAMPLES])
                findings.append(Finding(expected, archive, int(checked), int(failed or 0), found, severity))
    return sorted(findings, key=lambda found: (found.passed, found.severity, found.expectation.name, found.archive))


def record(lake: Lake, findings: Iterable[Finding], at: datetime | None = None) -> None:
    """Append the findings of one check to the table ``quality``."""
    at = at or datetime.now(UTC)
    rows = [_row(found, at) for found in findings]
    if rows:
        with PartWriter(lake.storage, "quality", {"month": f"{at:%Y-%m}"}) as writer:
            writer.write_rows(rows)
        lake.append("quality", writer.parts)


def changed_archives(lake: Lake, before: Lake | None, tables: Collection[str] = tuple(TABLES)) -> set[str]:
    """Archives whose rows in ``tables`` differ between two snapshots; all where there is no earlier one."""
    changed: set[str] = set()
    for table in tables:
        if "archive" in TABLES[table].partition_by:
            now = _files(lake, table)
            changed |= {archive for archive, _ in now ^ (_files(before, table) if before else set())}
    return changed


def _files(lake: Lake, table: str) -> set[tuple[str, str]]:
    return {(file.partition["archive"], file.path) for file in lake.files(table)}


def _is_severe(expected: Expectation, settings: QualitySettings) -> bool:
    return bool({expected.kind, expected.name} & set(settings.fail))


def _only(archives: Collection[str] | None) -> str:
    if archives is None:
        return ""
    names = ", ".join("'" + name.replace("'", "''") + "'" for name in sorted(archives))
    return f" WHERE archive IN ({names})" if names else " WHERE false"


def _row(found: Finding, at: datetime) -> dict[str, Any]:
    expected = found.expectation
    return {
        "at": at, "expectation": expected.name, "kind": expected.kind, "table": expected.table,
        "archive": found.archive, "checked": found.checked, "failed": found.failed, "allowed": expected.allowed,
        "severity": found.severity, "passed": found.passed, "examples": list(found.examples),
    }  # fmt: skip


def _keys() -> Iterator[Expectation]:
    for name, table in TABLES.items():
        columns = [column for column in table.key if column != "archive"]
        if "archive" not in table.partition_by or not columns:
            continue
        sql = f"""
            SELECT archive, sum(n), sum(n - 1), list_slice(list(key) FILTER (WHERE n > 1), 1, 5) FROM (
                SELECT archive, concat_ws(' ', {", ".join(columns)}) AS key, count(*) AS n FROM {name} GROUP BY ALL
            ) GROUP BY archive"""
        yield Expectation(f"{name} is unique by {', '.join(columns)}", "keys", name, sql)


def _references() -> Iterator[Expectation]:
    for table, column, other, key in _REFERENCES:
        own = f"(SELECT archive, {column} AS key FROM {table}) AS own"
        known = f"(SELECT DISTINCT archive, {key} AS key, true AS there FROM {other}) AS known"
        sql = _counted(f"{own} LEFT JOIN {known} USING (archive, key)", "there", "key")
        yield Expectation(f"{table}.{column} is in {other}", "references", table, sql)


def _ranges() -> Iterator[Expectation]:
    for table, key, holds, words in _RANGES:
        yield Expectation(f"each of {table} {words}", "ranges", table, _counted(table, holds, key))
    inside = _counted(
        "figures JOIN (SELECT archive, sheet_id, width_px, height_px FROM sheets) USING (archive, sheet_id)",
        "x1 <= width_px AND y1 <= height_px",
        "figure_id",
    )
    yield Expectation("each of figures lies in its sheet", "ranges", "figures", inside)


def _norms() -> Iterator[Expectation]:
    for table, key in _VECTORS:
        holds = f"abs(sqrt(list_inner_product(vector, vector)) - 1) < {_UNIT}"
        yield Expectation(f"each of {table} has unit length", "norms", table, _counted(table, holds, key))


def _shares(settings: QualitySettings) -> Iterator[Expectation]:
    """How much may come out empty. Scanned documents have no text, which is nobody's fault."""
    described = "(SELECT DISTINCT archive, doc_id, true AS read FROM passages WHERE section = 'description')"
    for name, table, allowed, rows, holds, key in (
        (
            "a drawing has regions", "regions", settings.sheets_without_regions,
            "(SELECT archive, sheet_id FROM sheets WHERE role = 'drawing') AS own LEFT JOIN "
            "(SELECT DISTINCT archive, sheet_id, true AS there FROM regions) AS known USING (archive, sheet_id)",
            "there", "sheet_id",
        ),
        (
            "a figure has a label", "figures", settings.figures_without_label,
            "figures", "label IS NOT NULL", "figure_id",
        ),
        (
            "a figure of a described document has links", "links", settings.figures_without_links,
            f"figures JOIN {described} USING (archive, doc_id) LEFT JOIN "
            "(SELECT DISTINCT archive, figure_id, true AS there FROM links) AS known USING (archive, figure_id)",
            "there", "figure_id",
        ),
        (
            "a document that is not scanned has passages", "passages", settings.documents_without_passages,
            "(SELECT archive, doc_id FROM documents WHERE NOT scanned) AS own LEFT JOIN "
            "(SELECT DISTINCT archive, doc_id, true AS there FROM passages) AS known USING (archive, doc_id)",
            "there", "doc_id",
        ),
    ):  # fmt: skip
        yield Expectation(name, "shares", table, _counted(rows, holds, key), allowed)


def _counted(rows: str, holds: str, key: str) -> str:
    """Per archive: rows, rows for which the condition does not hold, and some of their keys."""
    bad = f"(WHERE NOT coalesce({holds}, false))"
    return f"""
        SELECT archive, count(*), count(*) FILTER {bad}, list_slice(list(DISTINCT {key}) FILTER {bad}, 1, {_EXAMPLES})
        FROM {rows} GROUP BY archive"""


def failures(findings: Sequence[Finding]) -> list[Finding]:
    """Those that stop a release."""
    return [found for found in findings if not found.passed and found.severity == "fail"]
