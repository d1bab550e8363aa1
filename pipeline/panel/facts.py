"""Everything a panel shows of one figure, gathered from the tables."""

from __future__ import annotations

import io
from collections import Counter
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pyarrow.compute as pc

from pipeline.errors import UsageError
from pipeline.lake import Lake
from pipeline.pixels import FORMATS
from pipeline.show import describe, one_figure

#: A link at least this probable is a strong one.
_STRONG = 0.5


@dataclass(frozen=True)
class Mark:
    """A sign read in the figure. ``box`` is (x0, y0, x1, y1) in pixels of the panel's drawing; a sign beside the
    figure has one that lies outside. ``read_as``: the reading, where the text corrected it. ``stray``: more likely no
    sign. ``angle``: degrees clockwise by which it stands turned on the panel's drawing."""

    sign: str
    term: str | None  # None: the text does not know the sign
    box: tuple[float, float, float, float]
    confidence: float
    read_as: str | None = None
    stray: bool = False
    angle: int = 0

    @property
    def says(self) -> str:
        """What is known of it, in words."""
        named = "more likely no sign" if self.stray else self.term or "not named in the text"
        return f"{self.sign}: {named}" + (f" (read as {self.read_as})" if self.read_as else "")


@dataclass(frozen=True)
class Panel:
    """One figure with what the lake knows of it. ``drawing``: uint8 [height, width], 0 ink, 255 paper; turned so
    that most of its signs stand upright. ``sentences``: strong links first, each kind in reading order."""

    doc_id: str
    title: str
    figure_id: str
    label: str | None
    caption: str | None
    drawing: np.ndarray
    marks: tuple[Mark, ...]
    signs: tuple[dict[str, Any], ...]
    sentences: tuple[dict[str, Any], ...]
    release: str | None


def gather_panel(lake: Lake, item: str, label: str | None = None, *, latest: bool = False) -> Panel:
    """The panel of a figure: ``item`` is a figure_id, or a doc_id together with a figure ``label``.

    Raises UsageError when the document or the figure is not known, naming the figures that are.
    """
    if label is None and "/" not in item:
        raise UsageError("which figure? give --figure LABEL, or a figure_id")
    found = describe(lake, item, latest=latest)
    figure = (one_figure(found, label) if label is not None else found)["figures"][0]
    pinned = lake if latest else lake.pinned(found["versions"])
    signs = describe(lake, found["doc_id"], latest=latest)["signs"]  # a sign may be read here and spoken of elsewhere
    marks = _marks(pinned, figure, found["archive"])
    drawing, marks = _upright(_drawing(pinned, figure, found["archive"]), marks)
    sentences = [s for s in found["sentences"] if s["figure_id"] == figure["figure_id"]]
    sentences.sort(key=lambda sentence: is_weak(sentence))
    spoken = {sign for sentence in sentences for sign in sentence["signs"]} | {mark.sign for mark in marks}
    return Panel(
        doc_id=found["doc_id"],
        title=found["title"],
        figure_id=figure["figure_id"],
        label=figure["label"],
        caption=figure["caption"],
        drawing=drawing,
        marks=tuple(marks),
        signs=tuple(sign for sign in signs if sign["sign"] in spoken),
        sentences=tuple(sentences),
        release=found["release"],
    )


def is_weak(sentence: dict[str, Any]) -> bool:
    """Whether a sentence is less likely about the figure than not."""
    return bool(sentence["score"] < _STRONG)


def _upright(drawing: np.ndarray, marks: list[Mark]) -> tuple[np.ndarray, list[Mark]]:
    """The drawing turned as its reader would turn the sheet, where most signs stand turned the same way."""
    if not marks:
        return drawing, marks
    (turn, count), *_ = Counter(mark.angle for mark in marks).most_common(1)
    if turn == 0 or 2 * count <= len(marks):
        return drawing, marks
    height, width = drawing.shape
    turned = np.ascontiguousarray(np.rot90(drawing, turn // 90))

    def box(mark: Mark) -> tuple[float, float, float, float]:
        x0, y0, x1, y1 = mark.box
        corners = {90: (y0, width - x1, y1, width - x0), 180: (width - x1, height - y1, width - x0, height - y0)}
        return corners.get(turn, (height - y1, x0, height - y0, x1))

    return turned, [replace(mark, box=box(mark), angle=(mark.angle - turn) % 360) for mark in marks]


def _marks(lake: Lake, figure: dict[str, Any], archive: str) -> list[Mark]:
    """The signs printed in the figure, in reading order."""
    signs = lake.dataset("figure_signs", archive).to_table(filter=pc.field("figure_id") == figure["figure_id"])
    regions = lake.dataset("regions", archive).to_table(
        columns=["ordinal", "polygon", "angle"], filter=pc.field("sheet_id") == figure["sheet_id"]
    )
    rows = regions.to_pylist()
    places, angles = ({row["ordinal"]: row[name] for row in rows} for name in ("polygon", "angle"))
    marks = []
    for row in sorted(signs.to_pylist(), key=lambda row: row["region_ordinal"]):
        xs, ys = places[row["region_ordinal"]][0::2], places[row["region_ordinal"]][1::2]
        box = (min(xs) - figure["x0"], min(ys) - figure["y0"], max(xs) - figure["x0"], max(ys) - figure["y0"])
        corrected = row["read_as"] if row["correction"] != "none" else None
        stray, angle = row["status"] == "stray", angles[row["region_ordinal"]]
        marks.append(Mark(row["sign"], row["term"], box, row["ocr_confidence"], corrected, stray, angle))
    return marks


def _drawing(lake: Lake, figure: dict[str, Any], archive: str) -> np.ndarray:
    from PIL import Image

    rows = lake.dataset("sheets", archive).to_table(
        columns=["image"], filter=pc.field("sheet_id") == figure["sheet_id"]
    )
    with Image.open(io.BytesIO(rows["image"][0].as_py()), formats=FORMATS) as image:
        box = (figure["x0"], figure["y0"], figure["x1"], figure["y1"])
        return np.asarray(image.convert("L").crop(box))
