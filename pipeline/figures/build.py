"""From a sheet, its regions and its document's captions to rows of the figures table."""

from __future__ import annotations

import hashlib
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
    declared = row["declared_labels"] or [] if row["role"] == "drawing" else []
    figures = reconcile(declared, read_labels(regions))
    boxes = split(sheet, [figure.box for figure in figures], settings.margin_px)
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


def read_labels(regions: Iterable[Mapping[str, Any]]) -> list[ReadLabel]:
    """The figure labels among a sheet's regions."""
    labels = []
    for region in regions:
        if region["role"] == "figure label":
            points = np.asarray(region["polygon"], dtype=np.float64).reshape(-1, 2)
            low, high = np.floor(points.min(axis=0)).astype(int), np.ceil(points.max(axis=0)).astype(int)
            box: Box = (int(low[0]), int(low[1]), int(high[0]), int(high[1]))
            labels += [ReadLabel(label, box, float(region["confidence"])) for label in printed_labels(region["text"])]
    return labels


def _ids(sheet_id: str, figures: Sequence[tuple[SheetLabel, Box]]) -> list[str]:
    """sheet_id#label; the ordinal where there is no label or the sheet has it already."""
    ids: list[str] = []
    for ordinal, (figure, _) in enumerate(figures):
        named = f"{sheet_id}#{figure.label}"
        ids.append(named if figure.label and named not in ids else f"{sheet_id}#@{ordinal}")
    return ids
