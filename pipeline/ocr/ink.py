"""The connected ink of a sheet."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pipeline.pixels import Sheet

_INK_BELOW = 128
#: Characters on a 300 dpi sheet: 3.2 mm letters are 38 px high, the smallest legible ones about 10.
_SMALLEST_PX, _LARGEST_PX = 9, 120
_TOUCHING = 4  # letters of a heavy or slanted face run into each other


@dataclass(frozen=True)
class Ink:
    """``labels``: H x W uint16 or int32, 0 paper, i + 1 the i-th component. ``boxes``: N x 4 int32, x0 y0 x1 y1.

    ``area``: N int32, pixels of ink.
    """

    labels: NDArray[np.integer]
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

    ink = (sheet < _INK_BELOW).astype(np.uint8)
    try:  # three times as fast as with 32 bits
        _, labels, stats, _ = cv2.connectedComponentsWithStats(ink, connectivity=8, ltype=cv2.CV_16U)
    except cv2.error:  # more components than 16 bits can name
        _, labels, stats, _ = cv2.connectedComponentsWithStats(ink, connectivity=8, ltype=cv2.CV_32S)
    x, y, width, height, area = stats[1:].T
    return Ink(labels, np.stack([x, y, x + width, y + height], axis=1), area)
