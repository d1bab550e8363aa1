"""Rows of a task's documents on their way into parts: gathered by table, written in batches."""

from __future__ import annotations

from contextlib import ExitStack
from types import TracebackType
from typing import Any

from pipeline.config import LakeSettings
from pipeline.extract.model import ExtractedDocument
from pipeline.parts import Part, PartWriter
from pipeline.storage import Storage

TABLES = ("documents", "passages", "sheets")
#: Rows wait until they make one batch of these many, or hold this much of images.
_BATCH_ROWS, _BATCH_BYTES = 4000, 8 << 20


class DocumentWriter:
    """Writes documents with their passages and sheets as parts of the three tables; a context manager.

    Memory is bounded by one batch and one row group of each table. ``parts`` is complete after the exit.
    """

    def __init__(self, storage: Storage, archive: str, settings: LakeSettings) -> None:
        self._writers = {table: PartWriter(storage, table, {"archive": archive}, settings) for table in TABLES}
        self._waiting: dict[str, list[dict[str, Any]]] = {table: [] for table in TABLES}
        self._waiting_bytes = 0
        self._stack = ExitStack()

    def __enter__(self) -> DocumentWriter:
        for writer in self._writers.values():
            self._stack.enter_context(writer)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is None:
            self._flush(*TABLES)
        self._stack.__exit__(kind, error, trace)

    @property
    def parts(self) -> list[Part]:
        """The finished parts."""
        return [part for writer in self._writers.values() for part in writer.parts]

    def write(self, extracted: ExtractedDocument) -> None:
        """Take in one document; raises pa.ArrowInvalid when a row does not fit its table."""
        self._waiting["documents"].append(extracted.document)
        self._waiting["passages"] += extracted.passages
        self._waiting["sheets"] += extracted.sheets
        self._waiting_bytes += sum(len(row["image"]) for row in extracted.sheets)
        if self._waiting_bytes > _BATCH_BYTES:
            self._flush("sheets")
        if len(self._waiting["passages"]) > _BATCH_ROWS:
            self._flush("documents", "passages")

    def _flush(self, *tables: str) -> None:
        for table in tables:
            self._writers[table].write_rows(self._waiting[table])
            self._waiting[table] = []
            if table == "sheets":
                self._waiting_bytes = 0
