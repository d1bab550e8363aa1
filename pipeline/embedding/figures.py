"""The figures of some sheets, ready for an image encoder."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from pipeline.embedding.drawing import Box, Preparation, cut
from pipeline.embedding.regions import region_boxes
from pipeline.errors import Reason, Reject, RejectedItemError
from pipeline.pixels import Sheet, decode


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

    def whole(pixels: Sheet, figure: Mapping[str, Any]) -> list[dict[str, Any]]:
        canvas = preparation(cut(pixels, _box(figure))).tobytes()
        return [{"figure_id": figure["figure_id"], "doc_id": figure["doc_id"], "canvas": canvas}]

    return _prepared(sheets, boxes, limit_mpixels, whole)


def prepared_regions(
    sheets: Iterable[Mapping[str, Any]],
    boxes: Iterable[Mapping[str, Any]],
    preparation: Preparation,
    limit_mpixels: int,
) -> list[dict[str, Any]]:
    """Rows of region_id, figure_id, doc_id, ordinal, box in sheet pixels and canvas for the figures' regions.

    The arguments are those of :func:`prepared_figures`, which is what rejects.
    """

    def regions(pixels: Sheet, figure: Mapping[str, Any]) -> list[dict[str, Any]]:
        left, top = max(0, figure["x0"]), max(0, figure["y0"])
        drawing, rows = cut(pixels, _box(figure)), []
        for ordinal, (x0, y0, x1, y1) in enumerate(region_boxes(drawing)):
            corners = {"x0": left + x0, "y0": top + y0, "x1": left + x1, "y1": top + y1}
            canvas = preparation(cut(drawing, (x0, y0, x1, y1))).tobytes()
            name = {"region_id": f"{figure['figure_id']}/{ordinal}", "figure_id": figure["figure_id"]}
            rows.append({**name, "doc_id": figure["doc_id"], "ordinal": ordinal, **corners, "canvas": canvas})
        return rows

    return _prepared(sheets, boxes, limit_mpixels, regions)[0]


def _prepared(
    sheets: Iterable[Mapping[str, Any]],
    boxes: Iterable[Mapping[str, Any]],
    limit_mpixels: int,
    rows_of: Callable[[Sheet, Mapping[str, Any]], list[dict[str, Any]]],
) -> tuple[list[dict[str, Any]], list[Reject]]:
    """The rows that ``rows_of`` makes of each figure on these sheets, and what cannot be prepared."""
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
            try:
                rows += rows_of(pixels, figure)
            except (RejectedItemError, MemoryError) as error:
                rejects.append(_reject(figure["figure_id"], error))
    return rows, rejects


def _box(figure: Mapping[str, Any]) -> Box:
    return figure["x0"], figure["y0"], figure["x1"], figure["y1"]


def _reject(item: str, error: RejectedItemError | MemoryError) -> Reject:
    if isinstance(error, RejectedItemError):
        return error.reject(item)
    return Reject(item, Reason.OUT_OF_MEMORY, "its pixels do not fit into this worker's memory")
