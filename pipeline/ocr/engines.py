"""What an OCR engine is, what it hands back, and which engine the settings ask for."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from pipeline.config import OcrSettings
from pipeline.errors import UsageError
from pipeline.pixels import Sheet

__all__ = ["ENGINES", "OcrEngine", "Reading", "Sheet", "load_engine"]


@dataclass(frozen=True)
class Reading:
    """One piece of text on a sheet.

    ``polygon``: 4 x 2 float32 in sheet pixels, clockwise from the corner where the text begins, tight
    around the ink. ``angle``: degrees clockwise by which the text stands turned (0, 90, 180, 270).
    ``confidence``: 0 to 1, the recogniser's own. ``words``: the line's words where it has several.
    """

    polygon: NDArray[np.float32]
    text: str
    confidence: float
    angle: int
    words: tuple[Reading, ...] = ()

    @property
    def height_px(self) -> float:
        """Extent across the reading direction: the height of the letters."""
        return float(np.linalg.norm(self.polygon[3] - self.polygon[0]))

    @property
    def centre(self) -> NDArray[np.float32]:
        """x, y in sheet pixels."""
        middle: NDArray[np.float32] = self.polygon.mean(axis=0)
        return middle


class OcrEngine(Protocol):
    """Reads sheets. Loading happens in the constructor, once per actor."""

    @property
    def name_and_version(self) -> str:
        """Engine, package version and models: what makes two readings comparable."""
        ...

    def read(self, images: Sequence[Sheet]) -> list[list[Reading]]:
        """The text of each sheet, in no particular order. Raises MemoryError when the batch is too large."""
        ...


def _rapidocr(settings: OcrSettings) -> OcrEngine:
    from pipeline.ocr.rapidocr import RapidOcrEngine

    return RapidOcrEngine(settings)


def _easyocr(settings: OcrSettings) -> OcrEngine:
    from pipeline.ocr.easyocr import EasyOcrEngine

    return EasyOcrEngine(settings)


ENGINES: dict[str, Callable[[OcrSettings], OcrEngine]] = {"rapidocr": _rapidocr, "easyocr": _easyocr}


def load_engine(settings: OcrSettings) -> OcrEngine:
    """Load the engine that ``ocr.engine`` names, with its weights.

    Raises UsageError for an unknown name and ModelNotFoundError when its weights are not there.
    """
    if settings.engine not in ENGINES:
        raise UsageError(f"ocr.engine = {settings.engine!r} is not known; choose one of: {', '.join(ENGINES)}")
    return ENGINES[settings.engine](settings)
