"""A sheet made ready for a detector: cleaned where that may help, set upright, reduced.

A *page* is one way to look at a sheet. Most sheets have one; a screened or dusty sheet has a second that is
cleaned, which saves black letters on grey and spoils fine grey ones, so both are read. Detectors see upright text
best: where the ink may be lettering that stands turned, each page is looked at upright and turned, and that at which
the detector finds more is read.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pipeline.ocr.crops import upright
from pipeline.ocr.engines import View
from pipeline.ocr.ink import find_ink
from pipeline.ocr.lettering import find_lettering
from pipeline.pixels import Sheet
from pipeline.screens import without_screens

_INK_BELOW = 128
#: Turned so that text standing at this angle comes upright.
_USUAL_TURN = 270
#: Larger sheets are reduced by a whole number before anything else: A3 at 600 dpi has 70 megapixels.
CANVAS_PIXELS = 40_000_000


@dataclass(frozen=True)
class Page:
    """A sheet set upright by ``turn``: its pixels as bits (1 ink), and reduced for the detector.

    Pages of one ``variant`` (0 the sheet as it is, 1 cleaned) show the same at different turns."""

    variant: int
    bits: NDArray[np.uint8]
    shape: tuple[int, int]
    turn: int
    small: Sheet

    @property
    def pixels(self) -> Sheet:
        """H x W uint8, 0 ink and 255 paper."""
        ink = np.unpackbits(self.bits, axis=1, count=self.shape[1])
        return (1 - ink) * np.uint8(255)


@dataclass(frozen=True)
class Prepared:
    """A sheet's pages. ``shape`` is the sheet's own, ``factor`` what its pages were reduced by."""

    shape: tuple[int, int]
    factor: int
    pages: tuple[Page, ...]


def prepare(image: Sheet, view: View) -> Prepared:
    """The pages of a sheet."""
    factor = max(1, int(np.ceil((image.size / CANVAS_PIXELS) ** 0.5)))
    sheet = _reduced(image, factor) if factor > 1 else image
    ink = find_ink(sheet)
    cleaned = without_screens(sheet, ink.area)
    lettering = find_lettering(ink if cleaned is None else find_ink(cleaned))
    turns = (0, _USUAL_TURN) if lettering.leaning else (0,)
    pages = [
        _page(variant, pixels, turn, lettering.height_px, view)
        for variant, pixels in enumerate((sheet, cleaned))
        if pixels is not None
        for turn in turns
    ]
    return Prepared((image.shape[0], image.shape[1]), factor, tuple(pages))


def _page(variant: int, pixels: Sheet, turn: int, height_px: float, view: View) -> Page:
    standing = np.ascontiguousarray(upright(pixels, turn))
    height, width = standing.shape
    bits = np.packbits(standing < _INK_BELOW, axis=1)
    return Page(variant, bits, (height, width), turn, view.shrink(standing, height_px))


def _reduced(image: Sheet, factor: int) -> Sheet:
    """Ink stays ink where it fills a third of the pixels that become one: thin lines survive."""
    import cv2

    height, width = (max(1, side // factor) for side in image.shape)
    grey = cv2.resize(image, (width, height), interpolation=cv2.INTER_AREA)
    return np.where(grey < 170, 0, 255).astype(np.uint8)
