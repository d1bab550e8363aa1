"""The step on Spark: a hostile archive ends as rows and rejects, whatever the shards."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from pipeline.archives import ArchiveSource, Member, Shard
from pipeline.config import ExtractSettings, LimitSettings, Settings, SparkSettings
from pipeline.context import StepContext
from pipeline.engines.spark import session
from pipeline.errors import Reason
from pipeline.extract import step
from pipeline.extract.rows import TABLES
from pipeline.lake import Lake
from pipeline.parts import Outcome
from tests.extract.packages import ep_document, tiff
from tests.extract.test_duplicates import rows

pytestmark = pytest.mark.slow
SETTINGS = Settings(
    spark=SparkSettings(master="local[2]", driver_memory_mb=512),
    extract=ExtractSettings(shard_packages=2),
    limits=LimitSettings(ratio_floor_mb=1, ratio=100),
)
SHEETS = '<drawings><figure num="1"><img file="imgf0001.tif"/></figure></drawings>'


@pytest.fixture(scope="module")
def spark() -> Iterator[Any]:
    with session(SETTINGS) as started:
        yield started


def zipped(files: dict[str, bytes], deflated: bool = False) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED if deflated else zipfile.ZIP_STORED) as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return buffer.getvalue()


def package(stem: str, number: str, xml: bytes | None = None, sheet: bytes | None = None) -> bytes:
    text = f'<abstract lang="en"><p num="0001">Lid {number}.</p></abstract>{SHEETS}'
    return zipped({f"{stem}.xml": xml or ep_document(text, number=number), "imgf0001.tif": sheet or tiff()})


def hostile(folder: Path) -> Path:
    """One delivery with everything that can go wrong in it."""
    entity = b'<!DOCTYPE a [<!ENTITY b SYSTEM "file:///etc/passwd">]><a>&b;</a>'
    swelling = b'<!DOCTYPE a [<!ENTITY b "bb"><!ENTITY c "&b;&b;">]><a>&c;</a>'
    members = {
        "P1": package("P1", "3000001"),
        "P2": package("P2", "3000002", xml=b"<ep-patent-document>"),
        "P3": package("P3", "3000003", xml=entity),
        "P4": package("P4", "3000004", xml=swelling),
        "P5": package("P5", "3000005", sheet=b"no image"),
        "P6": package("P6", "3000001"),
        "P7": package("P7", "3000007")[:-40],
        "P8": zipped({"P8.xml": ep_document("<!--" + "x" * (3 << 20) + "-->")}, deflated=True),
        "P9": package("P9", "3000009"),
    }
    path = folder / "week.zip"
    path.write_bytes(zipped({f"DOC/EPNWA1/{name}.zip": data for name, data in members.items()}))
    return path


def run(
    spark: Any, lake: Path, source: Path, settings: Settings = SETTINGS, only: frozenset[str] = frozenset()
) -> Outcome:
    return step.run(StepContext(Lake.at(lake), settings, "week", str(source), 1, lambda *_: None, spark, only))


def test_a_hostile_delivery_ends_as_rows_and_rejects(spark: Any, tmp_path: Path) -> None:
    outcome = run(spark, tmp_path / "lake", hostile(tmp_path))
    found = {reject.item.removeprefix("DOC/EPNWA1/"): reject.reason for reject in outcome.rejects}
    assert found.pop("P7.zip") in (Reason.PACKAGE_TRUNCATED, Reason.PACKAGE_UNREADABLE)
    assert found == {
        "P2.zip!/P2.xml": Reason.XML_MALFORMED,
        "P3.zip!/P3.xml": Reason.XML_FORBIDDEN,
        "P4.zip!/P4.xml": Reason.XML_FORBIDDEN,
        "P5.zip!/imgf0001.tif": Reason.IMAGE_UNREADABLE,
        "P6.zip!/P6.xml": Reason.DUPLICATE_DOCUMENT,
        "P8.zip!/P8.xml": Reason.RATIO_TOO_HIGH,
    }
    assert outcome.rows_in == 9
    assert outcome.notes == []
    assert outcome.peak_memory_mb > 0
    lake = Lake.at(tmp_path / "lake")
    for table in TABLES:
        lake.commit(table, "extract", "week", 1, [part for part in outcome.parts if part.table == table])
    kept = lake.read("documents", ["doc_id", "archive", "n_sheets"]).sort_by("doc_id").to_pylist()
    assert [row for row in kept if row["doc_id"] != "EP3000007A1"] == [
        {"doc_id": "EP3000001A1", "archive": "week", "n_sheets": 1},
        {"doc_id": "EP3000005A1", "archive": "week", "n_sheets": 0},
        {"doc_id": "EP3000009A1", "archive": "week", "n_sheets": 1},
    ]
    assert set(lake.read("passages", ["doc_id"])["doc_id"].to_pylist()) == {row["doc_id"] for row in kept}


def test_how_the_archive_is_cut_changes_nothing(spark: Any, tmp_path: Path) -> None:
    source, seen = hostile(tmp_path), []
    for packages in (1, 100):
        lake = tmp_path / f"lake{packages}"
        outcome = run(spark, lake, source, replace(SETTINGS, extract=ExtractSettings(shard_packages=packages)))
        tables = {table: sorted(values) for table, values in rows(Lake.at(lake).storage, outcome.parts).items()}
        seen.append((tables, sorted((r.item, r.reason, r.detail) for r in outcome.rejects)))
    assert seen[0] == seen[1]


def test_a_replay_reads_the_named_items_alone_and_lets_stand_what_stands(spark: Any, tmp_path: Path) -> None:
    lake, source = Lake.at(tmp_path / "lake"), hostile(tmp_path)
    outcome = run(spark, tmp_path / "lake", source)
    for table in TABLES:
        lake.commit(table, "extract", "week", 1, [part for part in outcome.parts if part.table == table])
    only = frozenset({"DOC/EPNWA1/P5.zip!/imgf0001.tif", "DOC/EPNWA1/P6.zip!/P6.xml", "EP3000009A1"})
    again = run(spark, tmp_path / "lake", source, only=only)
    assert {(r.item, r.reason) for r in again.rejects} == {
        ("DOC/EPNWA1/P5.zip!/imgf0001.tif", Reason.IMAGE_UNREADABLE),
        ("DOC/EPNWA1/P6.zip!/P6.xml", Reason.DUPLICATE_DOCUMENT),
    }
    assert sorted(rows(lake.storage, again.parts)["passages"]) == ["EP3000005A1", "EP3000009A1"]


@pytest.mark.parametrize(("sizes", "cores", "expected"), [
    ([100], 2, [17, 17, 17, 17, 17, 15]), ([20, 3], 4, [8, 8, 4, 3]), ([128] * 10, 2, [128] * 10), ([], 2, []),
])  # fmt: skip
def test_small_archives_are_cut_finely_enough_for_every_core(sizes: list[int], cores: int, expected: list[int]) -> None:
    source = ArchiveSource("a", "a.zip", {})
    members = [Member(str(number), "", (), 2, nested=True) for number in range(sum(sizes))]
    starts = [sum(sizes[:place]) for place in range(len(sizes))]
    shards = [Shard(source, tuple(members[at : at + size])) for at, size in zip(starts, sizes, strict=True)]
    cut = step.spread(shards, cores)
    assert [len(shard.members) for shard in cut] == expected
    assert [member for shard in cut for member in shard.members] == members


def test_an_archive_without_documents_is_one_reject(spark: Any, tmp_path: Path) -> None:
    source = tmp_path / "week.zip"
    source.write_bytes(zipped({"index.xml": b"<x/>"}))
    outcome = run(spark, tmp_path / "lake", source)
    assert ([r.reason for r in outcome.rejects], outcome.parts) == ([Reason.ARCHIVE_EMPTY], [])
