"""The ocr step on Ray."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from pipeline.config import OcrSettings, RaySettings, Settings
from pipeline.context import StepContext
from pipeline.engines import ray as ray_engine
from pipeline.errors import Reason
from pipeline.ocr.step import run
from tests.ocr.drawn import sheet
from tests.ocr.sheets import lake_with, sheet_row

SETTINGS = Settings(ray=RaySettings(num_cpus=2, object_store_mb=100), ocr=OcrSettings(batch_size=2, actors=1))


@pytest.mark.slow
def test_sheets_become_regions_and_a_bad_sheet_a_reject(tmp_path: Path) -> None:
    lake = lake_with(tmp_path, {
        "sheets": [
            sheet_row("EP1A1", "imgf0001.tif", sheet([("FIG. 1", 300, 500, 0), ("12a", 100, 100, 0)], 800, 600)),
            sheet_row("EP1A1", "imgf0002.tif", b"not an image"),
            sheet_row("EP1A1", "imgb0001.tif", sheet([("99", 100, 100, 0)], 400, 300), role="in-text"),
            sheet_row("EP2A1", "imgf0001.tif", sheet([("34", 200, 100, 0)], 400, 300)),
        ]
    })  # fmt: skip
    seen: list[int] = []
    context = StepContext(lake, SETTINGS, "week", None, 1, lambda done, total: seen.append(done))
    with ray_engine.session(SETTINGS):
        outcome = run(context)
        again = run(replace(context, only=frozenset({"EP2A1/imgf0001.tif"})))
    assert [(r.item, r.reason) for r in outcome.rejects] == [("EP1A1/imgf0002.tif", Reason.IMAGE_UNREADABLE)]
    assert (outcome.rows_in, seen[-1]) == (3, 1)
    assert (again.rows_in, again.rows_out(["regions"])) == (1, {"regions": 1})
    lake.commit("regions", "ocr", "week", 1, outcome.parts)
    rows = lake.read("regions", ["sheet_id", "ordinal", "text", "role", "sign"]).sort_by(
        [("sheet_id", "ascending"), ("ordinal", "ascending")]
    )
    assert [
        (r["sheet_id"], r["ordinal"], r["text"].replace(" ", ""), r["role"], r["sign"]) for r in rows.to_pylist()
    ] == [
        ("EP1A1/imgf0001.tif", 0, "12a", "sign", "12a"),
        ("EP1A1/imgf0001.tif", 1, "FIG.1", "figure label", None),
        ("EP2A1/imgf0001.tif", 0, "34", "sign", "34"),
    ]
