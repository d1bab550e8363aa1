"""What was read on sheets as rows of the regions table."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from pipeline.errors import Reject
from pipeline.ocr.crops import clip, polygon
from pipeline.ocr.engines import Reading
from pipeline.ocr.roles import pieces
from pipeline.ocr.stages import ReadSheet

_LONGEST_TEXT = 2000


def regions(
    sheets: Sequence[dict[str, Any]], found: Sequence[ReadSheet | Reject], min_confidence: float
) -> tuple[list[dict[str, Any]], list[Reject]]:
    """Rows of the regions table for sheets given as rows with sheet_id and doc_id, and what was read on each."""
    rows: list[dict[str, Any]] = []
    rejects: list[Reject] = []
    for sheet, read in zip(sheets, found, strict=True):
        if isinstance(read, Reject):
            rejects.append(replace(read, item=sheet["sheet_id"]))
        else:
            rows += region_rows(sheet, read.shape, read.readings, read.engine, min_confidence)
    return rows, rejects


def region_rows(
    sheet: dict[str, Any], shape: tuple[int, ...], readings: Sequence[Reading], engine: str, min_confidence: float
) -> list[dict[str, Any]]:
    """Readings as rows in reading order, cut to the sheet; what is empty or doubtful is left out."""
    height, width = shape
    kept = []
    for reading, role in pieces(readings):
        low, high = reading.polygon.min(axis=0), reading.polygon.max(axis=0)
        box = clip((*low, *high), height, width)
        text = reading.text.strip()[:_LONGEST_TEXT]
        if box is not None and text and reading.confidence >= min_confidence:
            kept.append((box[1], box[0], reading.angle, text, box, reading, role))
    kept.sort(key=lambda item: item[:4])
    return [
        {
            "sheet_id": sheet["sheet_id"], "ordinal": ordinal, "doc_id": sheet["doc_id"],
            "polygon": polygon(box, angle).ravel().tolist(), "text": text,
            "confidence": min(1.0, max(0.0, reading.confidence)), "angle": angle, "role": role.name, "sign": role.sign,
            "alternatives": [other._asdict() for other in reading.alternatives], "engine": engine,
        }
        for ordinal, (_, _, angle, text, box, reading, role) in enumerate(kept)
    ]  # fmt: skip
