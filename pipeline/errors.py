"""The exceptions figlake raises on purpose, and the closed list of reasons for a reject."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum


class FiglakeError(Exception):
    """Something a user can act on: the message says what was wrong, with which input, and what to do."""

    exit_code = 1


class UsageError(FiglakeError):
    """The command line or the configuration cannot be right."""

    exit_code = 2


class RejectLimitError(FiglakeError):
    """The work is done, but a larger share of it was rejected than the configuration allows."""

    exit_code = 3


class CommitError(FiglakeError):
    """A commit was refused: what the worker claimed and what lies in storage differ."""


class SupersededError(FiglakeError):
    """A newer generation of this step and archive has been committed; this run's work is dropped."""


class ModelNotFoundError(FiglakeError):
    """A model is not in the models folder, not in the cache, and cannot be downloaded."""


class GateError(FiglakeError):
    """A release failed a gate; CURRENT still names the previous one."""


#: What a disk says that takes nothing more, whichever library was told. Only who writes is told so.
_REFUSAL = re.compile(r"(No space left on device|Read-only file system|Disk quota exceeded)[^\n]{0,200}")
#: Who reads an archive may be told this as well as who writes to the lake: the place says which, and stands before it.
_DENIAL = re.compile(r".{0,300}Permission denied.{0,100}")
_DECORATION = re.compile(r"\x1b\[[\d;]*m|↳")


def storage_refusal(error: BaseException) -> str | None:
    """What to tell the user when the storage does not take what is written, or a file may not be touched; else None."""
    if found := _REFUSAL.search(str(error)):
        return f"the storage refuses to write: {found[0]}; mend it and run again"
    if found := _DENIAL.search(" ".join(_DECORATION.sub("", str(error)).split())):
        return f"this user lacks a permission: {found[0]}; grant it and run again"
    return None


class Reason(StrEnum):
    """Why an item was rejected. Closed: dashboards and replays rely on these words."""

    ARCHIVE_UNREADABLE = "archive_unreadable"
    ARCHIVE_TRUNCATED = "archive_truncated"
    ARCHIVE_EMPTY = "archive_empty"
    PACKAGE_UNREADABLE = "package_unreadable"
    PACKAGE_TRUNCATED = "package_truncated"
    PACKAGE_WITHOUT_DOCUMENT = "package_without_document"
    MEMBER_UNREADABLE = "member_unreadable"
    MEMBER_ENCRYPTED = "member_encrypted"
    UNSAFE_PATH = "unsafe_path"
    TOO_MANY_ENTRIES = "too_many_entries"
    TOO_DEEP = "too_deep"
    TOO_LARGE = "too_large"
    RATIO_TOO_HIGH = "ratio_too_high"
    XML_MALFORMED = "xml_malformed"
    XML_FORBIDDEN = "xml_forbidden"
    DOCUMENT_UNKNOWN_FORMAT = "document_unknown_format"
    DOCUMENT_INCOMPLETE = "document_incomplete"
    DUPLICATE_DOCUMENT = "duplicate_document"
    IMAGE_MISSING = "image_missing"
    IMAGE_UNREADABLE = "image_unreadable"
    IMAGE_TOO_LARGE = "image_too_large"
    OUT_OF_MEMORY = "out_of_memory"
    STEP_ERROR = "step_error"


@dataclass(frozen=True)
class Reject:
    """One item that a step could not take in.

    ``item`` is a member path, document, sheet or figure id; ``detail`` says in words what was wrong.
    """

    item: str
    reason: Reason
    detail: str
    sha256: str | None = None


class RejectedItemError(Exception):
    """Raised inside a stage to reject the item at hand; adapters turn it into a :class:`Reject`."""

    def __init__(self, reason: Reason, detail: str, item: str = "", sha256: str | None = None) -> None:
        super().__init__(detail)
        self.reason, self.detail, self.item, self.sha256 = reason, detail, item, sha256

    def reject(self, item: str) -> Reject:
        """The reject row for this error; the item that the raiser named wins over ``item``."""
        return Reject(self.item or item, self.reason, self.detail, self.sha256)
