"""The figures of some sheets, ready for an image encoder."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import Any

from pipeline.embedding.drawing import Preparation, cut
from pipeline.errors import Reason, Reject, RejectedItemError
from pipeline.pixels import decode


def prepared_figures(
    sheets: Iterable[Mapping[str, Any]],
    boxes: Iterable[Mapping[str, Any]],
    preparation: Preparation,
    limit_mpixels: int,
) -> tuple[list[dict[str, Any]], list[Reject]]:
    """Rows of figure_id, doc_id and canvas (side x side bytes) for the boxes that lie on these sheets.

    ``sheets`` have sheet_id and image (the file's bytes), each decoded once; ``boxes`` figure_id, sheet_id,
    doc_id, x0, y0, x1 and y1. A sheet that is no readable image is rejected with all its figures, a figure
    without ink alone.
    """
    on_sheet: dict[str, list[Mapping[str, Any]]] = defaultdict(list)
    for figure in boxes:
        on_sheet[figure["sheet_id"]].append(figure)
    rows: list[dict[str, Any]] = []
    rejects: list[Reject] = []
    for sheet in sheets:
        if not (figures := on_sheet.get(sheet["sheet_id"])):
            continue
        try:
            pixels = decode(sheet["image"], limit_mpixels)
        except (RejectedItemError, MemoryError) as error:
            rejects.append(_reject(sheet["sheet_id"], error))
            continue
        for figure in figures:
            box = (figure["x0"], figure["y0"], figure["x1"], figure["y1"])
            try:
                canvas = preparation(cut(pixels, box)).tobytes()
            except (RejectedItemError, MemoryError) as error:
                rejects.append(_reject(figure["figure_id"], error))
                continue
            rows.append({"figure_id": figure["figure_id"], "doc_id": figure["doc_id"], "canvas": canvas})
    return rows, rejects


def _reject(item: str, error: RejectedItemError | MemoryError) -> Reject:
    if isinstance(error, RejectedItemError):
        return error.reject(item)
    return Reject(item, Reason.OUT_OF_MEMORY, "its pixels do not fit into this worker's memory")
