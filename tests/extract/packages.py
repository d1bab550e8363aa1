"""Packages in memory, and the smallest documents and images that are whole."""

from __future__ import annotations

import struct
from dataclasses import dataclass, field

from pipeline.errors import Reason, Reject, RejectedItemError


@dataclass
class MemoryPackage:
    """A package whose files are at hand; the first XML is the document."""

    files: dict[str, bytes]
    path: str = "DOC/EPNWA1/EP18000001NWA1.zip"
    rejects: list[Reject] = field(default_factory=list)

    @property
    def document(self) -> str:
        return next(name for name in self.files if name.lower().endswith(".xml"))

    def names(self) -> list[str]:
        return list(self.files)

    def member_path(self, name: str) -> str:
        return f"{self.path}!/{name}"

    def read(self, name: str) -> bytes:
        if name not in self.files:
            raise RejectedItemError(Reason.IMAGE_MISSING, f"no file {name!r}", self.member_path(name))
        return self.files[name]


def tiff(width: int = 100, height: int = 50, dpi: int = 300, order: str = "<", pixels: bytes | None = None) -> bytes:
    """An uncompressed 1-bit TIFF, white."""
    pixels = bytes((width + 7) // 8 * height) if pixels is None else pixels
    fields = [(256, 4, width), (257, 4, height), (258, 3, 1), (259, 3, 1), (262, 3, 0), (273, 4, 0), (277, 3, 1),
              (278, 4, height), (279, 4, len(pixels)), (282, 5, 0), (283, 5, 0), (296, 3, 2)]  # fmt: skip
    behind = 8 + 2 + 12 * len(fields) + 4
    places = {273: behind + 8, 282: behind, 283: behind}
    entries = b""
    for tag, kind, value in fields:
        value = places.get(tag, value)
        packed = struct.pack(order + ("HH" if kind == 3 else "I"), *((value, 0) if kind == 3 else (value,)))
        entries += struct.pack(order + "HHI", tag, kind, 1) + packed
    head = struct.pack(order + "2sHIH", b"II" if order == "<" else b"MM", 42, 8, len(fields))
    return head + entries + struct.pack(order + "I", 0) + struct.pack(order + "II", dpi, 1) + pixels


def ep_document(body: str, kind: str = "A1", number: str = "3000001", sdobi: str = "", lang: str = "en") -> bytes:
    """An EPO document around sections given as XML."""
    return (
        f'<?xml version="1.0" encoding="UTF-8"?>'
        f'<!DOCTYPE ep-patent-document PUBLIC "-//EPO//EP PATENT DOCUMENT 1.5//EN" "ep-patent-document-v1-5.dtd">'
        f'<ep-patent-document id="EP18000001{kind}" file="EP18000001NW{kind}.xml" lang="{lang}" country="EP" '
        f'doc-number="{number}" kind="{kind}" date-publ="20190213" dtd-version="ep-patent-document-v1-5">'
        f"<SDOBI><B100><B110>{number}</B110><B130>{kind}</B130>"
        f"<B190>EP</B190></B100>{sdobi}</SDOBI>{body}</ep-patent-document>"
    ).encode()
