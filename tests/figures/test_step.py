"""The figures step on Spark."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from pipeline.config import Settings, SparkSettings
from pipeline.context import StepContext
from pipeline.engines import spark
from pipeline.errors import Reason
from pipeline.figures.step import run
from tests.ocr.drawn import sheet
from tests.ocr.sheets import lake_with, sheet_row


def region(sheet_id: str, text: str, role: str) -> dict[str, Any]:
    return {
        "sheet_id": sheet_id, "ordinal": 0, "doc_id": sheet_id.split("/")[0],
        "polygon": [300.0, 500.0, 400.0, 500.0, 400.0, 550.0, 300.0, 550.0], "text": text, "confidence": 0.9,
        "angle": 0, "role": role, "sign": None, "alternatives": None, "engine": "test",
    }  # fmt: skip


def passage(doc_id: str, text: str, index: int) -> dict[str, Any]:
    return {
        "passage_id": f"{doc_id}/{index}", "doc_id": doc_id, "section": "description", "paragraph": f"{index:04}",
        "paragraph_index": index, "sentence": 0, "language": "en", "heading": "Brief description of the drawings",
        "text": text, "figure_refs": [],
    }  # fmt: skip


@pytest.mark.slow
def test_every_drawing_gets_its_figures_and_repeats_get_none(tmp_path: Path) -> None:
    one, other = sheet([("12", 100, 100, 0)], 800, 600), sheet([("14", 100, 100, 0)], 800, 600)
    lake = lake_with(tmp_path, {
        "sheets": [
            sheet_row("EP1A1", "imgaf001.tif", one, role="abstract figure"),
            sheet_row("EP1A1", "imgf0001.tif", one, declared_labels=["1"]),
            sheet_row("EP1A1", "imgf0002.tif", other, ordinal=1),
            sheet_row("EP1A1", "imgf0003.tif", b"not an image", ordinal=2),
            sheet_row("EP1A1", "imgb0001.tif", other, role="in-text"),
            sheet_row("EP2A1", "imgaf001.tif", one, role="abstract figure"),
        ],
        "regions": [region("EP1A1/imgf0001.tif", "FIG. 1", "figure label"), region("EP1A1/imgf0002.tif", "14", "sign")],
        "passages": [passage("EP1A1", "FIG. 1 is a side view of a pump.", 0), passage("EP3A1", "FIG. 1 is a lid.", 0)],
    })  # fmt: skip
    settings = Settings(spark=SparkSettings(master="local[2]", shuffle_partitions=2))
    with spark.session(settings) as session:
        context = StepContext(lake, settings, "week", None, 1, lambda done, total: None, session)
        outcome = run(context)
        again = run(replace(context, only=frozenset({"EP2A1/imgaf001.tif"})))
    assert [(r.item, r.reason) for r in outcome.rejects] == [("EP1A1/imgf0003.tif", Reason.IMAGE_UNREADABLE)]
    assert (outcome.rows_in, again.rows_in, again.rows_out(["figures"])) == (5, 1, {"figures": 1})
    lake.commit("figures", "figures", "week", 1, outcome.parts)
    rows = lake.read("figures", ["figure_id", "label", "label_source", "caption"]).sort_by("figure_id").to_pylist()
    assert [tuple(row.values()) for row in rows] == [
        ("EP1A1/imgf0001.tif#1", "1", "both", "a side view of a pump"),
        ("EP1A1/imgf0002.tif#@0", None, "none", None),
        ("EP2A1/imgaf001.tif#@0", None, "none", None),
    ]
