"""Splitting sheets into figures: boxes and labels against drawn truth, numbers and labels against hand-read sheets.

    python -m benchmarks.figures [--sheets N] [--seed S]

Drawn sheets: documents of the synthetic archives, half of them with small figures, so that up to eight stand on a
sheet, some continued from the sheet before ("FIG. 3 (cont.)"), a third of the sheets disturbed (turned, dithered,
frayed). Mean IoU: predicted and true boxes are matched one to one for the greatest sum, and a missing or surplus figure
counts 0. Labels: the share of labelled figures whose own box carries exactly its label. From the image alone, with
the labels that the office declares, and with the true texts instead of OCR; beside the plain way: ink smeared
until as many pieces are left as there are labels, each label to the nearest piece.

Hand-read sheets of ../shared/data/gold, where as many figures as captions were counted: whether the number of figures
and the set of labels are right, with the office's labels withheld and with them.
"""

from __future__ import annotations

import argparse
import os
import random
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field, replace
from typing import Any

import cv2
import numpy as np

from benchmarks.disturb import DISTURBANCES
from benchmarks.gold import extracted, truth
from benchmarks.ocr import rows_of
from pipeline.config import Settings
from pipeline.figures.build import figure_rows, read_labels
from pipeline.figures.captions import Captions
from pipeline.figures.labels import reconcile
from pipeline.labels import label_key
from pipeline.ocr.stages import Engine
from pipeline.pixels import Sheet as Pixels
from pipeline.pixels import decode
from pipeline.synth import sheets as drawn_sheets
from pipeline.synth.content import PACES, Pace, draw_content
from pipeline.synth.style import choose_style
from pipeline.synth.tiff import encode
from pipeline.synth.truth import sheet_row
from tests.shared_data import SHARED

_SMALL = Pace((4, 10), (260, 620), 1, True, True)
_DISTURBED = ("turned by 90°", "turned by 180°", "turned by 270°", "dithered", "ragged")
_ENGINE: list[Engine] = []
Row = dict[str, Any]
Box = tuple[float, float, float, float]


@dataclass(frozen=True)
class Drawn:
    """A drawn sheet. ``figures``: label and box; ``declared``: what the office would say; ``texts``: true regions."""

    disturbance: str
    image: bytes
    figures: tuple[tuple[str, Box], ...]
    declared: tuple[str, ...]
    texts: tuple[Row, ...]


@dataclass
class Score:
    """Sums over sheets."""

    overlap: list[float] = field(default_factory=list)
    labels_right: int = 0
    labels: int = 0
    numbers_right: int = 0
    sheets: int = 0

    def add(self, found: Sequence[Row], wanted: Sequence[tuple[str, Box]]) -> None:
        from scipy.optimize import linear_sum_assignment  # type: ignore[import-untyped]

        shared = np.array([[iou(box, _box(row)) for row in found] for _, box in wanted])
        rows, columns = linear_sum_assignment(-shared)
        self.overlap += [*shared[rows, columns].tolist(), *[0.0] * abs(len(found) - len(wanted))]
        for row, column in zip(rows, columns, strict=True):
            if wanted[row][0]:
                right = label_key(found[column]["label"] or "") == label_key(wanted[row][0])
                self.labels_right += bool(right and shared[row, column] > 0)
        self.labels += sum(bool(label) for label, _ in wanted)
        self.numbers_right += len(found) == len(wanted)
        self.sheets += 1

    def __str__(self) -> str:
        iou_, labels = float(np.mean(self.overlap)), self.labels_right / max(1, self.labels)
        return f"{iou_:8.3f} {labels:8.3f} {self.numbers_right / max(1, self.sheets):8.3f}"


def iou(one: Box, other: Box) -> float:
    """Intersection over union of two boxes."""
    across = min(one[2], other[2]) - max(one[0], other[0])
    down = min(one[3], other[3]) - max(one[1], other[1])
    shared = max(0.0, across) * max(0.0, down)
    return shared / (_area(one) + _area(other) - shared)


def _area(box: Box) -> float:
    return (box[2] - box[0]) * (box[3] - box[1])


def _box(row: Row) -> Box:
    return row["x0"], row["y0"], row["x1"], row["y1"]


def drawn(count: int, seed: int) -> Iterator[Drawn]:
    """Drawn sheets, the same for the same seed."""
    rng = random.Random(seed)
    made = 0
    while made < count:
        pace = rng.choice((PACES["full"], _SMALL))
        for sheet in (*draw_content(rng.choice(("en", "de", "fr")), pace, rng).sheets, *_continued(rng)):
            if made < count and sheet.figures:
                made += 1
                name = rng.choice(_DISTURBED) if rng.random() < 0.33 else "as it is"
                yield _finished(sheet, name, rng)


def _continued(rng: random.Random) -> list[drawn_sheets.Sheet]:
    """Now and then a sheet that goes on with a figure."""
    if rng.random() > 0.2:
        return []
    (figure, *_) = (f for sheet in draw_content("en", PACES["full"], rng).sheets for f in sheet.figures)
    form = rng.choice(("FIG. {} (cont.)", "FIG. {} (Cont'd)", "Fig. {} (continued)"))
    style = replace(choose_style("en", PACES["full"].figure_px, rng), label_form=form)
    return [drawn_sheets.compose([figure], style, drawn_sheets.Wear(), rng)]


def _finished(sheet: drawn_sheets.Sheet, name: str, rng: random.Random) -> Drawn:
    row = sheet_row("D", "s.tif", sheet)
    height, width = sheet.image.shape
    clean = decode(encode(sheet.image, False, True), 300)
    image = DISTURBANCES[name](clean, np.random.default_rng(rng.getrandbits(32)))
    turn = {"turned by 90°": 90, "turned by 180°": 180, "turned by 270°": 270}.get(name, 0)
    figures = tuple(
        (figure["label"] or "", _turned_box(tuple(figure["box"]), width, height, turn)) for figure in row["figures"]
    )
    texts = tuple(
        {"role": text["role"], "text": text["text"], "confidence": 1.0, "angle": text["angle"],
         "polygon": _turned(text["polygon"], width, height, turn)}
        for text in row["texts"]
    )  # fmt: skip
    ok, data = cv2.imencode(".png", image)
    if not ok:
        raise RuntimeError("the sheet cannot be encoded")
    return Drawn(name, data.tobytes(), figures, tuple(label for label, _ in figures if label), texts)


def _turned(polygon: Sequence[float], width: int, height: int, turn: int) -> list[float]:
    """Points of a sheet after the sheet was turned clockwise."""
    found: list[float] = []
    for x, y in zip(polygon[0::2], polygon[1::2], strict=True):
        found += {0: (x, y), 90: (height - y, x), 180: (width - x, height - y), 270: (y, width - x)}[turn]
    return found


def _turned_box(box: Sequence[float], width: int, height: int, turn: int) -> Box:
    x0, y0, x1, y1 = _turned(box, width, height, turn)
    return min(x0, x1), min(y0, y1), max(x0, x1), max(y0, y1)


def _start() -> None:
    _ENGINE.append(Engine(Settings()))


def _judge(sheets: Sequence[Drawn]) -> tuple[list[dict[str, list[Row]]], float, float]:
    """The figures of each sheet in each way, and the seconds for reading and for splitting."""
    began = time.perf_counter()
    found = _ENGINE[0].read([sheet.image for sheet in sheets])
    reading = time.perf_counter() - began
    ways, splitting = [], 0.0
    for sheet, read in zip(sheets, found, strict=True):
        regions = rows_of({"sheet_id": "D/s.tif", "doc_id": "D"}, read)
        image, row = decode(sheet.image, 300), {"sheet_id": "D/s.tif", "doc_id": "D", "role": "drawing"}
        began = time.perf_counter()
        alone = _figures({**row, "declared_labels": []}, image, regions)
        splitting += time.perf_counter() - began
        ways.append(
            {
                "the image alone": alone,
                "with the office's labels": _figures({**row, "declared_labels": list(sheet.declared)}, image, regions),
                "with the true texts": _figures({**row, "declared_labels": []}, image, sheet.texts),
                "plain components": plain(image, regions),
            }
        )
    return ways, reading, splitting


def _figures(row: Row, image: Pixels, regions: Sequence[Row]) -> list[Row]:
    return figure_rows(row, image, regions, Captions([]), Settings().figures)


def plain(image: Pixels, regions: Sequence[Row]) -> list[Row]:
    """Ink smeared ever wider until no more pieces are left than there are labels; each label to the nearest piece."""
    labels = [label for label in reconcile([], read_labels(regions)) if label.box]
    ink = (image < 128).astype(np.uint8)
    for label in labels:
        x0, y0, x1, y1 = label.box or (0, 0, 0, 0)
        ink[max(0, y0) : y1, max(0, x0) : x1] = 0
    small = cv2.resize(ink * 255, None, fx=0.125, fy=0.125, interpolation=cv2.INTER_AREA)
    boxes: list[Box] = [(0, 0, image.shape[1], image.shape[0])]
    for reach in range(3, 80, 4):
        smeared = cv2.dilate((small > 0).astype(np.uint8), np.ones((reach, reach), np.uint8))
        _, _, stats, _ = cv2.connectedComponentsWithStats(smeared)
        half = reach // 2
        boxes = [
            ((x + half) * 8, (y + half) * 8, (x + w - half) * 8, (y + h - half) * 8)
            for x, y, w, h, _ in stats[1:].tolist()
        ]
        if len(boxes) <= max(1, len(labels)):
            break
    names: list[str | None] = [None] * len(boxes)
    for label in labels:
        x, y = (label.box[0] + label.box[2]) / 2, (label.box[1] + label.box[3]) / 2  # type: ignore[index]
        distance = [max(b[0] - x, x - b[2], 0) + max(b[1] - y, y - b[3], 0) for b in boxes]
        names[int(np.argmin(distance))] = label.label
    return [dict(zip(("x0", "y0", "x1", "y1"), b, strict=True), label=n) for b, n in zip(boxes, names, strict=True)]


def on_drawn_sheets(count: int, seed: int) -> None:
    """Print the scores on drawn sheets."""
    cores = os.cpu_count() or 1
    sheets = list(drawn(count, seed))
    batches = [sheets[at : at + 8] for at in range(0, len(sheets), 8)]
    scores: dict[str, Score] = {}
    reading = splitting = 0.0
    with ProcessPoolExecutor(cores, initializer=_start) as pool:
        for batch, (ways, read_s, split_s) in zip(batches, pool.map(_judge, batches), strict=True):
            reading, splitting = reading + read_s, splitting + split_s
            for sheet, found in zip(batch, ways, strict=True):
                for way, rows in found.items():
                    scores.setdefault(way, Score()).add(rows, sheet.figures)
    figures, many = sum(len(s.figures) for s in sheets), sum(len(s.figures) > 2 for s in sheets)
    print(f"{len(sheets)} drawn sheets (seed {seed}), {figures} figures; {many} sheets have more than 2")
    print(f"{'':28}{'mean IoU':>8} {'labels':>8} {'number':>8}")
    for way, score in scores.items():
        print(f"{way:28}{score}")
    print(f"splitting takes {1000 * splitting / len(sheets):.1f} ms a sheet, {splitting / reading:.1%} of reading it")
    print("to reach, from the image alone: IoU 0.850, labels 0.970")


def on_real_sheets() -> None:
    """Print the scores on hand-read sheets."""
    if SHARED is None:
        print("the hand-read sheets are not here (../shared/data is absent)")
        return
    gold = {(row["doc"], row["file"]): row for rows in truth("sheets").values() for row in rows}
    chosen = [
        (sheet, gold[document.name, sheet["file"]])
        for document in extracted()
        for sheet in document.sheets
        if (row := gold.get((document.name, sheet["file"]))) and row["n_figures"] == row["n_captions"]
    ]
    with ProcessPoolExecutor(os.cpu_count() or 1, initializer=_start) as pool:
        judged = list(pool.map(_judge_real, [sheet for sheet, _ in chosen]))
    for way, index in (("labels withheld", 0), ("with the office's labels", 1)):
        number = labels = 0
        for (_, wanted), rows in zip(chosen, judged, strict=True):
            figures = rows[index]
            number += len(figures) == wanted["n_figures"]
            labels += {f["label"] for f in figures if f["label"]} == set(wanted["figure_labels"])
        print(f"hand-read, {way}: number of figures right on {number} of {len(chosen)}, labels on {labels}")
    print("to reach: the number on 0.950")


def _judge_real(sheet: Row) -> tuple[list[Row], list[Row]]:
    regions = rows_of(sheet, _ENGINE[0].read([sheet["image"]])[0])
    image = decode(sheet["image"], 300)
    bare = {**sheet, "role": "drawing", "declared_labels": []}
    return _figures(bare, image, regions), _figures(sheet, image, regions)


def main() -> None:
    """Read the arguments and measure."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sheets", type=int, default=120, help="drawn sheets")
    parser.add_argument("--seed", type=int, default=5)
    arguments = parser.parse_args()
    on_drawn_sheets(arguments.sheets, arguments.seed)
    on_real_sheets()


if __name__ == "__main__":
    main()
