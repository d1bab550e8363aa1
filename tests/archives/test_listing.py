"""Which packages an archive holds, whatever its shape, and how it is cut into shards."""

from __future__ import annotations

import json
import tarfile
import zipfile
from pathlib import Path

import pytest

from pipeline.archives import ArchiveSource, Shard, list_archive, open_packages
from pipeline.config import ExtractSettings
from pipeline.errors import Reject
from tests.archives.build import EXTRACT, LIMITS, XML, contents, listing, package, source, tar_bytes, zip_bytes

EPO_WEEK = {
    "DOC/EPNWA1/EP00000001NWA1.zip": package("EP00000001NWA1"),
    "DOC/EPNWB1/EP00000002NWB1.zip": package("EP00000002NWB1", images=0),
    "index.xml": b"<package-index/>",
    "CONTENTS": b"",
    "DTDS/ep.dtd": b"<!-- -->",
}


def shapes() -> dict[str, tuple[str, bytes]]:
    return {
        "zip": ("week.zip", zip_bytes(EPO_WEEK)),
        "stored zip": ("week.zip", zip_bytes(EPO_WEEK, zipfile.ZIP_STORED)),
        "tar": ("week.tar", tar_bytes({f"./{name}": data for name, data in EPO_WEEK.items()}, tarfile.USTAR_FORMAT)),
        "pax tar": ("week.tar", tar_bytes(EPO_WEEK)),
        "backslashes": ("week.zip", zip_bytes({name.replace("/", "\\"): data for name, data in EPO_WEEK.items()})),
    }


@pytest.mark.parametrize("shape", shapes())
def test_an_epo_week_holds_a_package_per_inner_zip(tmp_path: Path, shape: str) -> None:
    name, data = shapes()[shape]
    packages, rejects = contents(source(tmp_path, data, name))
    assert rejects == []
    assert {path: list(files) for path, files in packages.items()} == {
        "DOC/EPNWA1/EP00000001NWA1.zip": [
            "EP00000001NWA1.xml", "EP00000001NWA1.pdf", "TOC.xml", "imgf0001.tif", "imgf0002.tif",
        ],
        "DOC/EPNWB1/EP00000002NWB1.zip": ["EP00000002NWB1.xml", "EP00000002NWB1.pdf", "TOC.xml"],
    }  # fmt: skip
    assert packages["DOC/EPNWA1/EP00000001NWA1.zip"]["imgf0002.tif"] == b"II*\0EP00000001NWA12"


def test_a_national_delivery_holds_a_package_per_folder_of_its_batch(tmp_path: Path) -> None:
    batch = zip_bytes({
        "EST1.0001/ES1T1/imgf000001_0001.tif": b"one", "EST1.0001/ES1T1/ES1T1.xml": XML,
        "EST1.0001/ES2T3/ES2T3.xml": XML, "EST1.0001/ES2T3/TOC.xml": b"<content/>",
    })  # fmt: skip
    week = source(tmp_path, zip_bytes({"ROOT/DOC/FTM-20250124-EST1-0001.zip": batch, "ROOT/index.xml": b"<i/>"}))
    packages, rejects = contents(week)
    assert rejects == []
    assert packages == {
        "ROOT/DOC/FTM-20250124-EST1-0001.zip!/EST1.0001/ES1T1": {"imgf000001_0001.tif": b"one", "ES1T1.xml": XML},
        "ROOT/DOC/FTM-20250124-EST1-0001.zip!/EST1.0001/ES2T3": {"ES2T3.xml": XML, "TOC.xml": b"<content/>"},
    }


def test_a_uspto_week_holds_a_package_per_zip_and_leaves_supplements_aside(tmp_path: Path) -> None:
    stem = "US20250204297A1-20250626"
    inner = zip_bytes({f"{stem}/{stem}.XML": XML, f"{stem}/{stem}-D00001.TIF": b"1", f"{stem}/{stem}-S00001.XML": XML})
    week = tar_bytes({
        f"I20250626/UTIL0204/{stem}.ZIP": inner,
        f"I20250626/UTIL0204/{stem}-SUPP.ZIP": zip_bytes({f"{stem}-SUPP/{stem}-S00001.TXT": b"acgt"}),
        f"I20250626-SUPP/UTIL0204/{stem}.ZIP": zip_bytes({"table.txt": b""}),
        "I20250626/readme.txt": b"text",
    })  # fmt: skip
    packages, rejects = contents(source(tmp_path, week, "I20250626.tar"))
    assert rejects == []
    assert list(packages) == [f"I20250626/UTIL0204/{stem}.ZIP!/{stem}"]
    assert list(*packages.values()) == [f"{stem}.XML", f"{stem}-D00001.TIF", f"{stem}-S00001.XML"]


def test_an_unpacked_folder_gives_what_its_archive_gives(tmp_path: Path) -> None:
    data = zip_bytes({**EPO_WEEK, "DOC/loose/a.xml": XML, "DOC/loose/imgf0001.tif": b"tif"})
    packed = source(tmp_path, data)
    with zipfile.ZipFile(packed.uri) as archive:
        archive.extractall(tmp_path / "unpacked")
    unpacked = ArchiveSource("unpacked", str(tmp_path / "unpacked"), {})
    assert contents(unpacked) == contents(packed)
    assert "DOC/loose" in contents(unpacked)[0]


def test_several_documents_in_a_folder_share_the_files_out_by_their_names(tmp_path: Path) -> None:
    files = {
        "US1-2020.XML": XML, "US1-2020-D00001.TIF": b"1", "US12-2020.XML": XML, "US12-2020-D00001.TIF": b"12",
        "stray.tif": b"?", "readme.txt": b"",
    }  # fmt: skip
    packages, rejects = contents(source(tmp_path, zip_bytes({f"flat/{name}": data for name, data in files.items()})))
    assert packages == {
        "flat/US1-2020.XML": {"US1-2020.XML": XML, "US1-2020-D00001.TIF": b"1"},
        "flat/US12-2020.XML": {"US12-2020.XML": XML, "US12-2020-D00001.TIF": b"12"},
    }
    assert rejects == [("flat", "package_without_document")]


def test_the_xml_named_like_its_package_is_the_document(tmp_path: Path) -> None:
    inner = zip_bytes({"extra.xml": XML, "EP1NWA1.xml": XML, "EP1NWA1__SL001.xml": XML, "imgf0001.tif": b"1"})
    shards = listing(source(tmp_path, zip_bytes({"EP1NWA1.zip": inner}))).shards
    (found,) = open_packages(shards[0], LIMITS)
    assert not isinstance(found, Reject)
    assert (found.path, found.document) == ("EP1NWA1.zip", "EP1NWA1.xml")
    assert found.member_path("imgf0001.tif") == "EP1NWA1.zip!/imgf0001.tif"
    assert found.names() == ["extra.xml", "EP1NWA1.xml", "EP1NWA1__SL001.xml", "imgf0001.tif"]


def test_a_document_at_the_root_of_an_archive_is_called_by_its_xml(tmp_path: Path) -> None:
    packages, rejects = contents(source(tmp_path, zip_bytes({"EP1NWA1.xml": XML, "imgf0001.tif": b"1"})))
    assert packages == {"EP1NWA1.xml": {"EP1NWA1.xml": XML, "imgf0001.tif": b"1"}}
    assert rejects == []


@pytest.mark.parametrize("shard_mb", [0, 64])
@pytest.mark.parametrize("shard_packages", [1, 3, 64])
def test_the_cut_into_shards_changes_no_package(tmp_path: Path, shard_mb: int, shard_packages: int) -> None:
    batch = zip_bytes(
        {
            "B/ES1T1/ES1T1.xml": XML, "B/ES1T1/imgf0001.tif": b"1", "B/ES2T1/ES2T1.xml": XML,
            "B/inner.zip": zip_bytes({"EP9.xml": XML, "imgf0001.tif": b"9"}, zipfile.ZIP_STORED), "B/no/imgf.tif": b"",
        },
        zipfile.ZIP_STORED,
    )  # fmt: skip
    week = source(tmp_path, zip_bytes({**EPO_WEEK, "DOC/batch.zip": batch, "DOC/bad.zip": b"PK"}, zipfile.ZIP_STORED))
    packages, rejects = contents(week, extract=ExtractSettings(shard_mb=shard_mb, shard_packages=shard_packages))
    assert (packages, sorted(rejects)) == (contents(week)[0], sorted(contents(week)[1]))
    assert list(packages) == [
        "DOC/EPNWA1/EP00000001NWA1.zip", "DOC/EPNWB1/EP00000002NWB1.zip", "DOC/batch.zip!/B/ES1T1",
        "DOC/batch.zip!/B/ES2T1", "DOC/batch.zip!/B/inner.zip",
    ]  # fmt: skip
    assert sorted(rejects) == [
        ("DOC/bad.zip", "package_unreadable"), ("DOC/batch.zip!/B/no", "package_without_document"),
    ]  # fmt: skip


def test_shards_hold_neighbours_and_keep_to_both_sizes(tmp_path: Path) -> None:
    files = {f"DOC/{number}.zip": bytes(600_000) for number in range(5)}
    week = source(tmp_path, zip_bytes(files, zipfile.ZIP_STORED))

    def cut(shard_mb: int = 64, shard_packages: int = 64) -> list[list[str]]:
        extract = ExtractSettings(shard_mb=shard_mb, shard_packages=shard_packages)
        return [[member.path for member in shard.members] for shard in listing(week, extract=extract).shards]

    assert cut() == [[f"DOC/{number}.zip" for number in range(5)]]
    assert cut(shard_mb=2) == [["DOC/0.zip", "DOC/1.zip", "DOC/2.zip"], ["DOC/3.zip", "DOC/4.zip"]]
    assert cut(shard_packages=2) == [["DOC/0.zip", "DOC/1.zip"], ["DOC/2.zip", "DOC/3.zip"], ["DOC/4.zip"]]


def test_a_shard_travels_as_json_without_the_storage_options(tmp_path: Path) -> None:
    plain = source(tmp_path, zip_bytes({**EPO_WEEK, "loose/a.xml": XML}))
    week = ArchiveSource(plain.name, plain.uri, {"AWS_SECRET_ACCESS_KEY": "hidden"})
    (shard,) = list_archive(week, LIMITS, EXTRACT).shards
    text = shard.to_json()
    assert "hidden" not in text
    assert json.loads(text)["uri"] == plain.uri
    assert Shard.from_json(text, week.options) == shard
    assert "hidden" not in repr(shard)


def test_what_mac_archivers_add_is_no_document(tmp_path: Path) -> None:
    files = {"EP1/EP1.xml": XML, "__MACOSX/EP1/._EP1.xml": b"\0", "EP1/._EP1.xml": b"\0"}
    assert contents(source(tmp_path, zip_bytes(files))) == ({"EP1": {"EP1.xml": XML}}, [])


def test_a_name_in_other_case_is_found(tmp_path: Path) -> None:
    week = source(tmp_path, zip_bytes({"EP1/EP1.xml": XML, "EP1/IMGF0001.TIF": b"1"}))
    (found,) = open_packages(listing(week).shards[0], LIMITS)
    assert not isinstance(found, Reject)
    assert found.read("imgf0001.tif") == b"1"
