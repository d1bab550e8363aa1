"""A figure as pixels: cut from its sheet, trimmed to its ink, laid on a small square canvas."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from pipeline.errors import Reason, RejectedItemError
from pipeline.pixels import Sheet

#: x0, y0, x1, y1 in sheet pixels, the last two exclusive.
Box = tuple[int, int, int, int]
#: What an encoder is given of a drawing: side x side, uint8, 0 ink and 255 paper.
Canvas = NDArray[np.uint8]

#: Darker than this is ink; faint greys of scanned drawings are, the noise of white paper is not.
_INK_BELOW = 192
_PAPER = 255
#: The area filter stops at this many times the canvas, so that the resampling after it decides the result: on
#: real sheets pixels differ from a full resampling by 0.06 of 255 on average (by 0.35 at 2 times).
_OVERSAMPLING = 4


def cut(sheet: Sheet, box: Box) -> Sheet:
    """The part of the sheet inside the box, a view; what lies outside the sheet is left out."""
    x0, y0, x1, y1 = box
    return sheet[max(y0, 0) : max(y1, 0), max(x0, 0) : max(x1, 0)]


def trim(drawing: Sheet) -> Sheet:
    """The drawing without its empty margins, a view. Raises RejectedItemError when it holds no ink."""
    rows = np.flatnonzero((drawing < _INK_BELOW).any(axis=1))
    if len(rows) == 0:
        raise RejectedItemError(Reason.IMAGE_UNREADABLE, "a drawing without ink")
    drawing = drawing[rows[0] : rows[-1] + 1]
    columns = np.flatnonzero((drawing < _INK_BELOW).any(axis=0))
    return drawing[:, columns[0] : columns[-1] + 1]


@dataclass(frozen=True)
class Preparation:
    """Turns a drawing of any size into what a model sees of it; needs no weights and runs on any worker.

    The trimmed drawing stands in the middle of a white square, so that nothing of a tall or wide one is
    cropped or squeezed, and the square is resampled to ``side`` pixels. ``filter`` is the one the model was
    trained with.
    """

    side: int
    filter: Literal["bicubic", "bilinear", "lanczos"] = "bicubic"

    def __call__(self, drawing: Sheet) -> Canvas:
        """A canvas, side x side, uint8. Raises RejectedItemError when there is no ink."""
        from PIL import Image

        square, length = _reduced_square(trim(drawing), self.side * _OVERSAMPLING)
        image = Image.fromarray(square)
        resampling = Image.Resampling[self.filter.upper()]
        return np.asarray(image.resize((self.side, self.side), resampling, box=(0, 0, length, length)))


def _reduced_square(drawing: Sheet, least: int) -> tuple[Sheet, float]:
    """The drawing on its white square, reduced by the whole factor that keeps at least ``least`` pixels.

    Returns the pixels and the length of the square among them, which need not be whole: the grid of the
    factor starts at the square's corner, so the geometry is that of the unreduced square. Averaging whole
    blocks of a 1-bit drawing costs a fraction of a wide resampling kernel and leaves it little to do.
    """
    import cv2

    height, width = drawing.shape
    side = max(height, width)
    factor = max(1, side // least)
    top, left = (side - height) // 2, (side - width) // 2
    strip = np.full((_up(top % factor + height, factor), _up(left % factor + width, factor)), _PAPER, np.uint8)
    strip[top % factor : top % factor + height, left % factor : left % factor + width] = drawing
    small = strip
    if factor > 1:
        size = (strip.shape[1] // factor, strip.shape[0] // factor)
        small = cv2.resize(strip, size, interpolation=cv2.INTER_AREA)
    square = np.full((-(-side // factor),) * 2, _PAPER, np.uint8)
    y, x = top // factor, left // factor
    square[y : y + small.shape[0], x : x + small.shape[1]] = small
    return square, side / factor


def _up(value: int, step: int) -> int:
    return -(-value // step) * step
