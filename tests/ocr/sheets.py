"""Rows of the sheets table for tests, and a lake that holds them."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

from pipeline.lake import Lake
from pipeline.parts import PartWriter
from tests.ocr.drawn import Sheet, tiff


def sheet_row(doc_id: str, file: str, image: Sheet | bytes, role: str = "drawing", **columns: Any) -> dict[str, Any]:
    """A sheet as extract writes it."""
    data = image if isinstance(image, bytes) else tiff(image)
    height, width = (1, 1) if isinstance(image, bytes) else image.shape
    return {
        "sheet_id": f"{doc_id}/{file}", "doc_id": doc_id, "file": file, "ordinal": 0, "role": role,
        "declared_labels": [], "width_px": width, "height_px": height, "dpi": 300.0, "media_type": "image/tiff",
        "source": "tiff", "image": data, "sha256": hashlib.sha256(data).hexdigest(), **columns,
    }  # fmt: skip


def lake_with(folder: Path, tables: dict[str, list[dict[str, Any]]], archive: str = "week") -> Lake:
    """A lake whose tables hold these rows for one archive."""
    lake = Lake.at(folder)
    for table, rows in tables.items():
        with PartWriter(lake.storage, table, {"archive": archive}) as writer:
            writer.write_rows(rows)
        lake.commit(table, "test", archive, 1, writer.parts)
    return lake
