"""Tar (ustar, PAX, GNU long names): headers read by position, data never touched.

tarfile's own reader holds extension headers of any size in memory, recurses over chains of them and
ends quietly at a damaged header; here each of these is bounded or reported.
"""

from __future__ import annotations

import tarfile

from pipeline.archives.entries import Cut, Entry
from pipeline.archives.spans import Span

BLOCK = 512
#: A name is never longer than this; a larger extension header is not read.
_EXTENSION_BYTES = 1 << 20

_SPECIAL = {
    tarfile.SYMTYPE: "is a symbolic link",
    tarfile.LNKTYPE: "is a hard link",
    tarfile.CHRTYPE: "is a character device",
    tarfile.BLKTYPE: "is a block device",
    tarfile.FIFOTYPE: "is a named pipe",
}


def is_tar(first_block: bytes) -> bool:
    """Whether a file that begins with this block is a tar: its first header's checksum is right."""
    try:
        tarfile.TarInfo.frombuf(first_block[:BLOCK], "utf-8", "surrogateescape")
    except tarfile.HeaderError:
        return False
    return True


def list_tar(span: Span, most: int) -> tuple[list[Entry], Cut | None]:
    """The files of a tar in stored order, at most ``most`` + 1 of them, and where it was cut.

    A tar that does not end with a block of zeros counts as cut: there is no other sign of its end.
    """
    entries: list[Entry] = []
    position, common, own = 0, dict[str, str](), dict[str, str]()
    while len(entries) <= most:
        block = span.read_at(position, BLOCK)
        if len(block) < BLOCK:
            return entries, Cut(f"the tar ends at byte {span.size:,} without an end mark")
        if not any(block):
            return entries, None
        try:
            header = tarfile.TarInfo.frombuf(block, "utf-8", "surrogateescape")
        except tarfile.HeaderError:
            return entries, Cut(f"no valid header at byte {position:,}; nothing after it can be read")
        data, size = position + BLOCK, header.size
        if header.type in (
            tarfile.XHDTYPE,
            tarfile.SOLARIS_XHDTYPE,
            tarfile.XGLTYPE,
            tarfile.GNUTYPE_LONGNAME,
            tarfile.GNUTYPE_LONGLINK,
        ):
            if not 0 <= size <= min(_EXTENSION_BYTES, span.size - data):
                return entries, Cut(f"an extension header at byte {position:,} claims {size:,} bytes")
            _note_extension(header.type, span.read_at(data, size), common, own)
        else:
            entry = _entry(header, data, {**common, **own})
            own = {}
            if entry is None:
                return entries, Cut(f"the header at byte {position:,} is of a kind that cannot be read")
            if entry.offset + entry.stored > span.size:
                return entries, Cut(f"the tar ends at byte {span.size:,} inside a member", entry.name)
            if header.type != tarfile.DIRTYPE:
                entries.append(entry)
            size = entry.stored
        position = data + -(-size // BLOCK) * BLOCK
    return entries, None


def _entry(header: tarfile.TarInfo, data: int, extended: dict[str, str]) -> Entry | None:
    """The entry that a header describes; None for a sparse file, a negative or a nonsensical size."""
    special = _SPECIAL.get(header.type, "")
    size = 0 if special or header.type == tarfile.DIRTYPE else header.size
    if not special and "size" in extended:
        try:
            size = int(extended["size"])
        except ValueError:
            return None
    if size < 0 or header.type == tarfile.GNUTYPE_SPARSE or any(key.startswith("GNU.sparse") for key in extended):
        return None
    return Entry(extended.get("path", header.name), data, size, size, special=special)


def _note_extension(kind: bytes, data: bytes, common: dict[str, str], own: dict[str, str]) -> None:
    if kind == tarfile.GNUTYPE_LONGNAME:
        own["path"] = data.split(b"\0", 1)[0].decode("utf-8", "surrogateescape")
    elif kind == tarfile.XGLTYPE:
        common.update(_pax_records(data))
    elif kind != tarfile.GNUTYPE_LONGLINK:
        own.update(_pax_records(data))


def _pax_records(data: bytes) -> dict[str, str]:
    """Records of ``length key=value`` and a line feed; ends at the first that is malformed."""
    records: dict[str, str] = {}
    while data:
        digits, _, _ = data.partition(b" ")
        length = int(digits) if digits.isdigit() and len(digits) < 8 else 0
        record = data[len(digits) + 1 : length]
        if not record.endswith(b"\n") or b"=" not in record:
            break
        key, value = record[:-1].split(b"=", 1)
        records[key.decode("utf-8", "replace")] = value.decode("utf-8", "surrogateescape")
        data = data[length:]
    return records
