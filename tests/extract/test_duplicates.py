"""A document delivered twice: the first in the archive's order stays, in all three tables."""

from __future__ import annotations

from pathlib import Path

import pyarrow.parquet as pq

from pipeline.config import LakeSettings, Settings
from pipeline.errors import Reason
from pipeline.extract.documents import extract_package
from pipeline.extract.duplicates import drop_duplicates, task_note
from pipeline.extract.model import ExtractedDocument
from pipeline.extract.rows import TABLES, DocumentWriter
from pipeline.parts import Outcome, Part
from pipeline.storage import Storage
from tests.extract.packages import MemoryPackage, ep_document, tiff

SETTINGS = LakeSettings()
BODY = """<abstract lang="en"><p num="1">A lid.</p></abstract>
<drawings><figure num="1"><img file="a.tif"/></figure></drawings>"""


def task(storage: Storage, shard: int, **numbers: str) -> tuple[list[Part], dict[str, object]]:
    """A task that read packages (name → document number); its parts and note."""
    members = {}
    with DocumentWriter(storage, "week", SETTINGS) as writer:
        for name, number in numbers.items():
            package = MemoryPackage(
                {f"{name}.xml": ep_document(BODY, number=number), "a.tif": tiff()}, path=f"DOC/{name}.zip"
            )
            (found,) = extract_package(package, Settings())
            assert isinstance(found, ExtractedDocument)
            members[found.document["doc_id"]] = found.document["member"]
            writer.write(found)
    return writer.parts, task_note(shard, members, writer.parts)


def rows(storage: Storage, parts: list[Part]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {table: [] for table in TABLES}
    for part in parts:
        table = pq.read_table(Path(storage.path("tables", part.table, part.path)), partitioning=None)
        column = "member" if part.table == "documents" else "doc_id"
        assert table.num_rows == part.rows
        found[part.table] += table[column].to_pylist()
    return found


def test_the_later_task_loses_its_rows_of_the_document_and_no_others(tmp_path: Path) -> None:
    storage = Storage.at(tmp_path)
    later, note_of_later = task(storage, 7, b="3000001", c="3000002")
    first, note_of_first = task(storage, 2, z="3000001")
    outcome = Outcome(parts=later + first, notes=[note_of_later, note_of_first])
    drop_duplicates(outcome, storage, SETTINGS, {})
    assert [(r.item, r.reason) for r in outcome.rejects] == [("DOC/b.zip!/b.xml", Reason.DUPLICATE_DOCUMENT)]
    assert "DOC/z.zip!/z.xml" in outcome.rejects[0].detail
    found = rows(storage, outcome.parts)
    assert sorted(found["documents"]) == ["DOC/c.zip!/c.xml", "DOC/z.zip!/z.xml"]
    assert sorted(found["passages"]) == sorted(found["sheets"]) == ["EP3000001A1", "EP3000002A1"]
    files = {path.name for path in tmp_path.rglob("*.parquet")}
    assert files == {part.path.split("/")[-1] for part in outcome.parts}


def test_a_part_that_held_the_duplicate_alone_is_gone(tmp_path: Path) -> None:
    storage = Storage.at(tmp_path)
    first, note_of_first = task(storage, 0, a="3000001")
    later, note_of_later = task(storage, 1, b="3000001")
    outcome = Outcome(parts=first + later, notes=[note_of_first, note_of_later])
    drop_duplicates(outcome, storage, SETTINGS, {})
    assert outcome.parts == first


def test_what_stands_comes_first(tmp_path: Path) -> None:
    storage = Storage.at(tmp_path)
    parts, note = task(storage, 0, a="3000001", b="3000002")
    outcome = Outcome(parts=list(parts), notes=[note])
    drop_duplicates(
        outcome, storage, SETTINGS, {"EP3000001A1": "DOC/old.zip!/old.xml", "EP3000002A1": "DOC/b.zip!/b.xml"}
    )
    assert [r.item for r in outcome.rejects] == ["DOC/a.zip!/a.xml"]
    assert rows(storage, outcome.parts)["documents"] == ["DOC/b.zip!/b.xml"]


def test_without_duplicates_nothing_is_touched(tmp_path: Path) -> None:
    storage = Storage.at(tmp_path)
    parts, note = task(storage, 0, a="3000001", b="3000002")
    outcome = Outcome(parts=list(parts), notes=[note])
    drop_duplicates(outcome, storage, SETTINGS, {})
    assert (outcome.parts, outcome.rejects) == (parts, [])
