"""Cursors: where a reader has got to in the answer of one query by one release, as an opaque string."""

from __future__ import annotations

import base64
import binascii
import json
from dataclasses import asdict, dataclass

from pipeline.errors import UsageError


@dataclass(frozen=True)
class Cursor:
    """``offset`` hits have been seen; the first tier of the ranking was ``depth`` candidates deep."""

    release: str
    query: str
    offset: int
    depth: int

    def __str__(self) -> str:
        return base64.urlsafe_b64encode(json.dumps(asdict(self), separators=(",", ":")).encode()).decode().rstrip("=")


def parse_cursor(text: str, release: str, query: str) -> Cursor:
    """Read a cursor. Raises UsageError when it is none, or belongs to another release or another query."""
    try:
        found = Cursor(**json.loads(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))))
        valid = found.offset >= 0 and found.depth > 0
    except (binascii.Error, ValueError, TypeError, RecursionError):
        valid = False
    if not valid:
        raise UsageError("the cursor cannot be read; give the `next` of an earlier page as it was printed")
    if found.release != release:
        raise UsageError(
            f"the cursor belongs to release {found.release}, and {release} answers; ask that release or begin anew"
        )
    if found.query != query:
        raise UsageError("the cursor belongs to another query; repeat that query, its filters too, or begin anew")
    return found
