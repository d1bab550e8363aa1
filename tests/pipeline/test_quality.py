"""Expectations on tables: what is wrong is found, named, and told apart from what is only poor."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from pipeline import quality
from pipeline.config import QualitySettings
from pipeline.lake import Lake
from schemas import TABLES
from tests.ocr.drawn import sheet
from tests.ocr.sheets import lake_with, sheet_row

UNIT = [0.6, 0.8]


def figure(label: str | None = "1", **columns: Any) -> dict[str, Any]:
    return {
        "figure_id": f"EP1A1/1.tif#{label or '@0'}", "sheet_id": "EP1A1/1.tif", "doc_id": "EP1A1", "label": label,
        "label_source": "ocr" if label else "none", "ordinal": 0, "x0": 0, "y0": 0, "x1": 100, "y1": 80, **columns,
    }  # fmt: skip


def region(ordinal: int = 0, **columns: Any) -> dict[str, Any]:
    return {
        "sheet_id": "EP1A1/1.tif", "ordinal": ordinal, "doc_id": "EP1A1", "polygon": [0.0] * 8, "text": "12",
        "confidence": 0.9, "angle": 0, "role": "sign", "sign": "12", "engine": "test", **columns,
    }  # fmt: skip


def vector(values: list[float], figure_id: str = "EP1A1/1.tif#1") -> dict[str, Any]:
    return {"figure_id": figure_id, "doc_id": "EP1A1", "model": "m", "revision": "r", "vector": values}


def tables(**changed: list[dict[str, Any]]) -> dict[str, list[dict[str, Any]]]:
    document = {
        "doc_id": "EP1A1", "member": "m", "office": "EP", "country": "EP", "number": "1", "kind": "A1", "n_sheets": 1,
        "scanned": False, "xml_sha256": "0",
    }  # fmt: skip
    passage = {
        "passage_id": "EP1A1/d/1/0", "doc_id": "EP1A1", "section": "description", "paragraph": "1",
        "paragraph_index": 0, "sentence": 0, "language": "en", "text": "The pump 12.",
    }  # fmt: skip
    link = {
        "figure_id": "EP1A1/1.tif#1", "doc_id": "EP1A1", "sign": "12", "passage_id": "EP1A1/d/1/0", "match": "exact",
        "score": 0.9, "text": "The pump 12.",
    }  # fmt: skip
    return {
        "documents": [document], "passages": [passage], "sheets": [sheet_row("EP1A1", "1.tif", sheet([], 200, 100))],
        "regions": [region()], "figures": [figure()], "links": [link], "figure_vectors": [vector(UNIT)], **changed,
    }  # fmt: skip


def bad(folder: Path, settings: QualitySettings | None = None, **changed: list[dict[str, Any]]) -> set[str]:
    found = quality.check(lake_with(folder, tables(**changed)), settings or QualitySettings())
    return {finding.expectation.name for finding in found if not finding.passed}


def test_good_tables_are_as_expected(tmp_path: Path) -> None:
    assert bad(tmp_path) == set()


@pytest.mark.parametrize(
    ("changed", "expectation"),
    [
        ({"regions": [region(), region()]}, "regions is unique by sheet_id, ordinal"),
        ({"figures": [figure(sheet_id="EP9A1/9.tif")]}, "figures.sheet_id is in sheets"),
        ({"figure_vectors": [vector(UNIT, "EP1A1/1.tif#7")]}, "figure_vectors.figure_id is in figures"),
        ({"regions": [region(confidence=1.5)]}, "each of regions has a confidence from 0 to 1"),
        ({"figures": [figure(x1=0)]}, "each of figures has a box"),
        ({"figures": [figure(x1=201)]}, "each of figures lies in its sheet"),
        ({"figure_vectors": [vector([0.6, 0.6])]}, "each of figure_vectors has unit length"),
        ({"figure_vectors": [vector([float("nan"), 0.6])]}, "each of figure_vectors has unit length"),
        ({"regions": []}, "a drawing has regions"),
        ({"figures": [figure(None)], "links": []}, "a figure has a label"),
        ({"links": []}, "a figure of a described document has links"),
        ({"passages": [], "links": []}, "a document that is not scanned has passages"),
    ],
)
def test_what_is_not_as_expected_is_named(tmp_path: Path, changed: dict[str, Any], expectation: str) -> None:
    assert expectation in bad(tmp_path, **changed)


def test_a_finding_says_how_many_of_how_many_and_which(tmp_path: Path) -> None:
    figures = [figure(), figure("2", sheet_id="EP9A1/9.tif")]
    lake = lake_with(tmp_path, tables(figures=figures))
    found = quality.failures(quality.check(lake, QualitySettings(figures_without_links=1.0)))
    assert [str(finding) for finding in found] == [
        "week: figures.sheet_id is in sheets does not hold for 1 of 2 rows; such as EP9A1/9.tif"
    ]


def test_shares_only_warn_unless_the_configuration_says_otherwise(tmp_path: Path) -> None:
    lake = lake_with(tmp_path, tables(links=[]))
    assert quality.failures(quality.check(lake, QualitySettings())) == []
    severe = QualitySettings(fail=("a figure of a described document has links",))
    assert len(quality.failures(quality.check(lake, severe))) == 1
    assert not quality.failures(quality.check(lake, QualitySettings(fail=("shares",), off=("shares",))))


def test_only_what_changed_since_a_snapshot_is_looked_at(tmp_path: Path) -> None:
    lake = lake_with(tmp_path, tables())
    before = lake.pinned({table: version for table in TABLES if (version := lake.version(table)) is not None})
    assert quality.changed_archives(lake, before) == set()
    lake_with(tmp_path, {"regions": [region(confidence=2.0)]}, archive="other")
    assert quality.changed_archives(lake, before) == {"other"}
    assert quality.changed_archives(lake, None) == {"week", "other"}
    assert quality.failures(quality.check(lake, QualitySettings(), {"week"})) == []
    assert len(quality.failures(quality.check(lake, QualitySettings(), {"other"}))) == 2


def test_results_are_kept(tmp_path: Path) -> None:
    lake = lake_with(tmp_path, tables(links=[]))
    found = quality.check(lake, QualitySettings())
    quality.record(lake, found)
    quality.record(lake, found)
    rows = lake.read("quality").to_pylist()
    assert len(rows) == 2 * len(found) and len({row["at"] for row in rows}) == 2
    kept = next(row for row in rows if not row["passed"])
    assert (kept["expectation"], kept["severity"], kept["checked"], kept["failed"]) == (
        "a figure of a described document has links", "warn", 1, 1,
    )  # fmt: skip


def test_an_empty_lake_has_nothing_to_find(tmp_path: Path) -> None:
    assert quality.check(Lake.at(tmp_path), QualitySettings()) == []
