"""Zips of every make: zip64, streamed, cut, with what stands before and behind them."""

from __future__ import annotations

import io
import struct
import zipfile
import zlib
from pathlib import Path

import pytest

from pipeline.archives import ArchiveSource
from pipeline.archives.spans import Span
from pipeline.archives.zips import list_zip
from tests.archives.build import XML, contents, package, source, streamed_zip_bytes, zip_bytes

EXPECTED = {f"EP{n}.zip": {f"EP{n}.xml": XML + f"EP{n}".encode(), f"EP{n}.pdf": b"%PDF", "TOC.xml": b"<x/>"}
            for n in range(3)}  # fmt: skip


def week(method: int, streamed: bool = False, zip64: bool = False) -> bytes:
    packages = {f"EP{number}.zip": package(f"EP{number}", images=0) for number in range(3)}
    if streamed:
        return streamed_zip_bytes(packages, method, zip64)
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", method) as archive:
        for name, data in packages.items():
            with archive.open(name, "w", force_zip64=zip64) as member:
                member.write(data)
    return stream.getvalue()


MAKES = [(method, streamed, zip64) for method in (0, 8) for streamed in (False, True) for zip64 in (False, True)]


@pytest.mark.parametrize(("method", "streamed", "zip64"), MAKES)
def test_every_make_of_zip_is_read(tmp_path: Path, method: int, streamed: bool, zip64: bool) -> None:
    assert contents(source(tmp_path, week(method, streamed, zip64))) == (EXPECTED, [])


@pytest.mark.parametrize(("method", "streamed", "zip64"), MAKES)
def test_every_make_of_zip_without_its_directory_keeps_its_members(
    tmp_path: Path, method: int, streamed: bool, zip64: bool
) -> None:
    data = week(method, streamed, zip64)
    cut = data[: data.rindex(b"PK\x01\x02") + 10]
    assert contents(source(tmp_path, cut)) == (EXPECTED, [("week", "archive_truncated")])


def test_a_zip64_directory_is_followed() -> None:
    """65,536 members do not fit the plain end record."""
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        for number in range(65_536):
            archive.writestr(zipfile.ZipInfo(f"{number}.txt"), b"")
    entries, cut = list_zip(Span.of_bytes(stream.getvalue()), 70_000, 0)
    assert (len(entries), entries[-1].name, cut) == (65_536, "65535.txt", None)


def test_offsets_beyond_four_gigabytes_are_read_from_a_sparse_file(tmp_path: Path) -> None:
    path = tmp_path / "week.zip"
    with path.open("wb") as stream:
        with zipfile.ZipFile(stream, "w") as archive:
            archive.writestr("EP0.zip", package("EP0", images=0))
        first = list_zip(Span.of_bytes(path.read_bytes()), 9, 0)[0][0]
        local = path.read_bytes()[: first.offset + 37 + first.stored]
    hole = 5 << 30
    name = b"EP1.zip"
    data = package("EP1", images=0)
    with path.open("wb") as stream:
        stream.write(local)
        stream.seek(hole)
        stream.write(struct.pack("<4s5H3L2H", b"PK\3\4", 45, 0, 0, 0, 0, zlib.crc32(data), len(data), len(data), 7, 0))
        stream.write(name + data)
        start = stream.tell()
        stream.write(struct.pack("<4s6H3L5H2L", b"PK\1\2", 45, 45, 0, 0, 0, 0, first.crc, first.stored, first.size,
                                 7, 0, 0, 0, 0, 0, 0) + b"EP0.zip")  # fmt: skip
        extra = struct.pack("<2HQ", 1, 8, hole)
        stream.write(struct.pack("<4s6H3L5H2L", b"PK\1\2", 45, 45, 0, 0, 0, 0, zlib.crc32(data), len(data), len(data),
                                 7, len(extra), 0, 0, 0, 0, 0xFFFFFFFF) + name + extra)  # fmt: skip
        end = stream.tell()
        stream.write(struct.pack("<4sQ2H2L4Q", b"PK\6\6", 44, 45, 45, 0, 0, 2, 2, end - start, start))
        stream.write(struct.pack("<4sLQL", b"PK\6\7", 0, end, 1))
        stream.write(struct.pack("<4s4H2LH", b"PK\5\6", 0, 0, 2, 2, 0xFFFFFFFF, 0xFFFFFFFF, 0))
    assert zipfile.ZipFile(path).namelist() == ["EP0.zip", "EP1.zip"]
    expected = {name: files for name, files in EXPECTED.items() if name != "EP2.zip"}
    assert contents(ArchiveSource("week", str(path), {})) == (expected, [])


def test_the_end_record_of_a_nested_zip_is_not_taken_for_the_outer_ones(tmp_path: Path) -> None:
    """Cut right behind an uncompressed package, a zip ends like a whole one."""
    data = week(zipfile.ZIP_STORED)
    cut = data[: data.index(b"EP1.zip") - 30]
    assert zipfile.is_zipfile(io.BytesIO(cut))
    assert contents(source(tmp_path, cut)) == ({"EP0.zip": EXPECTED["EP0.zip"]}, [("week", "archive_truncated")])


def test_a_comment_behind_the_directory_is_no_trouble(tmp_path: Path) -> None:
    stream = io.BytesIO(week(8))
    with zipfile.ZipFile(stream, "a") as archive:
        archive.comment = b"PK\5\6 EPO weekly delivery " * 100
    assert contents(source(tmp_path, stream.getvalue())) == (EXPECTED, [])


def test_bytes_behind_the_end_cost_no_member(tmp_path: Path) -> None:
    assert contents(source(tmp_path, week(8) + b"\0" * 70_000)) == (EXPECTED, [("week", "archive_truncated")])


def test_a_damaged_directory_costs_no_member(tmp_path: Path) -> None:
    data = bytearray(week(8))
    data[data.rindex(b"PK\x01\x02")] = 0
    assert contents(source(tmp_path, bytes(data))) == (EXPECTED, [("week", "archive_truncated")])


def test_a_cut_zip_of_loose_documents_loses_only_the_document_the_cut_lies_in(tmp_path: Path) -> None:
    files = {f"EP{n}/{name}": b"1" * 50 for n in range(3) for name in (f"EP{n}.xml", "imgf0001.tif", "imgf0002.tif")}
    data = zip_bytes(files, zipfile.ZIP_STORED)
    cut = data[: data.index(b"EP2/imgf0002.tif") + 20]
    packages, rejects = contents(source(tmp_path, cut))
    assert list(packages) == ["EP0", "EP1"]
    assert rejects == [("week", "archive_truncated"), ("EP2", "package_truncated")]


def test_a_cut_batch_loses_only_the_document_the_cut_lies_in(tmp_path: Path) -> None:
    files = {f"EST/ES{n}/{name}": b"1" * 50 for n in range(3) for name in (f"ES{n}.xml", "imgf0001.tif")}
    batch = zip_bytes(files, zipfile.ZIP_STORED)
    cut = batch[: batch.index(b"EST/ES2/imgf0001.tif")]
    packages, rejects = contents(source(tmp_path, zip_bytes({"DOC/batch.zip": cut})))
    assert list(packages) == ["DOC/batch.zip!/EST/ES0", "DOC/batch.zip!/EST/ES1"]
    assert sorted(rejects) == [
        ("DOC/batch.zip", "package_truncated"), ("DOC/batch.zip!/EST/ES2", "package_truncated"),
    ]  # fmt: skip


def test_a_cut_batch_of_images_before_their_document_is_reported(tmp_path: Path) -> None:
    """The order of the Spanish delivery: the XML comes last in its folder."""
    files = {f"EST/ES{n}/{name}": b"1" * 50 for n in range(2) for name in ("imgf0001.tif", f"ES{n}.xml")}
    data = zip_bytes(files, zipfile.ZIP_STORED)
    packages, rejects = contents(source(tmp_path, data[: data.index(b"EST/ES1/ES1.xml") + 20]))
    assert list(packages) == ["EST/ES0"]
    assert rejects == [("week", "archive_truncated"), ("EST/ES1", "package_truncated")]


def test_a_cut_flat_archive_loses_only_the_document_the_cut_lies_in(tmp_path: Path) -> None:
    files = {f"US{n}{rest}": b"1" * 50 for n in range(4) for rest in (".XML", "-D00001.TIF", "-D00002.TIF")}
    data = zip_bytes(files, zipfile.ZIP_STORED)
    packages, rejects = contents(source(tmp_path, data[: data.index(b"US2-D00002.TIF") + 20]))
    assert list(packages) == ["US0.XML", "US1.XML"]
    assert rejects == [("week", "archive_truncated"), ("US2.XML", "package_truncated")]
