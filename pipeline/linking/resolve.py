"""Links between the figures and the sentences of one document."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import Any

from pipeline.config import LinkingSettings
from pipeline.linking.printed import best_readings
from pipeline.linking.references import named_figures
from pipeline.linking.relevance import Document, probabilities
from pipeline.linking.signs import DocumentSigns

Row = Mapping[str, Any]


def resolve(
    figures: Iterable[Row], printed: Iterable[Row], passages: Iterable[Row], signs: DocumentSigns,
    settings: LinkingSettings,
) -> list[dict[str, Any]]:  # fmt: skip
    """Rows of ``links`` of one document, ordered by figure, passage and sign. ``printed``: rows of figure_signs.

    A sentence is linked to a figure through every sign that it names and the figure prints, and through the figure
    itself where it names it, or where the text is about it by ``settings.min_score``. The score is the
    probability that a careful reader would look at the figure to follow the sentence.
    """
    figures, passages = list(figures), list(passages)
    if not figures:
        return []
    document = document_of(figures, printed, passages, signs)
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
                match = "exact" if readings[sign]["correction"] == "none" else "corrected"
                rows.append(_link(figure, passage, score, match, readings[sign], terms[sign]))
    return sorted(rows, key=lambda row: row["figure_id"])


def document_of(
    figures: Iterable[Row], printed: Iterable[Row], passages: Iterable[Row], signs: DocumentSigns
) -> Document:  # fmt: skip
    """The document as the relevance model looks at it."""
    figures = list(figures)
    return Document(figures, list(passages), best_readings(figures, printed), _spoken(signs))


def _spoken(signs: DocumentSigns) -> dict[str, list[str]]:
    """The signs of each passage, each once."""
    spoken: dict[str, dict[str, None]] = defaultdict(dict)
    for mention in signs.mentions:
        spoken[mention.passage_id][mention.sign] = None
    return {passage_id: list(found) for passage_id, found in spoken.items()}


def _link(
    figure: Row, passage: Row, score: float, match: str, reading: Row | None = None, term: str | None = None
) -> dict[str, Any]:
    return {
        "figure_id": figure["figure_id"],
        "doc_id": figure["doc_id"],
        "sign": reading["sign"] if reading else "",
        "passage_id": passage["passage_id"],
        "term": term,
        "region_ordinal": reading["region_ordinal"] if reading else None,
        "match": match,
        "ocr_confidence": reading["ocr_confidence"] if reading else None,
        "score": score,
        "text": passage["text"],
    }
