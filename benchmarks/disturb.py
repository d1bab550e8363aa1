"""What sheets go through before an office publishes them, done to a sheet again: turns, screens, wear, scales.

Each takes a sheet (H x W uint8, 0 ink, 255 paper) and a seeded generator and gives a 1-bit sheet.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import cv2
import numpy as np
from PIL import Image

from pipeline.pixels import Sheet

Generator = np.random.Generator


def turned(clockwise: int) -> Callable[[Sheet, Generator], Sheet]:
    """Turned by so many degrees."""
    return lambda sheet, rng: np.ascontiguousarray(np.rot90(sheet, -clockwise // 90))


def scaled(factor: float) -> Callable[[Sheet, Generator], Sheet]:
    """Scanned at another resolution."""

    def scale(sheet: Sheet, rng: Generator) -> Sheet:
        return _bilevel(cv2.resize(sheet, None, fx=factor, fy=factor, interpolation=cv2.INTER_AREA), 140)

    return scale


def skewed(sheet: Sheet, rng: Generator) -> Sheet:
    """Laid on the scanner askew by a degree and a half."""
    height, width = sheet.shape
    matrix = cv2.getRotationMatrix2D((width / 2, height / 2), 1.5, 1)
    return _bilevel(cv2.warpAffine(sheet, matrix, (width, height), borderValue=255))


def dithered(sheet: Sheet, rng: Generator) -> Sheet:
    """A grey scan with shades made black and white by error diffusion (Floyd and Steinberg 1976)."""
    grey = np.clip(_shaded(sheet, rng, 0.35) * 0.9 + 20, 0, 255).astype(np.uint8)
    return np.array(Image.fromarray(grey).convert("1").convert("L"))


def screened(sheet: Sheet, rng: Generator) -> Sheet:
    """A grey scan behind a halftone screen of 60 lines an inch at 45 degrees."""
    grey = _shaded(sheet, rng, 0.4)
    rows, columns = np.mgrid[0 : grey.shape[0], 0 : grey.shape[1]] * (np.sqrt(0.5) * 2 * np.pi / 5)
    threshold = (np.cos(columns + rows) + np.cos(rows - columns)) / 4 + 0.5
    return np.where(grey / 255 > threshold * 0.9 + 0.05, 255, 0).astype(np.uint8)


def noisy(sheet: Sheet, rng: Generator) -> Sheet:
    """One pixel in a hundred black or white by chance."""
    chance = rng.random(sheet.shape)
    return np.where(chance < 0.005, 0, np.where(chance > 0.995, 255, sheet)).astype(np.uint8)


def ragged(sheet: Sheet, rng: Generator) -> Sheet:
    """Copied and faxed: frayed edges, broken strokes."""
    grey = cv2.GaussianBlur(sheet, (0, 0), 1.0) + rng.normal(0, 70, sheet.shape)
    return _bilevel(cv2.GaussianBlur(grey.astype(np.float32), (0, 0), 0.6))


def bold(sheet: Sheet, rng: Generator) -> Sheet:
    """Scanned too dark: every line two pixels wider."""
    return np.asarray(cv2.erode(sheet, np.ones((3, 3), np.uint8)), np.uint8)


def _shaded(sheet: Sheet, rng: Generator, depth: float) -> Any:
    """The sheet slightly blurred, with soft grey clouds."""
    height, width = sheet.shape
    clouds = cv2.resize(rng.uniform(0, 1, (6, 5)).astype(np.float32), (width, height), interpolation=cv2.INTER_CUBIC)
    return cv2.GaussianBlur(sheet, (0, 0), 0.9) * (1 - depth * np.clip(clouds - 0.35, 0, 1) / 0.65)


def _bilevel(grey: Any, threshold: int = 128) -> Sheet:
    return np.where(grey < threshold, 0, 255).astype(np.uint8)


DISTURBANCES: dict[str, Callable[[Sheet, Generator], Sheet]] = {
    "as it is": lambda sheet, rng: sheet,
    "turned by 90°": turned(90),
    "turned by 180°": turned(180),
    "turned by 270°": turned(270),
    "skewed by 1.5°": skewed,
    "dithered": dithered,
    "dithered, turned": lambda sheet, rng: turned(90)(dithered(sheet, rng), rng),
    "screened": screened,
    "noisy": noisy,
    "ragged": ragged,
    "bold": bold,
    "at 62%": scaled(0.62),
    "at 50%": scaled(0.5),
    "at 130%": scaled(1.3),
}
