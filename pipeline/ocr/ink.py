"""The connected ink of a sheet, and the sheet freed of halftone screens and scanner's dust."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pipeline.pixels import Sheet

_INK_BELOW = 128
#: Characters on a 300 dpi sheet: 3.2 mm letters are 38 px high, the smallest legible ones about 10.
_SMALLEST_PX, _LARGEST_PX = 9, 120
_TOUCHING = 4  # letters of a heavy or slanted face run into each other
#: A clean sheet has a few specks a square inch; error diffusion and dust leave thousands a megapixel.
_SPECK_PX = 6
_SPECKS_PER_MPIXEL, _HOLES_PER_MPIXEL = 700, 4000
_BLUR, _WINDOW_PX, _CONTRAST = 1.2, 31, 70


@dataclass(frozen=True)
class Ink:
    """``labels``: H x W int32, 0 paper, i + 1 the i-th component. ``boxes``: N x 4 int32, x0 y0 x1 y1.

    ``area``: N int32, pixels of ink.
    """

    labels: NDArray[np.int32]
    boxes: NDArray[np.int32]
    area: NDArray[np.int32]

    @property
    def width(self) -> NDArray[np.int32]:
        return self.boxes[:, 2] - self.boxes[:, 0]

    @property
    def height(self) -> NDArray[np.int32]:
        return self.boxes[:, 3] - self.boxes[:, 1]

    def glyphs(self) -> NDArray[np.bool_]:
        """Components that have the size of a character, upright or turned, or of a few that touch."""
        longer, shorter = np.maximum(self.width, self.height), np.minimum(self.width, self.height)
        sized = (longer >= _SMALLEST_PX) & (shorter <= _LARGEST_PX) & (longer <= _TOUCHING * _LARGEST_PX)
        return sized & (self.area >= _SMALLEST_PX)


def find_ink(sheet: Sheet) -> Ink:
    """Components of ink, diagonal neighbours connected."""
    import cv2

    _, labels, stats, _ = cv2.connectedComponentsWithStats((sheet < _INK_BELOW).astype(np.uint8), connectivity=8)
    x, y, width, height, area = stats[1:].T
    return Ink(labels, np.stack([x, y, x + width, y + height], axis=1), area)


def without_screens(sheet: Sheet) -> Sheet | None:
    """None when the sheet is clean; else what is darker than its surroundings, as pure ink.

    Halftone dots blur into the grey that they stand for; within a letter's height, ink is what is nearer to
    the darkest grey than to the lightest (Bernsen 1986): black letters on a grey ground, grey ones on white.
    """
    import cv2

    ink = (sheet < _INK_BELOW).astype(np.uint8)
    mpixels = max(sheet.size, 1) / 1e6
    if _tiny(ink, 8) <= _SPECKS_PER_MPIXEL * mpixels and _tiny(1 - ink, 4) <= _HOLES_PER_MPIXEL * mpixels:
        return None
    grey = cv2.GaussianBlur(sheet, (0, 0), _BLUR)
    window = np.ones((_WINDOW_PX, _WINDOW_PX), np.uint8)
    lightest, darkest = cv2.dilate(grey, window).astype(np.int16), cv2.erode(grey, window).astype(np.int16)
    is_ink = (grey < (lightest + darkest) // 2) & (lightest - darkest > _CONTRAST)
    return np.where(is_ink, 0, 255).astype(np.uint8)


def _tiny(mask: NDArray[np.uint8], connectivity: int) -> int:
    import cv2

    _, _, stats, _ = cv2.connectedComponentsWithStats(mask, connectivity=connectivity)
    return int(np.count_nonzero(stats[1:, cv2.CC_STAT_AREA] <= _SPECK_PX))
