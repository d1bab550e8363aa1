"""Tars of every make, damaged ones included."""

from __future__ import annotations

import io
import tarfile
from pathlib import Path

import pytest

from pipeline.archives.spans import Span
from pipeline.archives.tars import list_tar
from tests.archives.build import XML, contents, package, source, tar_bytes

FORMATS = {"ustar": tarfile.USTAR_FORMAT, "gnu": tarfile.GNU_FORMAT, "pax": tarfile.PAX_FORMAT}


@pytest.mark.parametrize("form", FORMATS)
def test_long_names_are_read_in_every_format(tmp_path: Path, form: str) -> None:
    folder = "/".join(["folder-name"] * 12)
    week = source(tmp_path, tar_bytes({f"./{folder}/EP1.xml": XML, "b/EP2.xml": XML}, FORMATS[form]), "week.tar")
    assert contents(week) == ({folder: {"EP1.xml": XML}, "b": {"EP2.xml": XML}}, [])


def test_pax_names_beyond_ascii_and_pax_sizes_are_read(tmp_path: Path) -> None:
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w", format=tarfile.PAX_FORMAT, pax_headers={"comment": "all"}) as archive:
        info = tarfile.TarInfo("Ümläut " + "n" * 120 + "/EP1.xml")
        info.size, info.pax_headers = len(XML), {"size": str(len(XML)), "mtime": "1.5"}
        archive.addfile(info, io.BytesIO(XML))
    packages, rejects = contents(source(tmp_path, stream.getvalue(), "week.tar"))
    assert (list(packages), rejects) == (["Ümläut " + "n" * 120], [])


def test_folders_are_passed_over(tmp_path: Path) -> None:
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w") as archive:
        folder = tarfile.TarInfo("EP1")
        folder.type = tarfile.DIRTYPE
        archive.addfile(folder)
        info = tarfile.TarInfo("EP1/EP1.xml")
        info.size = len(XML)
        archive.addfile(info, io.BytesIO(XML))
    assert contents(source(tmp_path, stream.getvalue(), "week.tar")) == ({"EP1": {"EP1.xml": XML}}, [])


def test_a_cut_tar_keeps_its_complete_members(tmp_path: Path) -> None:
    packages = {f"EP{number}.zip": package(f"EP{number}") for number in range(3)}
    data = tar_bytes(packages)
    at = data.index(b"EP2.zip")
    found, rejects = contents(source(tmp_path, data[: at + 600], "week.tar"))
    assert (list(found), rejects) == (["EP0.zip", "EP1.zip"], [("week", "archive_truncated")])


def test_a_damaged_header_ends_the_tar_there(tmp_path: Path) -> None:
    data = bytearray(tar_bytes({f"EP{number}.zip": package(f"EP{number}") for number in range(3)}))
    data[data.index(b"EP1.zip")] ^= 1
    found, rejects = contents(source(tmp_path, bytes(data), "week.tar"))
    assert (list(found), rejects) == (["EP0.zip"], [("week", "archive_truncated")])


def header(name: str, size: int, kind: bytes) -> bytes:
    info = tarfile.TarInfo(name)
    info.size, info.type = size, kind
    return info.tobuf(tarfile.GNU_FORMAT)


def test_an_extension_header_that_claims_gigabytes_is_not_read() -> None:
    span = Span.of_bytes(header("x", 4 << 30, tarfile.XHDTYPE) + bytes(1024))
    entries, cut = list_tar(span, 10)
    assert entries == []
    assert cut is not None
    assert "4,294,967,296 bytes" in cut.detail


def test_a_chain_of_ten_thousand_extension_headers_is_walked(tmp_path: Path) -> None:
    chain = header("x", 0, tarfile.XHDTYPE) * 10_000
    week = source(tmp_path, chain + tar_bytes({"EP1/EP1.xml": XML}), "week.tar")
    assert contents(week) == ({"EP1": {"EP1.xml": XML}}, [])


@pytest.mark.parametrize("size", [-1, -(1 << 40)])
def test_a_negative_size_ends_the_tar(size: int) -> None:
    good = tar_bytes({"EP1/EP1.xml": XML})[:1024]
    entries, cut = list_tar(Span.of_bytes(good + header("a.xml", size, tarfile.REGTYPE) + bytes(1024)), 10)
    assert [entry.name for entry in entries] == ["EP1/EP1.xml"]
    assert cut is not None


def test_a_sparse_member_is_reported_not_misread(tmp_path: Path) -> None:
    data = tar_bytes({"EP1/EP1.xml": XML})[:1024] + header("EP2/EP2.xml", 512, tarfile.GNUTYPE_SPARSE) + bytes(2048)
    packages, rejects = contents(source(tmp_path, data, "week.tar"))
    assert packages == {}
    assert rejects == [("week", "archive_truncated"), ("EP1", "package_truncated")]
