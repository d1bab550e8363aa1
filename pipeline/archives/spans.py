"""Reading bytes by position: a whole file, or a stretch of one that is an archive itself."""

from __future__ import annotations

import io
from collections.abc import Iterator
from typing import Any

CHUNK_BYTES = 1 << 20


class Span:
    """``size`` bytes of an open file from ``start`` on; every read names its position.

    Takes pyarrow files (a read is one range request) and Python's seekable binary files.
    """

    def __init__(self, stream: Any, start: int, size: int) -> None:
        self._stream, self.start, self.size = stream, start, size

    @classmethod
    def whole(cls, stream: Any) -> Span:
        """All of an open file."""
        size = stream.size() if callable(getattr(stream, "size", None)) else stream.seek(0, io.SEEK_END)
        return cls(stream, 0, size)

    @classmethod
    def of_bytes(cls, data: bytes) -> Span:
        return cls(io.BytesIO(data), 0, len(data))

    def read_at(self, offset: int, size: int) -> bytes:
        """At most ``size`` bytes from ``offset``; fewer where the span ends."""
        size = max(0, min(size, self.size - offset))
        if size == 0:
            return b""
        if hasattr(self._stream, "read_at"):
            return bytes(self._stream.read_at(size, self.start + offset))
        self._stream.seek(self.start + offset)
        return bytes(self._stream.read(size))

    def part(self, offset: int, size: int) -> Span:
        """A stretch of this span, cut where the span ends."""
        return Span(self._stream, self.start + offset, max(0, min(size, self.size - offset)))

    def chunks(self) -> Iterator[bytes]:
        """The span from front to back, ``CHUNK_BYTES`` at a time; ends early where the file does."""
        offset = 0
        while piece := self.read_at(offset, CHUNK_BYTES):
            yield piece
            offset += len(piece)
