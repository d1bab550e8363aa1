"""Small sheets drawn for tests: text on white, lines, TIFF bytes."""

from __future__ import annotations

import io

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

Sheet = NDArray[np.uint8]


def sheet(texts: list[tuple[str, int, int, int]], width: int = 1200, height: int = 900, size: int = 44) -> Sheet:
    """A sheet with (text, x, y, turn): the text's box begins at x, y; the turn is in degrees clockwise."""
    page = Image.new("L", (width, height), 255)
    font = ImageFont.load_default(size)
    for text, x, y, turn in texts:
        left, top, right, bottom = (round(v) for v in font.getbbox(text))
        piece = Image.new("L", (right - left, bottom - top), 255)
        ImageDraw.Draw(piece).text((-left, -top), text, font=font, fill=0)
        page.paste(piece.rotate(-turn, expand=True), (x, y))
    return np.where(np.asarray(page) < 128, 0, 255).astype(np.uint8)


def tiff(pixels: Sheet, photometric: int = 0, compression: str = "group4") -> bytes:
    """A 1-bit TIFF; photometric 0 is WhiteIsZero, 1 BlackIsZero."""
    stream = io.BytesIO()
    Image.fromarray(pixels).convert("1", dither=Image.Dither.NONE).save(
        stream, "TIFF", compression=compression, tiffinfo={262: photometric}, dpi=(300, 300)
    )
    return stream.getvalue()
