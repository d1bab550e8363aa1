"""A stored file as an archive's directory declares it, and the rules for its name."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from pipeline.errors import Reason, Reject, RejectedItemError

STORED, DEFLATED = 0, 8
#: Joins the path of an archive to the path of a file in it.
INSIDE = "!/"

_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
_SURROGATE = re.compile(r"[\ud800-\udfff]")
_DRIVE = re.compile(r"[A-Za-z]:")


@dataclass(frozen=True, slots=True)
class Entry:
    """Where one stored file lies and what its archive says of it; nothing here is trusted on reading.

    ``file`` is the path of the file that holds it, below the source (empty: the source itself is that
    file). ``offset`` is where the data begins, or where the local header stands when ``header`` is set
    (zip). ``stored`` and ``size`` are bytes before and after inflating. ``special`` says why it is no
    file to read ("is a symbolic link").
    """

    name: str
    offset: int
    stored: int
    size: int
    method: int = STORED
    crc: int | None = None
    header: bool = False
    encrypted: bool = False
    file: str = ""
    special: str = ""


@dataclass(frozen=True)
class Cut:
    """An archive that ends before its end.

    ``member`` is the file the cut lies in, where its name is known. ``whole`` when only the directory is
    lost and every member was found.
    """

    detail: str
    member: str | None = None
    whole: bool = False


@dataclass
class Survey:
    """What the directory of one archive holds: usable entries in stored order, and what was refused."""

    entries: list[Entry] = field(default_factory=list)
    rejects: list[Reject] = field(default_factory=list)
    cut: Cut | None = None


def clean_name(raw: str) -> str:
    """The path with forward slashes and without ``.`` parts.

    Raises RejectedItemError (UNSAFE_PATH) for an absolute path, a drive letter, ``..``, control
    characters, nothing at all, and a part that ends in ``!``, which separates nested archives.
    """
    text = _decoded(raw)
    path = text.replace("\\", "/")
    parts = [part for part in path.split("/") if part not in ("", ".")]
    trouble = (
        "holds a control character"
        if _CONTROL.search(text)
        else "is absolute"
        if path.startswith("/")
        else "names a drive"
        if _DRIVE.match(path)
        else "climbs out of its archive"
        if ".." in parts
        else "is empty"
        if not parts
        else "holds '!/', which separates nested archives"
        if any(part.endswith("!") for part in parts[:-1])
        else None
    )
    if trouble:
        raise RejectedItemError(Reason.UNSAFE_PATH, f"the path {trouble}", shown(raw))
    return "/".join(parts)


def shown(raw: str) -> str:
    """A name as it may be printed and stored: control characters are spelled out."""
    return _CONTROL.sub(lambda found: f"\\x{ord(found[0]):02x}", _decoded(raw))


def _decoded(raw: str) -> str:
    """Undecodable bytes, kept as lone surrogates so far, are read as code page 437, zip's own."""
    return _SURROGATE.sub(lambda found: _in_code_page(ord(found[0]) - 0xDC00), raw)


def _in_code_page(byte: int) -> str:
    return bytes([byte]).decode("cp437") if 0x80 <= byte <= 0xFF else "\ufffd"
