"""What an adapter reads from a document, and what the extract makes of a package."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date
from typing import Any, Protocol

from pipeline.errors import Reject


class Package(Protocol):
    """The files of one document, as :mod:`pipeline.archives` hands them out."""

    path: str
    rejects: list[Reject]

    @property
    def document(self) -> str:
        """Name of its XML."""

    def names(self) -> list[str]:
        """File names without folders."""

    def member_path(self, name: str) -> str:
        """The file's path in the archive."""

    def read(self, name: str) -> bytes:
        """The file's content; raises RejectedItemError."""


@dataclass(frozen=True, slots=True)
class Paragraph:
    """A paragraph or claim. ``blocks`` are the pieces that sentences never cross: list items, table rows.

    ``group`` (title, abstract, description, claims, amended-claims) is part of the passage's id; ``number``
    is printed by the office, or empty.
    """

    group: str
    language: str
    number: str
    heading: str | None
    blocks: list[str]


@dataclass(frozen=True, slots=True)
class Picture:
    """An image that the XML names. ``width_mm`` and ``height_mm`` are as printed; None where not said."""

    file: str
    role: str
    labels: tuple[str, ...] = ()
    width_mm: float | None = None
    height_mm: float | None = None


@dataclass(frozen=True)
class Bibliography:
    """The bibliographic columns of a document."""

    country: str
    number: str
    kind: str
    office: str
    language: str
    publication_date: date | None = None
    application_number: str | None = None
    filing_date: date | None = None
    titles: dict[str, str] = field(default_factory=dict)
    applicants: list[str] = field(default_factory=list)
    inventors: list[str] = field(default_factory=list)
    ipc: list[str] = field(default_factory=list)
    cpc: list[str] = field(default_factory=list)
    citations: list[dict[str, str]] = field(default_factory=list)
    family_id: str | None = None
    corrects: str | None = None

    @property
    def doc_id(self) -> str:
        """Country + number + kind."""
        return f"{self.country}{self.number}{self.kind}"


@dataclass(frozen=True)
class Parsed:
    """What an adapter reads from one document's XML."""

    bibliography: Bibliography
    paragraphs: list[Paragraph]
    pictures: list[Picture]


@dataclass(frozen=True)
class ExtractedDocument:
    """The rows of one document; keys are the columns of the tables' parts."""

    document: dict[str, Any]
    passages: list[dict[str, Any]]
    sheets: list[dict[str, Any]]
