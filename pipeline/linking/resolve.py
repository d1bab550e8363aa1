"""Links between the figures and the sentences of one document."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from pipeline.config import LinkingSettings
from pipeline.linking.correct import Correction, correct
from pipeline.linking.references import named_figures
from pipeline.linking.relevance import Document, probabilities
from pipeline.linking.signs import DocumentSigns

Row = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Reading:
    """A sign read in a figure: the region, and whether the text's knowledge corrected it."""

    sign: str
    region: Row
    corrected: bool


def resolve(
    figures: Iterable[Row], regions: Iterable[Row], passages: Iterable[Row], signs: DocumentSigns,
    settings: LinkingSettings,
) -> list[dict[str, Any]]:  # fmt: skip
    """Rows of ``links`` of one document, ordered by figure, passage and sign.

    A sentence is linked to a figure through every sign that it names and the figure prints, and through the figure
    itself where it names it, or where the text is about it by ``settings.min_score``. The score is the
    probability that a careful reader would look at the figure to follow the sentence.
    """
    figures, passages = list(figures), list(passages)
    if not figures:
        return []
    document = document_of(figures, regions, passages, signs, settings.min_confidence)
    scores = probabilities(document)
    terms = {row["sign"]: row["term"] for row in signs.rows}
    named = {p["passage_id"]: named_figures(p["figure_refs"] or (), figures) for p in passages}
    rows = []
    for place, figure in enumerate(figures):
        readings = document.printed[figure["figure_id"]]
        for passage in passages:
            score = float(scores[passage["passage_id"]][place])
            shared = [sign for sign in document.spoken.get(passage["passage_id"], ()) if sign in readings]
            is_named = figure["figure_id"] in named[passage["passage_id"]]
            if is_named or (score >= settings.min_score and not shared):
                rows.append(_link(figure, passage, score, "figure mention" if is_named else "context"))
            for sign in sorted(shared):
                match = "corrected" if readings[sign].corrected else "exact"
                rows.append(_link(figure, passage, score, match, readings[sign], terms[sign]))
    return sorted(rows, key=lambda row: row["figure_id"])


def document_of(
    figures: Iterable[Row], regions: Iterable[Row], passages: Iterable[Row], signs: DocumentSigns,
    min_confidence: float = LinkingSettings().min_confidence,
) -> Document:  # fmt: skip
    """The document as the relevance model looks at it."""
    figures = list(figures)
    printed = printed_signs(figures, regions, [row["sign"] for row in signs.rows], min_confidence)
    return Document(figures, list(passages), printed, _spoken(signs))


def _spoken(signs: DocumentSigns) -> dict[str, list[str]]:
    """The signs of each passage, each once."""
    spoken: dict[str, dict[str, None]] = defaultdict(dict)
    for mention in signs.mentions:
        spoken[mention.passage_id][mention.sign] = None
    return {passage_id: list(found) for passage_id, found in spoken.items()}


def printed_signs(
    figures: Iterable[Row], regions: Iterable[Row], known: Iterable[str], min_confidence: float
) -> dict[str, dict[str, Reading]]:
    """For each figure the signs read inside its box, each by its most confident reading; ``known`` are the signs
    that the text names."""
    regions = [r for r in regions if r["role"] == "sign" and r["sign"] and r["confidence"] >= min_confidence]
    corrections = correct(regions, known)
    by_sheet: dict[str, list[Reading]] = defaultdict(list)
    for region in sorted(regions, key=lambda r: (-r["confidence"], r["ordinal"])):
        by_sheet[region["sheet_id"]].append(_reading(region, corrections.get((region["sheet_id"], region["ordinal"]))))
    printed: dict[str, dict[str, Reading]] = {}
    for figure in figures:
        best: dict[str, Reading] = {}
        for reading in by_sheet[figure["sheet_id"]]:
            if _inside(reading.region["polygon"], figure):
                best.setdefault(reading.sign, reading)
        printed[figure["figure_id"]] = best
    return printed


def _reading(region: Row, correction: Correction | None) -> Reading:
    if correction is not None:
        return Reading(correction.sign, region, corrected=True)
    if region["corrected_sign"]:
        return Reading(region["corrected_sign"], region, corrected=True)
    return Reading(region["sign"], region, corrected=False)


def _inside(polygon: list[float], figure: Row) -> bool:
    """True when the polygon's centre lies in the figure's box."""
    x, y = sum(polygon[0::2]) / 4, sum(polygon[1::2]) / 4
    return bool(figure["x0"] <= x < figure["x1"] and figure["y0"] <= y < figure["y1"])


def _link(
    figure: Row, passage: Row, score: float, match: str, reading: Reading | None = None, term: str | None = None
) -> dict[str, Any]:
    return {
        "figure_id": figure["figure_id"],
        "doc_id": figure["doc_id"],
        "sign": reading.sign if reading else "",
        "passage_id": passage["passage_id"],
        "term": term,
        "region_ordinal": reading.region["ordinal"] if reading else None,
        "match": match,
        "ocr_confidence": reading.region["confidence"] if reading else None,
        "score": score,
        "text": passage["text"],
    }
