"""Zip and zip64: the central directory read by position; where it is gone, the members' own headers.

Layouts after PKWARE's APPNOTE 6.3. Names follow zip's rule: UTF-8 where the flag says so, else code
page 437.
"""

from __future__ import annotations

import stat
import struct
import zlib
from collections.abc import Iterator
from itertools import pairwise

from pipeline.archives.entries import DEFLATED, STORED, Cut, Entry
from pipeline.archives.spans import CHUNK_BYTES, Span

LOCAL, CENTRAL, END, DESCRIPTOR = b"PK\x03\x04", b"PK\x01\x02", b"PK\x05\x06", b"PK\x07\x08"
_END = struct.Struct("<4s4H2LH")
_END64_LOCATOR = struct.Struct("<4sLQL")
_END64 = struct.Struct("<4sQ2H2L4Q")
_CENTRAL = struct.Struct("<4s6H3L5H2L")
_LOCAL = struct.Struct("<4s5H3L2H")
_COMMENT_BYTES = 0xFFFF
_LONGEST_ENTRY = _CENTRAL.size + 3 * 0xFFFF  # name, extra fields and comment
_FULL = 0xFFFFFFFF  # the value stands in the zip64 field
_ENCRYPTED, _STREAMED, _UTF8 = 0x1, 0x8, 0x800
_UNIX = 3
_ZIP64 = 1  # id of the extra field


class _DamagedError(Exception):
    """The central directory is not what the end record promises."""


def is_zip(first_bytes: bytes) -> bool:
    """Whether a file that begins like this is a zip (or the end record of an empty one)."""
    return first_bytes[:4] in (LOCAL, END)


def list_zip(span: Span, most: int, most_bytes: int) -> tuple[list[Entry], Cut | None]:
    """The files of a zip in stored order, at most ``most`` + 1 of them, and how it was cut if it was.

    Reads the central directory. Where there is none that accounts for the file from its first byte to
    its last, the local headers are followed instead, which finds every complete member before the cut;
    ``most_bytes`` bounds how far a member of undeclared length is followed.
    """
    bounds = _directory(span)
    if bounds is not None:
        try:
            entries = []
            for entry in _central(span, *bounds):
                entries.append(entry)
                if len(entries) > most:
                    break
            return sorted(entries, key=lambda entry: entry.offset), None
        except _DamagedError:
            pass
    return _scan(span, most, most_bytes)


def data_offset(span: Span, offset: int) -> int | None:
    """Where a member's data begins, given where its local header does; None when there is no header."""
    head = span.read_at(offset, _LOCAL.size)
    if len(head) < _LOCAL.size or not head.startswith(LOCAL):
        return None
    *_, name_length, extra_length = _LOCAL.unpack(head)
    return offset + _LOCAL.size + int(name_length) + int(extra_length)


def overlapping(entries: list[Entry]) -> list[Entry]:
    """Those of ``entries`` (in stored order) that reach into the next: a mark of a zip bomb (Fifield 2019)."""
    return [
        entry for entry, following in pairwise(entries) if entry.offset + _LOCAL.size + entry.stored > following.offset
    ]


def _directory(span: Span) -> tuple[int, int] | None:
    """Start and size of the central directory.

    The end record must be the file's last bytes and the directory must stand right before it, counted
    from the file's first byte: so the end record of a nested zip, at which a cut file may happen to
    end, is not mistaken for the file's own.
    """
    tail_start = max(0, span.size - _END.size - _COMMENT_BYTES)
    tail = span.read_at(tail_start, span.size - tail_start)
    found = tail.rfind(END)
    while found >= 0:
        if len(tail) - found >= _END.size:
            *_, size, offset, comment = _END.unpack_from(tail, found)
            if found + _END.size + comment == len(tail):
                end, size, offset = _zip64_end(span, tail_start + found, size, offset)
                return (offset, size) if offset + size == end else None
        found = tail.rfind(END, 0, found)
    return None


def _zip64_end(span: Span, end: int, size: int, offset: int) -> tuple[int, int, int]:
    """End, size and offset of the directory, from the zip64 record where there is one."""
    locator = span.read_at(end - _END64_LOCATOR.size, _END64_LOCATOR.size) if end >= _END64_LOCATOR.size else b""
    if not locator.startswith(b"PK\x06\x07") or len(locator) < _END64_LOCATOR.size:
        return end, size, offset
    _, _, position, _ = _END64_LOCATOR.unpack(locator)
    record = span.read_at(position, _END64.size)
    if len(record) < _END64.size or not record.startswith(b"PK\x06\x06"):
        return end, size, offset
    *_, size, offset = _END64.unpack(record)
    return position, size, offset


def _central(span: Span, start: int, size: int) -> Iterator[Entry]:
    """The files that the central directory lists. Raises _DamagedError."""
    position, end = start, start + size
    window, window_start = b"", start
    while position < end:
        held = window_start + len(window)
        if held < end and position + _LONGEST_ENTRY > held:
            window, window_start = span.read_at(position, min(CHUNK_BYTES, end - position)), position
        at = position - window_start
        if len(window) - at < _CENTRAL.size or not window.startswith(CENTRAL, at):
            raise _DamagedError
        (
            _,
            made_by,
            _,
            flags,
            method,
            _,
            _,
            crc,
            stored,
            full,
            name_length,
            extra_length,
            comment_length,
            _,
            _,
            attributes,
            offset,
        ) = _CENTRAL.unpack_from(window, at)
        at += _CENTRAL.size
        name, extra = window[at : at + name_length], window[at + name_length : at + name_length + extra_length]
        full, stored, offset = _zip64_values(extra, full, stored, offset)
        position += _CENTRAL.size + name_length + extra_length + comment_length
        if position > end:
            raise _DamagedError
        mode = attributes >> 16 if made_by >> 8 == _UNIX else 0
        if name.endswith(b"/") or stat.S_ISDIR(mode):
            continue
        special = "is a symbolic link" if stat.S_ISLNK(mode) else ""
        yield Entry(
            _name(name, flags), offset, stored, full, method, crc, True, bool(flags & _ENCRYPTED), special=special
        )


def _zip64_values(extra: bytes, *values: int) -> tuple[int, ...]:
    """``values`` (size, stored size, offset) with the 64-bit ones from the extra field where they are full."""
    body = _extra_field(extra, _ZIP64) or b""
    wide = iter(struct.unpack_from(f"<{len(body) // 8}Q", body))
    return tuple(next(wide, value) if value == _FULL else value for value in values)


def _extra_field(extra: bytes, wanted: int) -> bytes | None:
    at = 0
    while at + 4 <= len(extra):
        kind, length = struct.unpack_from("<2H", extra, at)
        if kind == wanted:
            return extra[at + 4 : at + 4 + length]
        at += 4 + length
    return None


def _name(raw: bytes, flags: int) -> str:
    if flags & _UTF8:
        return raw.decode("utf-8", "surrogateescape")
    return raw.decode("cp437")


def _scan(span: Span, most: int, most_bytes: int) -> tuple[list[Entry], Cut]:
    """Follow local headers from the first byte on."""
    entries: list[Entry] = []
    position = 0
    while len(entries) <= most:
        head = span.read_at(position, _LOCAL.size)
        if head[:4] in (CENTRAL, END):
            return entries, Cut(
                "the directory at the end of the zip is cut or damaged; all members were found", whole=True
            )
        if len(head) < _LOCAL.size:
            return entries, Cut(f"the zip ends at byte {span.size:,} without a directory")
        if not head.startswith(LOCAL):
            return entries, Cut(f"the zip has no directory, and no member header at byte {position:,}")
        _, _, flags, method, _, _, crc, stored, full, name_length, extra_length = _LOCAL.unpack(head)
        tail = span.read_at(position + _LOCAL.size, name_length + extra_length)
        if len(tail) < name_length + extra_length:
            return entries, Cut(f"the zip ends at byte {span.size:,} inside a member header")
        name = _name(tail[:name_length], flags)
        full, stored = _zip64_values(tail[name_length:], full, stored)
        data = position + _LOCAL.size + len(tail)
        following: int | None = data + stored
        if flags & _STREAMED:
            measured = _streamed(span, data, method, _extra_field(tail[name_length:], _ZIP64) is not None, most_bytes)
            if measured is None:
                return entries, Cut(f"the zip ends at byte {span.size:,} inside a member of undeclared length", name)
            crc, stored, full, following = measured
        elif data + stored > span.size:
            return entries, Cut(f"the zip ends at byte {span.size:,} inside a member", name)
        if not name.endswith("/"):
            entries.append(Entry(name, position, stored, full, method, crc, True, bool(flags & _ENCRYPTED)))
        position = data + stored if following is None else following
    return entries, Cut("the zip has no directory")


def _streamed(span: Span, data: int, method: int, wide: bool, most_bytes: int) -> tuple[int, int, int, int] | None:
    """CRC, stored size, size and end of a member whose length stands behind its data; None when it is cut."""
    rest = span.part(data, span.size - data)
    if method == DEFLATED:
        end = _deflate_end(rest, most_bytes)
        return None if end is None else _descriptor(span, data, end, wide)
    if method == STORED:
        for end in _find(rest, DESCRIPTOR):
            if found := _descriptor(span, data, end, wide):
                return found
    return None


def _descriptor(span: Span, data: int, stored: int, wide: bool) -> tuple[int, int, int, int] | None:
    """Read the data descriptor behind ``stored`` bytes, with or without its signature.

    Its lengths take 64 bits where the header is a zip64 one (``wide``) or they would not fit otherwise.
    """
    layout = "<LQQ" if wide or stored >= _FULL else "<LLL"
    raw = span.read_at(data + stored, 24)
    mark = 4 if raw.startswith(DESCRIPTOR) else 0
    width = mark + struct.calcsize(layout)
    if len(raw) < width:
        return None
    crc, found_stored, full = struct.unpack_from(layout, raw, mark)
    return (crc, stored, full, data + stored + width) if found_stored == stored else None


def _deflate_end(data: Span, most_bytes: int) -> int | None:
    """How many bytes a deflate stream takes up; None when it is cut, damaged or too long to follow."""
    decoder = zlib.decompressobj(-zlib.MAX_WBITS)
    consumed = produced = 0
    try:
        for raw in data.chunks():
            consumed += len(raw)
            while True:
                piece = decoder.decompress(raw, CHUNK_BYTES)
                produced += len(piece)
                raw = decoder.unconsumed_tail
                if decoder.eof or produced > most_bytes or (not raw and len(piece) < CHUNK_BYTES):
                    break
            if decoder.eof:
                return consumed - len(decoder.unused_data)
            if produced > most_bytes:
                return None
    except zlib.error:
        return None
    return None


def _find(data: Span, needle: bytes) -> Iterator[int]:
    """Every position of ``needle``, also across the borders of chunks."""
    offset, kept = 0, b""
    for piece in data.chunks():
        window = kept + piece
        at = window.find(needle)
        while at >= 0:
            yield offset - len(kept) + at
            at = window.find(needle, at + 1)
        offset += len(piece)
        kept = window[-(len(needle) - 1) :]
