"""Links between the figures and the sentences of one document."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import Any

from pipeline.linking.signs import DocumentSigns

Row = Mapping[str, Any]


def resolve(
    figures: Iterable[Row],
    regions: Iterable[Row],
    passages: Iterable[Row],
    signs: DocumentSigns,
    min_confidence: float = 0.0,
) -> list[dict[str, Any]]:
    """Rows of ``links`` of one document, ordered by figure, passage and sign.

    A sentence is linked to a figure through every sign that it names and the figure prints (as OCR read it, at
    ``min_confidence`` or above) and through every figure label in its ``figure_refs``.
    """
    figures = list(figures)
    texts = {p["passage_id"]: p for p in passages}
    terms = {row["sign"]: row["term"] for row in signs.rows}
    spoken: dict[str, list[str]] = defaultdict(list)
    for mention in signs.mentions:
        if mention.passage_id in texts and mention.passage_id not in spoken[mention.sign][-1:]:
            spoken[mention.sign].append(mention.passage_id)
    printed = printed_signs(figures, regions, min_confidence)
    named = {pid: named_figures(p["figure_refs"] or (), figures) for pid, p in texts.items()}
    shown_by = {sign: sum(sign in signs_here for signs_here in printed.values()) for sign in spoken}
    rows = []
    for figure in figures:
        figure_id = figure["figure_id"]
        rows += [_link(figure, texts[pid], 1.0) for pid, ids in named.items() if figure_id in ids]
        for sign, region in printed[figure_id].items():
            for pid in spoken.get(sign, ()):
                score = _sign_score(figure_id, named[pid], shown_by[sign])
                rows.append(_link(figure, texts[pid], score, sign, terms[sign], region))
    order = {pid: position for position, pid in enumerate(texts)}
    return sorted(rows, key=lambda row: (row["figure_id"], order[row["passage_id"]], row["sign"]))


def printed_signs(figures: Iterable[Row], regions: Iterable[Row], min_confidence: float) -> dict[str, dict[str, Row]]:
    """For each figure the signs read inside its box, each with the region read most confidently."""
    by_sheet: dict[str, list[Row]] = defaultdict(list)
    for region in regions:
        if region["role"] == "sign" and _sign(region) and region["confidence"] >= min_confidence:
            by_sheet[region["sheet_id"]].append(region)
    printed: dict[str, dict[str, Row]] = {}
    for figure in figures:
        best: dict[str, Row] = {}
        for region in by_sheet[figure["sheet_id"]]:
            sign = _sign(region)
            if _inside(region["polygon"], figure) and (
                sign not in best or region["confidence"] > best[sign]["confidence"]
            ):
                best[sign] = region
        printed[figure["figure_id"]] = best
    return printed


def _sign(region: Row) -> str:
    return str(region["corrected_sign"] or region["sign"] or "")


def _inside(polygon: list[float], figure: Row) -> bool:
    """True when the polygon's centre lies in the figure's box."""
    x, y = sum(polygon[0::2]) / 4, sum(polygon[1::2]) / 4
    return bool(figure["x0"] <= x < figure["x1"] and figure["y0"] <= y < figure["y1"])


def named_figures(labels: Iterable[str], figures: Iterable[Row]) -> set[str]:
    """The figures that ``labels`` name: the figure itself, else its parts (Fig. 4 names 4A and 4(b)), else the
    figure that it is a part of (Fig. 15(a) names 15 where the sheet has no label for the part)."""
    by_label: dict[str, set[str]] = defaultdict(set)
    for figure in figures:
        if figure["label"]:
            by_label[figure["label"]].add(figure["figure_id"])
    found: set[str] = set()
    for label in labels:
        parts = [other for other in by_label if is_part(other, label)]
        wholes = [other for other in by_label if is_part(label, other)]
        for match in [label] if label in by_label else parts or wholes:
            found |= by_label[match]
    return found


def is_part(label: str, whole: str) -> bool:
    """True when ``label`` is a part of ``whole``: 4A, 4(b) or 4' of 4, but not 40."""
    return label.startswith(whole) and len(label) > len(whole) and not label[len(whole)].isdigit()


def _sign_score(figure_id: str, named: set[str], shown_by: int) -> float:
    """Named figures attract the sentence; else the fewer figures print the sign, the surer the link."""
    if named:
        return 0.9 if figure_id in named else 0.1
    return 0.8 / max(1, shown_by)


def _link(
    figure: Row, passage: Row, score: float, sign: str = "", term: str | None = None, region: Row | None = None
) -> dict[str, Any]:
    match = "figure mention" if region is None else "corrected" if region["corrected_sign"] else "exact"
    return {
        "figure_id": figure["figure_id"],
        "doc_id": figure["doc_id"],
        "sign": sign,
        "passage_id": passage["passage_id"],
        "term": term,
        "region_ordinal": region["ordinal"] if region else None,
        "match": match,
        "ocr_confidence": region["confidence"] if region else None,
        "score": score,
        "text": passage["text"],
    }
