"""Detect, then read each box at the turns it may have.

A wide box can only be upright, a tall one turned either way; a box that is about as wide as it is high
(one digit, two narrow ones) says nothing, so it is read at the turns that the sheet's other text has.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from typing import Protocol

from pipeline.ocr.crops import Box, Crop, clip, polygon, upright
from pipeline.ocr.engines import Reading, Sheet

#: A box this much longer than wide is sure to hold text along its length.
_ELONGATED = 1.25
#: A turn with less than this share of a sheet's clear text is noise.
_TURN_SHARE = 0.15


class Detector(Protocol):
    def boxes(self, images: Sequence[Sheet]) -> list[list[Box]]:
        """Where text is, sheet by sheet, in sheet pixels."""
        ...


class Recogniser(Protocol):
    def texts(self, crops: Sequence[Sheet]) -> list[tuple[str, float]]:
        """Text and confidence of upright crops (uint8, 0 ink)."""
        ...


def read(
    images: Sequence[Sheet], detector: Detector, recogniser: Recogniser, margin_px: int = 2
) -> list[list[Reading]]:
    """The text of each sheet: one recogniser batch over all sheets' clear boxes, one over the rest."""
    boxes = [
        [box for found in per_sheet if (box := clip(found, image.shape[0], image.shape[1], margin_px)) is not None]
        for image, per_sheet in zip(images, detector.boxes(images), strict=True)
    ]
    clear = [Crop(i, box, turn) for i, found in enumerate(boxes) for box in found for turn in _sure_turns(box)]
    read_clear = _best(clear, _texts(images, clear, recogniser))
    turns = _sheet_turns(read_clear)
    rest = [
        Crop(i, box, turn) for i, found in enumerate(boxes) for box in found if not _sure_turns(box)
        for turn in turns.get(i, (0,))
    ]  # fmt: skip
    readings: list[list[Reading]] = [[] for _ in images]
    for crop, text, confidence in (read_clear | _best(rest, _texts(images, rest, recogniser))).values():
        if text:
            readings[crop.sheet].append(Reading(polygon(crop.box, crop.turn), text, confidence, crop.turn))
    return readings


_Read = dict[tuple[int, Box], tuple[Crop, str, float]]


def _sure_turns(box: Box) -> tuple[int, ...]:
    width, height = box[2] - box[0], box[3] - box[1]
    if width >= _ELONGATED * height:
        return (0,)
    return (90, 270) if height >= _ELONGATED * width else ()


def _texts(images: Sequence[Sheet], crops: Sequence[Crop], recogniser: Recogniser) -> list[tuple[str, float]]:
    texts = recogniser.texts([upright(images[crop.sheet], crop.box, crop.turn) for crop in crops])
    return [(text.strip(), confidence) for text, confidence in texts]


def _best(crops: Sequence[Crop], texts: Sequence[tuple[str, float]]) -> _Read:
    """The most confident turn of each box; the first named wins a tie."""
    best: _Read = {}
    for crop, (text, confidence) in zip(crops, texts, strict=True):
        known = best.get((crop.sheet, crop.box))
        if known is None or confidence > known[2]:
            best[crop.sheet, crop.box] = (crop, text, confidence)
    return best


def _sheet_turns(read_clear: _Read) -> dict[int, tuple[int, ...]]:
    """The turns in which a sheet's clear text stands, the commonest first."""
    votes: dict[int, dict[int, float]] = defaultdict(lambda: defaultdict(float))
    for crop, text, confidence in read_clear.values():
        votes[crop.sheet][crop.turn] += confidence * len(text)
    return {
        sheet: tuple(
            turn for turn, vote in sorted(turns.items(), key=lambda item: -item[1])
            if vote >= _TURN_SHARE * sum(turns.values())
        ) or (0,)
        for sheet, turns in votes.items()
    }  # fmt: skip
