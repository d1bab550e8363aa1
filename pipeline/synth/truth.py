"""The ground truth beside an archive, in the form of the hand-read truth, extended by boxes."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from pipeline.synth.grammar import plain
from pipeline.synth.sheets import Sheet
from pipeline.synth.text import Account, Paragraph

#: One file each, one JSON object a line.
FILES = ("sheets", "signs", "not_signs", "captions", "figure_sentences", "documents")
_NUMERAL = re.compile(r"\d+[a-z]?")
_ROLES = {"sign": "sign", "label": "figure label", "word": "word", "symbol": "word", "number": "other number"}

Row = dict[str, Any]


def sheet_row(doc: str, file: str, sheet: Sheet, role: str = "drawing") -> Row:
    """What a reader finds on one sheet, and where (pixels; boxes with exclusive right and bottom edges)."""
    signs = sorted({t.text for t in sheet.texts if t.kind == "sign"})
    height, width = sheet.image.shape
    labels = [f.plan.label for f in sheet.figures if f.plan.label]
    turns = {t.angle for t in sheet.texts if t.kind == "sign"} or {0}
    label_turns = {t.angle for t in sheet.texts if t.kind == "label"} or {0}

    def of(kind: str) -> list[str]:
        return sorted({t.text for t in sheet.texts if t.kind == kind})

    return {
        "doc": doc, "file": file, "role": role, "width_px": width, "height_px": height, "figure_labels": labels,
        "reference_signs": signs, "numerals_only": [s for s in signs if _NUMERAL.fullmatch(s)],
        "other_text": of("word"), "other_numbers": of("number"), "other_signs": of("symbol"), "uncertain": [],
        "text_rotation_cw_deg": -min(turns) % 360, "label_rotation_cw_deg": -min(label_turns) % 360,
        "n_figures": len(sheet.figures), "n_captions": len(labels), "sub_labels": [],
        "figures": [
            {"label": f.plan.label or None, "kind": f.plan.kind, "box": list(box), "reference_signs": list(f.signs)}
            for f, box in zip(sheet.figures, sheet.boxes, strict=True)
        ],
        "texts": [
            {"text": t.text, "role": _ROLES[t.kind], "angle": t.angle, "figure": t.figure,
             "polygon": [v for point in t.polygon for v in point]}
            for t in sheet.texts
        ],
    }  # fmt: skip


def text_rows(doc: str, language: str, paragraphs: Sequence[Paragraph], account: Account) -> dict[str, list[Row]]:
    """What the text says: signs with their terms, traps, captions, and which sentence is about which figure."""
    signs = [
        {
            "doc": doc, "language": language, "sign": sign, "term": term,
            "alternates": account.alternates.get(sign, []), "n_mentions": account.mentions[sign],
            "source": account.sources[sign], "note": "",
        }
        for sign, term in account.terms.items()
    ]  # fmt: skip
    sentences = [
        {
            "doc": doc, "paragraph": paragraph.number, "sentence": index, "text": plain(statement.xml),
            "figures": list(statement.figures), "primary": statement.figures[0] if statement.figures else None,
            "optional": list(statement.optional), "basis": statement.basis,
        }
        for paragraph in paragraphs
        if not paragraph.items
        for index, statement in enumerate(paragraph.statements)
    ]  # fmt: skip
    return {
        "signs": signs,
        "not_signs": [{"doc": doc, **row} for row in account.not_signs],
        "captions": [{"doc": doc, **row, "note": ""} for row in account.captions],
        "figure_sentences": sentences,
    }
