"""From a sheet, its regions and its document's captions to rows of the figures table."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from pipeline.config import FigureSettings
from pipeline.figures.captions import Captions
from pipeline.figures.labels import ReadLabel, SheetLabel, reconcile
from pipeline.figures.split import Box, split
from pipeline.labels import printed_labels
from pipeline.pixels import Sheet

#: Roles whose images repeat a drawing more often than not.
REPEATING = ("abstract figure", "front page")
#: Page numbers (1/12), and what offices print above a drawing.
_FURNITURE = re.compile(
    r"^\W*\d{1,3}\s?/\s?\d{1,3}\W*$|\bsheet\s+\d+\s+of\s+\d+|patent application publication|"
    r"^U\.?S\.?\s+patent\b|^US\s?\d{4}/\d+|^EP\s\d[\d\s]+[AB]\d$",
    re.IGNORECASE,
)
#: How far from the sheet's edge they stand, as a share of its side.
_EDGE = 0.09


class Repeats:
    """Tells whether an image of one document repeats another that was shown before it, pixel by pixel."""

    def __init__(self) -> None:
        self._seen: set[bytes] = set()

    def is_repeat(self, role: str, sheet: Sheet) -> bool:
        """True for an abstract figure or front page that shows what an earlier image shows."""
        digest = hashlib.sha256(repr(sheet.shape).encode() + np.packbits(sheet < 128).tobytes()).digest()
        known = digest in self._seen
        self._seen.add(digest)
        return known and role in REPEATING


def figure_rows(
    row: Mapping[str, Any], sheet: Sheet, regions: Iterable[Mapping[str, Any]], captions: Captions,
    settings: FigureSettings,
) -> list[dict[str, Any]]:  # fmt: skip
    """A sheet's figures, at least one.

    ``row``: sheet_id, doc_id, role and declared_labels; ``regions``: polygon, text, confidence and role.
    """
    regions = list(regions)
    declared = row["declared_labels"] or [] if row["role"] == "drawing" else []
    figures = reconcile(declared, read_labels(regions))
    boxes = split(sheet, [figure.box for figure in figures], settings.margin_px, furniture(regions, sheet.shape))
    ordered = sorted(zip(figures, boxes, strict=True), key=lambda pair: (pair[1][1], pair[1][0], pair[0].label or ""))
    return [
        {
            "figure_id": figure_id, "sheet_id": row["sheet_id"], "doc_id": row["doc_id"], "label": figure.label,
            "label_source": figure.source, "ordinal": ordinal,
            "x0": box[0], "y0": box[1], "x1": box[2], "y1": box[3],
            "caption": captions.of(figure.label),
        }
        for ordinal, ((figure, box), figure_id) in enumerate(zip(ordered, _ids(row["sheet_id"], ordered), strict=True))
    ]  # fmt: skip


def furniture(regions: Iterable[Mapping[str, Any]], shape: tuple[int, ...]) -> list[Box]:
    """Boxes of page numbers and office headings: text at an edge of the sheet that has their form."""
    height, width = shape
    found = []
    for region in regions:
        box = _box(region)
        x0, y0, x1, y1 = box
        across, down = _EDGE * width, _EDGE * height
        at_an_edge = x1 < across or x0 > width - across or y1 < down or y0 > height - down
        if at_an_edge and _FURNITURE.search(region["text"]):
            found.append(box)
    return found


def _box(region: Mapping[str, Any]) -> Box:
    points = np.asarray(region["polygon"], dtype=np.float64).reshape(-1, 2)
    low, high = np.floor(points.min(axis=0)).astype(int), np.ceil(points.max(axis=0)).astype(int)
    return int(low[0]), int(low[1]), int(high[0]), int(high[1])


def read_labels(regions: Iterable[Mapping[str, Any]]) -> list[ReadLabel]:
    """The figure labels among a sheet's regions."""
    labels = []
    for region in regions:
        if region["role"] == "figure label":
            labels += [
                ReadLabel(label, _box(region), float(region["confidence"])) for label in printed_labels(region["text"])
            ]
    return labels


def _ids(sheet_id: str, figures: Sequence[tuple[SheetLabel, Box]]) -> list[str]:
    """sheet_id#label; the ordinal where there is no label or the sheet has it already."""
    ids: list[str] = []
    for ordinal, (figure, _) in enumerate(figures):
        named = f"{sheet_id}#{figure.label}"
        ids.append(named if figure.label and named not in ids else f"{sheet_id}#@{ordinal}")
    return ids
