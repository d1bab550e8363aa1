"""Sheets freed of halftone screens, error diffusion and scanner's dust."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from pipeline.pixels import Sheet

_INK_BELOW = 128
#: A clean sheet has a few specks a square inch; error diffusion and dust leave thousands a megapixel.
_SPECK_PX = 6
_SPECKS_PER_MPIXEL, _HOLES_PER_MPIXEL = 700, 4000
_BLUR, _WINDOW_PX, _CONTRAST = 1.2, 31, 70


def without_screens(sheet: Sheet, areas: NDArray[np.integer] | None = None) -> Sheet | None:
    """None when the sheet is clean; else what is darker than its surroundings, as pure ink.

    ``areas`` are those of the sheet's components of ink, diagonal neighbours connected, where they are known.

    Halftone dots blur into the grey that they stand for; within a letter's height, ink is what is nearer to
    the darkest grey than to the lightest (Bernsen 1986): black letters on a grey ground, grey ones on white.
    """
    import cv2

    ink = (sheet < _INK_BELOW).astype(np.uint8)
    mpixels = max(sheet.size, 1) / 1e6
    specks = _tiny(ink, 8) if areas is None else int(np.count_nonzero(areas <= _SPECK_PX))
    if specks <= _SPECKS_PER_MPIXEL * mpixels and not _has_more_holes(ink, _HOLES_PER_MPIXEL * mpixels):
        return None
    grey = cv2.GaussianBlur(sheet, (0, 0), _BLUR)
    window = np.ones((_WINDOW_PX, _WINDOW_PX), np.uint8)
    lightest, darkest = cv2.dilate(grey, window).astype(np.int16), cv2.erode(grey, window).astype(np.int16)
    is_ink = (grey < (lightest + darkest) // 2) & (lightest - darkest > _CONTRAST)
    return np.where(is_ink, 0, 255).astype(np.uint8)


def _has_more_holes(ink: NDArray[np.uint8], most: float) -> bool:
    """Whether there are more tiny holes than ``most``. Every hole has a pixel with ink above it and to its left, so few
    such pixels mean few holes, and counting them spares finding the holes."""
    if np.count_nonzero((ink[1:, 1:] < ink[:-1, 1:]) & (ink[1:, 1:] < ink[1:, :-1])) <= most:
        return False
    return _tiny(1 - ink, 4) > most


def _tiny(mask: NDArray[np.uint8], connectivity: int) -> int:
    import cv2

    _, _, stats, _ = cv2.connectedComponentsWithStats(mask, connectivity=connectivity)
    return int(np.count_nonzero(stats[1:, cv2.CC_STAT_AREA] <= _SPECK_PX))
