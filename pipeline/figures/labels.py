"""Which figures a sheet shows: the labels that the office declares and those read on it, reconciled."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from pipeline.labels import label_key, normal_label

Box = tuple[int, int, int, int]


@dataclass(frozen=True)
class ReadLabel:
    """A label as OCR read it, and where."""

    label: str
    box: Box
    confidence: float


@dataclass(frozen=True)
class SheetLabel:
    """A figure of the sheet. ``box`` is where its label stands, None when only the office names it."""

    label: str | None
    source: str  # one of schemas.figures.LABEL_SOURCES
    box: Box | None


def reconcile(declared: Sequence[str], read: Sequence[ReadLabel]) -> list[SheetLabel]:
    """The sheet's figures, at least one.

    A label that both name is ``both``. What is left is paired off one to one as ``conflict`` and
    keeps the printed label, because offices declare wrong sheets more often than a whole "FIG." line is
    misread; unless the declared label differs in one character only, which is a misreading.
    Labels that still stand alone are ``office`` or ``ocr``.
    """
    printed = _distinct(read)
    office = {label_key(label): normal_label(label) for label in declared if label_key(label)}
    figures = [
        SheetLabel(office[key], "both", found.box) for key, found in printed.items() if key in office
    ]  # fmt: skip
    only_printed = [found for key, found in printed.items() if key not in office]
    only_office = [label for key, label in office.items() if key not in printed]
    for found in list(only_printed):
        if only_office:
            nearest = min(only_office, key=lambda label: _differences(label, found.label))
            label = nearest if _differences(nearest, found.label) <= 1 and len(nearest) > 1 else found.label
            figures.append(SheetLabel(label, "conflict", found.box))
            only_office.remove(nearest)
            only_printed.remove(found)
    figures += [SheetLabel(found.label, "ocr", found.box) for found in only_printed]
    figures += [SheetLabel(label, "office", None) for label in only_office]
    return figures or [SheetLabel(None, "none", None)]


def _distinct(read: Sequence[ReadLabel]) -> dict[str, ReadLabel]:
    """The surest reading of each label, in reading order."""
    best: dict[str, ReadLabel] = {}
    for found in read:
        key = label_key(found.label)
        if key and (key not in best or found.confidence > best[key].confidence):
            best[key] = found
    return best


def _differences(one: str, other: str) -> int:
    """Levenshtein distance of the keys."""
    one, other = label_key(one), label_key(other)
    row = list(range(len(other) + 1))
    for i, a in enumerate(one, 1):
        previous, row[0] = row[0], i
        for j, b in enumerate(other, 1):
            previous, row[j] = row[j], min(row[j] + 1, row[j - 1] + 1, previous + (a != b))
    return row[-1]
