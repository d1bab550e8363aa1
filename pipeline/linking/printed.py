"""The signs printed in each figure: readings of its sheet, looked at again with what the text knows."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

from pipeline.linking.correct import Correction, correct
from pipeline.linking.usage import family

Row = Mapping[str, Any]

#: A sign further than this from every figure of its sheet belongs to none of them.
_REACH_PX = 250


def printed_rows(
    figures: Iterable[Row], regions: Iterable[Row], terms: Mapping[str, str], described: bool, min_confidence: float
) -> list[dict[str, Any]]:
    """Rows of ``figure_signs`` of one document: every sign read, in the figure that it stands in or nearest to.

    ``terms``: the signs that the text names, with their parts' names. ``described``: the document has a description,
    so a sign that it does not name says something.
    """
    by_sheet: dict[str, list[Row]] = defaultdict(list)
    for figure in figures:
        by_sheet[figure["sheet_id"]].append(figure)
    regions = [r for r in regions if r["sheet_id"] in by_sheet]
    corrections = correct(regions, terms)
    numberings = {numbering(sign) for sign in terms}
    rows = []
    for region in regions:
        correction = corrections.get((region["sheet_id"], region["ordinal"]))
        sign = correction.sign if correction else region["sign"] if region["role"] == "sign" else None
        if not sign or (region["confidence"] < min_confidence and sign not in terms):
            continue
        if (at := figure_at(region["polygon"], by_sheet[region["sheet_id"]])) is not None:
            status = _status(sign, terms, numberings, described)
            rows.append(_row(at, region, sign, correction, terms.get(sign), status))
    return sorted(rows, key=lambda row: (row["figure_id"], row["region_ordinal"]))


def best_readings(figures: Iterable[Row], rows: Iterable[Row]) -> dict[str, dict[str, Row]]:
    """For each figure its signs, each by the row of its most confident reading."""
    best: dict[str, dict[str, Row]] = {figure["figure_id"]: {} for figure in figures}
    for row in sorted(rows, key=lambda row: (-row["ocr_confidence"], row["region_ordinal"])):
        best[row["figure_id"]].setdefault(row["sign"], row)
    return best


def figure_at(polygon: Sequence[float], figures: Sequence[Row]) -> Row | None:
    """The figure in whose box the polygon's centre lies, the smallest of several; else the nearest within reach."""
    x, y = sum(polygon[0::2]) / 4, sum(polygon[1::2]) / 4

    def distance(figure: Row) -> tuple[float, int]:
        across = max(figure["x0"] - x, x - figure["x1"], 0.0)
        down = max(figure["y0"] - y, y - figure["y1"], 0.0)
        return float(across**2 + down**2) ** 0.5, (figure["x1"] - figure["x0"]) * (figure["y1"] - figure["y0"])

    nearest = min(figures, key=distance)
    return nearest if distance(nearest)[0] <= _REACH_PX else None


def numbering(sign: str) -> tuple[str, int]:
    """What signs of one numbering share: their letters before the digits, and how many digits there are."""
    return family(sign) if sign[0].isalpha() else "", sum(c.isdigit() for c in sign)


def _status(sign: str, named: Collection[str], numberings: Collection[tuple[str, int]], described: bool) -> str:
    if sign in named:
        return "named"
    return "unnamed" if not described or numbering(sign) in numberings else "stray"


def _row(
    figure: Row, region: Row, sign: str, correction: Correction | None, term: str | None, status: str
) -> dict[str, Any]:
    return {
        "figure_id": figure["figure_id"],
        "region_ordinal": region["ordinal"],
        "doc_id": figure["doc_id"],
        "sign": sign,
        "read_as": region["text"],
        "correction": correction.kind if correction else "none",
        "ocr_confidence": region["confidence"],
        "status": status,
        "term": term,
    }
