"""Facts of an image from its header; no pixel is inflated."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from io import BytesIO

from pipeline.errors import Reason, RejectedItemError
from pipeline.pixels import FORMATS

_WIDTH, _HEIGHT, _STRIP_OFFSETS, _STRIP_BYTES, _X_DPI, _UNIT = 256, 257, 273, 279, 282, 296
_TILE_OFFSETS, _TILE_BYTES = 324, 325
#: TIFF field types → struct code (numbers only). 5 is a fraction of two.
_CODES = {1: "B", 3: "H", 4: "I", 5: "II"}
_INCH, _CENTIMETRE = 2, 3
_MAX_FIELDS, _MAX_VALUES = 4096, 1 << 20


@dataclass(frozen=True, slots=True)
class ImageFacts:
    """Size in pixels, resolution in dots per inch where stated, media type."""

    width_px: int
    height_px: int
    dpi: float | None
    media_type: str


def image_facts(data: bytes, max_mpixels: int) -> ImageFacts:
    """Read the header, and see that the pixels' bytes are there.

    Raises RejectedItemError: IMAGE_UNREADABLE (no image, or cut short), IMAGE_TOO_LARGE. Whether the
    pixels decode shows where they are used: a decoder costs a hundred times as much as this.
    """
    facts = _tiff(data) if data[:4] in (b"II*\0", b"MM\0*") else _other(data)
    if facts.width_px < 1 or facts.height_px < 1:
        raise RejectedItemError(Reason.IMAGE_UNREADABLE, "an image of no pixels")
    if facts.width_px * facts.height_px > max_mpixels * 1_000_000:
        raise RejectedItemError(
            Reason.IMAGE_TOO_LARGE,
            f"{facts.width_px} x {facts.height_px} pixels; limits.image_mpixels is {max_mpixels}",
        )
    return facts


def _tiff(data: bytes) -> ImageFacts:
    """TIFF 6.0, first image of the file."""
    try:
        fields = _fields(data)
        width, height = int(fields[_WIDTH][0]), int(fields[_HEIGHT][0])
        offsets = fields.get(_STRIP_OFFSETS) or fields[_TILE_OFFSETS]
    except (struct.error, KeyError, IndexError) as error:
        raise RejectedItemError(Reason.IMAGE_UNREADABLE, f"not a whole TIFF header: {error}") from None
    lengths = fields.get(_STRIP_BYTES) or fields.get(_TILE_BYTES) or [len(data) - o for o in offsets[:1]]
    for offset, length in zip(offsets, lengths, strict=False):
        if offset < 8 or length < 1 or offset + length > len(data):
            raise RejectedItemError(
                Reason.IMAGE_UNREADABLE, f"pixels at bytes {offset} to {offset + length} of {len(data)}"
            )
    resolution, unit = (fields.get(_X_DPI) or [0])[0], (fields.get(_UNIT) or [_INCH])[0]
    dpi = resolution * {_INCH: 1.0, _CENTIMETRE: 2.54}.get(int(unit), 0.0)
    return ImageFacts(width, height, dpi if dpi > 1 else None, "image/tiff")


def _fields(data: bytes) -> dict[int, list[float]]:
    """Numeric fields of the first directory. Raises struct.error where the file is too short."""
    order = "<" if data[:2] == b"II" else ">"
    (start,) = struct.unpack_from(order + "I", data, 4)
    (count,) = struct.unpack_from(order + "H", data, start)
    fields: dict[int, list[float]] = {}
    for index in range(min(count, _MAX_FIELDS)):
        at = start + 2 + 12 * index
        tag, kind, values = struct.unpack_from(order + "HHI", data, at)
        if (code := _CODES.get(kind)) is None or values > _MAX_VALUES:
            continue
        pattern = f"{order}{values * len(code)}{code[0]}"
        if struct.calcsize(pattern) > 4:
            (at,) = struct.unpack_from(order + "I", data, at + 8)
        else:
            at += 8
        numbers = struct.unpack_from(pattern, data, at)
        fields[tag] = (
            [a / b if b else 0.0 for a, b in zip(numbers[::2], numbers[1::2], strict=True)]
            if kind == 5
            else list(numbers)
        )
    return fields


def _other(data: bytes) -> ImageFacts:
    """JPEG, PNG and the other formats of sheets, by their header."""
    from PIL import Image, UnidentifiedImageError

    try:
        with Image.open(BytesIO(data), formats=FORMATS) as image:
            dpi = float(image.info.get("dpi", (0,))[0])
            kind = Image.MIME.get(image.format or "", "application/octet-stream")
            return ImageFacts(image.width, image.height, dpi if dpi > 1 else None, kind)
    except Image.DecompressionBombError as error:
        raise RejectedItemError(Reason.IMAGE_TOO_LARGE, str(error)) from None
    except (UnidentifiedImageError, OSError, ValueError, TypeError, SyntaxError) as error:
        raise RejectedItemError(Reason.IMAGE_UNREADABLE, f"no image: {type(error).__name__}") from None
