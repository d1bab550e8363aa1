from __future__ import annotations

import hashlib
import zipfile
from datetime import date
from pathlib import Path

import pytest
from lxml import etree

from pipeline.errors import UsageError
from pipeline.synth import draw_archive
from pipeline.synth.content import PACES
from pipeline.synth.epo import draw_document
from tests.shared_data import SHARED, needs_shared
from tests.synth.conftest import Delivery


def digests(folder: Path) -> dict[str, str]:
    return {
        str(p.relative_to(folder)): hashlib.sha256(p.read_bytes()).hexdigest()
        for p in sorted(folder.rglob("*"))
        if p.is_file()
    }


@pytest.mark.parametrize("office", ["epo", "uspto"])
def test_the_same_seed_gives_the_same_bytes_whatever_the_number_of_processes(tmp_path: Path, office: str) -> None:
    for name, processes in (("one", 1), ("again", 1), ("two", 2)):
        draw_archive(tmp_path / name, 10, seed=5, office=office, pace="fast", processes=processes)
    assert digests(tmp_path / "one") == digests(tmp_path / "again") == digests(tmp_path / "two")


def test_a_document_does_not_depend_on_how_many_are_drawn(tmp_path: Path) -> None:
    few = Delivery(draw_archive(tmp_path / "few", 3, seed=9, pace="fast")).packages()
    more = Delivery(draw_archive(tmp_path / "more", 6, seed=9, pace="fast")).packages()
    assert {stem: more[stem] for stem in few} == few


def test_other_seeds_and_weeks_give_other_documents_and_names(tmp_path: Path) -> None:
    first = draw_archive(tmp_path, 3, seed=1, pace="fast")
    second = draw_archive(tmp_path, 3, seed=2, pace="fast")
    assert first.name != second.name
    assert not set(Delivery(first).packages()) & set(Delivery(second).packages())
    assert draw_archive(tmp_path, 1, seed=1, week=30, pace="fast").name == "EPRTBJV2025000030001001.zip"


def test_the_tree_is_that_of_the_weekly_delivery(delivery: Delivery) -> None:
    stem = delivery.path.stem
    with zipfile.ZipFile(delivery.path) as outer:
        names = outer.namelist()
        assert outer.read("VOLUMEID").decode() == stem
        index = etree.fromstring(outer.read("index.xml"))
        listed = {
            f"{entry.findtext('file-location')}\\{entry.findtext('filename')}".replace("\\", "/").lstrip("/"): int(
                entry.get("size")
            )
            for entry in index
        }
        packages = {n: outer.getinfo(n).file_size for n in names if n.startswith("DOC/")}
        assert {info.date_time for info in outer.infolist()} == {(2025, 1, 22, 14, 0, 0)}
    assert listed == packages
    assert {"CONTENTS", "VOLUMEID", "index.xml"} <= set(names)


def test_each_package_lists_its_files_with_their_sizes(delivery: Delivery) -> None:
    for stem, files in delivery.packages().items():
        toc = etree.fromstring(files["TOC.xml"])
        listed = {entry.findtext("filename"): int(entry.get("size")) for entry in toc}
        assert listed == {name: len(data) for name, data in files.items() if name != "TOC.xml"}
        assert f"{stem}.xml" in listed


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"documents": 0}, "1 to 50000 documents"),
        ({"week": 53}, "week 53"),
        ({"pace": "slow"}, "unknown pace 'slow'"),
        ({"office": "jpo"}, "unknown office 'jpo'"),
    ],
)
def test_wrong_arguments_are_refused_before_anything_is_written(
    tmp_path: Path, arguments: dict[str, object], message: str
) -> None:
    with pytest.raises(UsageError, match=message):
        draw_archive(tmp_path, **{"documents": 1, "seed": 1, **arguments})
    assert not list(tmp_path.iterdir())


def test_a_broken_off_run_leaves_no_archive(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(PACES, "fast", None)
    with pytest.raises(AttributeError):
        draw_archive(tmp_path, 30, seed=1, pace="fast")
    assert [p for p in tmp_path.rglob("*") if p.is_file()] == []


def test_application_numbers_stay_distinct_beyond_ten_thousand_documents() -> None:
    day = date(2025, 1, 22)
    stems = {draw_document(1, index, day, PACES["fast"], stubs=1.0).name for index in (1, 10_001, 20_001)}
    assert len(stems) == 3


@needs_shared
def test_documents_are_valid_under_the_offices_own_dtd(delivery: Delivery, tmp_path: Path) -> None:
    assert SHARED is not None
    with zipfile.ZipFile(SHARED / "epo" / "EPRTBJV2019000007001001.zip") as real:
        real.extract("DTDS/ep-patent-document-v1-5.dtd", tmp_path)
    dtd = etree.DTD(str(tmp_path / "DTDS" / "ep-patent-document-v1-5.dtd"))
    for stem, root in delivery.documents().items():
        assert dtd.validate(root), (stem, dtd.error_log.last_error)
