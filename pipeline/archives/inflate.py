"""The bytes of one entry, inflated in bounded pieces and never beyond what is allowed.

Declared sizes decide only what is refused at once; the stream itself is counted, so an entry that
lies about its size stops at the byte where the lie shows.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator

from pipeline.archives.entries import DEFLATED, STORED, Entry, shown
from pipeline.archives.spans import CHUNK_BYTES, Span
from pipeline.archives.zips import data_offset
from pipeline.config import LimitSettings
from pipeline.errors import Reason, RejectedItemError


def check_entry(entry: Entry, most_bytes: int, limits: LimitSettings) -> None:
    """Refuse what the directory alone shows to be unreadable or too large. Raises RejectedItemError."""
    if entry.encrypted:
        raise RejectedItemError(Reason.MEMBER_ENCRYPTED, "the member is encrypted")
    if entry.method not in (STORED, DEFLATED):
        raise _unreadable(f"compression method {entry.method} is not supported; only stored and deflate are")
    if entry.size > most_bytes:
        raise RejectedItemError(Reason.TOO_LARGE, f"{entry.size:,} bytes inflated; at most {most_bytes:,} are allowed")
    if entry.size > limits.ratio_floor_mb << 20 and entry.size > limits.ratio * max(1, entry.stored):
        raise RejectedItemError(
            Reason.RATIO_TOO_HIGH,
            f"{entry.stored:,} bytes inflate to {entry.size:,}: more than {limits.ratio} to 1",
        )


def inflated(span: Span, entry: Entry) -> Iterator[bytes]:
    """The content in pieces of at most ``CHUNK_BYTES``; complete and with the right CRC, or an error at the end.

    ``span`` is the file that ``entry.offset`` counts in. Raises RejectedItemError (MEMBER_UNREADABLE).
    Callers check the entry first (:func:`check_entry`).
    """
    data = stored_span(span, entry)
    pieces = data.chunks() if entry.method == STORED or data.size == 0 else _deflated(data)
    total, crc = 0, 0
    for piece in pieces:
        total += len(piece)
        if total > entry.size:
            raise _unreadable(f"the member holds more than the {entry.size:,} bytes that it declares")
        if entry.crc is not None:
            crc = zlib.crc32(piece, crc)
        yield piece
    if total < entry.size:
        raise _unreadable(f"the member ends after {total:,} of {entry.size:,} bytes")
    if entry.crc is not None and crc != entry.crc:
        raise _unreadable(f"the checksum is {crc:08x}; the directory says {entry.crc:08x}")


def stored_span(span: Span, entry: Entry) -> Span:
    """The stretch that holds the entry's stored bytes. Raises RejectedItemError (MEMBER_UNREADABLE)."""
    offset = data_offset(span, entry.offset) if entry.header else entry.offset
    if offset is None:
        raise _unreadable(f"no member header at byte {entry.offset:,}")
    data = span.part(offset, entry.stored)
    if data.size < entry.stored:
        raise _unreadable(f"{shown(entry.name)} is cut: {data.size:,} of {entry.stored:,} stored bytes are there")
    return data


def _deflated(data: Span) -> Iterator[bytes]:
    decoder = zlib.decompressobj(-zlib.MAX_WBITS)
    try:
        for raw in data.chunks():
            while True:
                piece = decoder.decompress(raw, CHUNK_BYTES)
                if piece:
                    yield piece
                raw = decoder.unconsumed_tail
                if decoder.eof or (not raw and len(piece) < CHUNK_BYTES):
                    break
            if decoder.eof:
                return
    except zlib.error as error:
        raise _unreadable(f"the compressed data is damaged ({error})") from None
    raise _unreadable("the compressed data ends too early")


def _unreadable(detail: str) -> RejectedItemError:
    return RejectedItemError(Reason.MEMBER_UNREADABLE, detail)
