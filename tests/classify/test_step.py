"""The classify step on Ray."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from pipeline.classify.step import run
from pipeline.config import ClassifySettings, RaySettings, Settings
from pipeline.context import StepContext
from pipeline.engines import ray as ray_engine
from pipeline.errors import UsageError
from tests.ocr.sheets import lake_with


def figure(number: int, caption: str | None) -> dict[str, Any]:
    return {
        "figure_id": f"EP1A1/s#{number}", "sheet_id": "EP1A1/s", "doc_id": "EP1A1", "label": str(number),
        "label_source": "ocr", "ordinal": number, "x0": 0, "y0": 0, "x1": 9, "y1": 9, "caption": caption,
    }  # fmt: skip


def context(lake: Any, settings: Settings) -> StepContext:
    return StepContext(lake, settings, "week", None, 1, lambda done, total: None)


@pytest.mark.slow
def test_every_figure_has_facets(tmp_path: Path) -> None:
    lake = lake_with(tmp_path, {"figures": [figure(1, "a side view of a pump"), figure(2, None)]})
    settings = Settings(ray=RaySettings(num_cpus=1, object_store_mb=80))
    with ray_engine.session(settings):
        outcome = run(context(lake, settings))
    lake.commit("facets", "classify", "week", 1, outcome.parts)
    rows = lake.read("facets", ["figure_id", "figure_type", "perspective", "source"]).sort_by("figure_id").to_pylist()
    assert [tuple(row.values()) for row in rows] == [
        ("EP1A1/s#1", "technical drawing", "side", "caption"),
        ("EP1A1/s#2", "unknown", "unknown", "none"),
    ]


def test_an_unknown_method_is_named(tmp_path: Path) -> None:
    settings = Settings(classify=ClassifySettings(method="guess"))
    with pytest.raises(UsageError, match="'guess' is not known; choose one of: caption"):
        run(context(lake_with(tmp_path, {}), settings))
