"""A batch of sheets through an engine: one bad sheet, or too large a batch, never loses the others."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from pipeline.errors import Reason, Reject, RejectedItemError
from pipeline.ocr.crops import clip, polygon
from pipeline.ocr.engines import OcrEngine, Reading, Sheet
from pipeline.ocr.roles import pieces
from pipeline.pixels import decode

_LONGEST_TEXT = 2000


def regions(
    sheets: Sequence[dict[str, Any]], engine: OcrEngine, limit_mpixels: int, min_confidence: float
) -> tuple[list[dict[str, Any]], list[Reject]]:
    """Rows of the regions table for sheets given as rows with sheet_id, doc_id and image bytes."""
    images: list[Sheet] = []
    good: list[dict[str, Any]] = []
    rejects: list[Reject] = []
    for sheet in sheets:
        try:
            images.append(decode(sheet["image"], limit_mpixels))
            good.append(sheet)
        except RejectedItemError as error:
            rejects.append(error.reject(sheet["sheet_id"]))
    rows: list[dict[str, Any]] = []
    for sheet, image, found in zip(good, images, read_all(engine, images), strict=True):
        if isinstance(found, Reject):
            rejects.append(Reject(sheet["sheet_id"], found.reason, found.detail))
        else:
            rows += region_rows(sheet, image.shape, found, engine.name_and_version, min_confidence)
    return rows, rejects


def read_all(engine: OcrEngine, images: Sequence[Sheet]) -> list[list[Reading] | Reject]:
    """Each image's readings, or why there are none (the reject's item is empty).

    Whatever a batch raises, it is cut in half and read again until the one sheet that is to blame stands
    alone: out of memory is a property of the batch's size, anything else of one sheet in it.
    """
    if not images:
        return []
    try:
        return list(engine.read(images))
    except MemoryError as error:
        reason, detail = Reason.OUT_OF_MEMORY, f"no memory to read {images[0].size} pixels: {error}"
    except Exception as error:  # a network or a decoder may raise anything; the sheet's row keeps what it said
        reason, detail = Reason.STEP_ERROR, f"{type(error).__name__}: {error}"
    if len(images) == 1:
        return [Reject("", reason, detail[:500])]
    half = len(images) // 2
    return read_all(engine, images[:half]) + read_all(engine, images[half:])


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
            kept.append((box[1], box[0], reading.angle, text, reading.confidence, box, role))
    kept.sort(key=lambda item: item[:5])
    return [
        {
            "sheet_id": sheet["sheet_id"], "ordinal": ordinal, "doc_id": sheet["doc_id"],
            "polygon": polygon(box, angle).ravel().tolist(), "text": text,
            "confidence": min(1.0, max(0.0, confidence)), "angle": angle,
            "role": role.name, "sign": role.sign, "corrected_sign": None, "correction": "none", "engine": engine,
        }
        for ordinal, (_, _, angle, text, confidence, box, role) in enumerate(kept)
    ]  # fmt: skip
