"""Rows of one small document, as the other stages leave them."""

from __future__ import annotations

from typing import Any


def passages(*texts: str, language: str = "en", section: str = "description", heading: str | None = None,
             refs: dict[int, list[str]] | None = None, start: int = 0) -> list[dict[str, Any]]:  # fmt: skip
    """One sentence a paragraph; ``refs`` gives the figure references by position."""
    return [
        {
            "passage_id": f"EP1A1/{section}-{language}/{position}/0",
            "doc_id": "EP1A1",
            "section": section,
            "paragraph": f"{position:04d}",
            "paragraph_index": position,
            "sentence": 0,
            "language": language,
            "heading": heading,
            "text": text,
            "figure_refs": (refs or {}).get(position, []),
        }
        for position, text in enumerate(texts, start)
    ]


def region(sign: str, x: float = 50, y: float = 50, sheet: str = "EP1A1/1.tif", ordinal: int = 0,
           confidence: float = 0.9, role: str = "sign",
           alternatives: dict[str, float] | None = None) -> dict[str, Any]:  # fmt: skip
    """A text read at ``x``, ``y``, a reference sign unless ``role`` says otherwise."""
    return {
        "sheet_id": sheet,
        "ordinal": ordinal,
        "doc_id": "EP1A1",
        "polygon": [x - 5, y - 5, x + 5, y - 5, x + 5, y + 5, x - 5, y + 5],
        "text": sign,
        "confidence": confidence,
        "angle": 0,
        "role": role,
        "sign": sign if role == "sign" else None,
        "alternatives": [{"text": t, "probability": p} for t, p in (alternatives or {}).items()],
        "engine": "test",
    }


def figure(label: str, sheet: str = "EP1A1/1.tif", box: tuple[int, int, int, int] = (0, 0, 100, 100),
           ordinal: int = 0) -> dict[str, Any]:  # fmt: skip
    """A figure of ``sheet``."""
    return {
        "figure_id": f"{sheet}#{label}",
        "sheet_id": sheet,
        "doc_id": "EP1A1",
        "label": label,
        "label_source": "both",
        "ordinal": ordinal,
        **dict(zip(("x0", "y0", "x1", "y1"), box, strict=True)),
        "caption": None,
    }
