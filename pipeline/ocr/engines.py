"""What an OCR engine is, what it hands back, and which engine the settings ask for.

An engine is two networks, a detector that says where text is and a recogniser that spells it, and a *view*: what
the detector sees of a sheet, and what its answer means. The networks run where the accelerator is, the view on
any processor, so the stages of reading (``pipeline.ocr.stages``) can be spread over both.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from importlib import import_module
from typing import Any, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from pipeline.config import OcrSettings
from pipeline.errors import UsageError
from pipeline.ocr.crops import Box
from pipeline.ocr.ctc import Alternative, Steps
from pipeline.pixels import Sheet

__all__ = ["ENGINES", "Detector", "Patch", "Reading", "Recogniser", "Sheet", "View", "load"]

#: What a detector answers for one sheet; only its view knows the meaning.
Heat = NDArray[Any]


@dataclass(frozen=True)
class Reading:
    """One piece of text on a sheet.

    ``polygon``: 4 x 2 float32 in sheet pixels, clockwise from the corner where the text begins, tight
    around the ink. ``angle``: degrees clockwise by which the text stands turned (0, 90, 180, 270).
    ``confidence``: 0 to 1, the recogniser's own. ``words``: the line's words where it has several.
    ``alternatives``: other ways to read a short text, most probable first.
    """

    polygon: NDArray[np.float32]
    text: str
    confidence: float
    angle: int
    words: tuple[Reading, ...] = ()
    alternatives: tuple[Alternative, ...] = ()

    @property
    def height_px(self) -> float:
        """Extent across the reading direction: the height of the letters."""
        return float(np.linalg.norm(self.polygon[3] - self.polygon[0]))

    @property
    def centre(self) -> NDArray[np.float32]:
        """x, y in sheet pixels."""
        middle: NDArray[np.float32] = self.polygon.mean(axis=0)
        return middle


class Patch(NamedTuple):
    """Where a detector sees text: ``box`` holds all of it, ``core`` is what surely is text."""

    box: Box
    core: Box


class View(Protocol):
    """The detector's view of a sheet; needs no network."""

    def shrink(self, sheet: Sheet, height_px: float) -> Sheet:
        """The sheet as the network takes it in. ``height_px``: its lettering's height, 0 where unknown."""
        ...

    def patches(self, heat: Heat, shape: tuple[int, int]) -> list[Patch]:
        """Where text is, in pixels of the sheet, whose shape is given."""
        ...


class Detector(Protocol):
    """The network that finds text. Its weights are loaded in the constructor, once per process."""

    def heat(self, smalls: Sequence[Sheet]) -> list[Heat]:
        """The network's answer for each reduced sheet. Raises MemoryError when the batch is too large."""
        ...


class Recogniser(Protocol):
    """The network that reads a line. ``name``: package version and models, what makes two readings comparable."""

    name: str
    alphabet: Sequence[str]

    def steps(self, crops: Sequence[Sheet]) -> list[Steps]:
        """The network's answer for each upright crop. Raises MemoryError when the batch is too large."""
        ...


ENGINES = {"rapidocr": "pipeline.ocr.rapidocr", "easyocr": "pipeline.ocr.easyocr"}


def load(part: str, settings: OcrSettings) -> Any:
    """The View, Detector or Recogniser of the engine that ``ocr.engine`` names, the networks with their weights.

    Raises UsageError for an unknown name and ModelNotFoundError when its weights are not there.
    """
    if settings.engine not in ENGINES:
        raise UsageError(f"ocr.engine = {settings.engine!r} is not known; choose one of: {', '.join(ENGINES)}")
    return getattr(import_module(ENGINES[settings.engine]), part)(settings)
