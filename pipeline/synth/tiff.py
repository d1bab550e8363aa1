"""1-bit TIFF with CCITT G4 at 300 dpi, in the variants that offices deliver."""

from __future__ import annotations

import io
import struct

import numpy as np
from numpy.typing import NDArray
from PIL import Image

DPI = 300
PX_PER_MM = DPI / 25.4

_SHORT, _LONG, _RATIONAL = 3, 4, 5
_STRUCT = {_SHORT: "H", _LONG: "I"}


def encode(canvas: NDArray[np.uint8], big_endian: bool = False, white_is_zero: bool = True) -> bytes:
    """A TIFF of ``canvas`` (height, width; 1 = ink). Byte order and polarity differ between real deliveries."""
    height, width = canvas.shape
    bits = canvas if white_is_zero else 1 - canvas
    coded = io.BytesIO()
    Image.frombytes("1", (width, height), np.packbits(bits, axis=1).tobytes()).save(coded, "TIFF", compression="group4")
    with Image.open(coded, formats=("TIFF",)) as image:
        tags = image.tag_v2
        rows, offsets, sizes = tags[278], tags[273], tags[279]
    raw = coded.getvalue()
    strips = [raw[start : start + size] for start, size in zip(offsets, sizes, strict=True)]
    return _container(width, height, rows, strips, ">" if big_endian else "<", 0 if white_is_zero else 1)


def _container(width: int, height: int, rows: int, strips: list[bytes], order: str, polarity: int) -> bytes:
    """Header, strips, then the directory (TIFF 6.0, section 2) with its tags in ascending order."""
    offsets, at = [], 8
    for strip in strips:
        offsets.append(at)
        at += len(strip)
    at += at % 2
    fields = [
        (256, _LONG, [width]), (257, _LONG, [height]), (258, _SHORT, [1]), (259, _SHORT, [4]),
        (262, _SHORT, [polarity]), (266, _SHORT, [1]), (273, _LONG, offsets), (277, _SHORT, [1]),
        (278, _LONG, [rows]), (279, _LONG, [len(s) for s in strips]), (282, _RATIONAL, [DPI, 1]),
        (283, _RATIONAL, [DPI, 1]), (284, _SHORT, [1]), (296, _SHORT, [2]),
    ]  # fmt: skip
    directory = struct.pack(f"{order}H", len(fields))
    extra, extra_at = b"", at + 2 + 12 * len(fields) + 4
    for tag, kind, values in fields:
        count = 1 if kind == _RATIONAL else len(values)
        data = struct.pack(f"{order}{len(values)}{_STRUCT.get(kind, 'I')}", *values)
        if len(data) > 4:
            place, extra = struct.pack(f"{order}I", extra_at + len(extra)), extra + data
        else:
            place = data.ljust(4, b"\0")
        directory += struct.pack(f"{order}HHI", tag, kind, count) + place
    header = (b"MM" if order == ">" else b"II") + struct.pack(f"{order}HI", 42, at)
    body = header + b"".join(strips)
    return body.ljust(at, b"\0") + directory + bytes(4) + extra
