"""Each malformed input ends as a reject with its reason, and everything else lands."""

from __future__ import annotations

import io
import struct
import tarfile
import warnings
import zipfile
import zlib
from pathlib import Path

import pytest

from pipeline.archives import ArchiveSource
from pipeline.config import LimitSettings
from pipeline.errors import Reason, RejectedItemError
from tests.archives.build import XML, contents, first_package, package, source, tar_bytes, zip_bytes

GOOD = {"DOC/good.zip": zip_bytes({"EP1.xml": XML})}
GOOD_FOUND = {"DOC/good.zip": {"EP1.xml": XML}}


def beside_good(tmp_path: Path, name: str, data: bytes, limits: LimitSettings | None = None) -> list[tuple[str, str]]:
    """The rejects of an archive that holds a good package between two copies of a bad member."""
    week = source(tmp_path, zip_bytes({f"DOC/0{name}": data, **GOOD, f"DOC/1{name}": data}, zipfile.ZIP_STORED))
    packages, rejects = contents(week, limits or LimitSettings())
    assert packages == GOOD_FOUND
    assert len(rejects) % 2 == 0
    return [(item.removeprefix("DOC/0"), reason) for item, reason in rejects if item.startswith("DOC/0")]


@pytest.mark.parametrize(
    ("name", "data", "reason"),
    [
        ("week.zip", b"", "archive_empty"),
        ("week.zip", zip_bytes({}), "archive_empty"),
        ("week.zip", zip_bytes({"folder/": b""}), "archive_empty"),
        ("week.zip", zip_bytes({"CONTENTS": b"", "index.xml": b""}), "archive_empty"),
        ("week.tar", tar_bytes({}), "archive_empty"),
        ("week.zip", b"PK", "archive_unreadable"),
        ("week.zip", b"<html>404</html>" * 100, "archive_unreadable"),
        ("week.tar", b"\x1f\x8b\x08" + bytes(1000), "archive_unreadable"),
        ("week.zip", b"Rar!" + bytes(1000), "archive_unreadable"),
    ],
)
def test_an_archive_that_holds_nothing_is_one_reject(tmp_path: Path, name: str, data: bytes, reason: str) -> None:
    assert contents(source(tmp_path, data, name)) == ({}, [("week", reason)])


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "package_without_document"),
        (zip_bytes({}), "package_without_document"),
        (zip_bytes({"TOC.xml": XML, "EP1.pdf": b""}), "package_without_document"),
        (zip_bytes({"imgf0001.tif": b"1"}), "package_without_document"),
        (b"not a zip at all", "package_unreadable"),
        (bytes(100_000), "package_unreadable"),
        (package("EP1")[:-1], "package_truncated"),
        (package("EP1")[:150], "package_truncated"),
        (tar_bytes({"EP1.xml": XML, "imgf0001.tif": b"1"})[:1600], "package_truncated"),
    ],
)
def test_a_bad_package_is_one_reject(tmp_path: Path, data: bytes, reason: str) -> None:
    assert beside_good(tmp_path, "bad.zip", data) == [("bad.zip", reason)]


def test_a_damaged_byte_in_a_package_costs_only_the_file_it_lies_in(tmp_path: Path) -> None:
    inner = bytearray(
        zip_bytes({"EP1.xml": XML, "imgf0001.tif": b"pixels", "imgf0002.tif": b"more"}, zipfile.ZIP_STORED)
    )
    inner[inner.index(b"pixels")] ^= 1
    found = first_package(source(tmp_path, zip_bytes({"EP1.zip": bytes(inner)}, zipfile.ZIP_STORED)))
    assert found.read("imgf0002.tif") == b"more"
    with pytest.raises(RejectedItemError, match="checksum") as error:
        found.read("imgf0001.tif")
    assert error.value.reject("").item == "EP1.zip!/imgf0001.tif"
    assert error.value.reason is Reason.MEMBER_UNREADABLE


def test_a_damaged_compressed_package_is_unreadable(tmp_path: Path) -> None:
    inner = package("EP1", images=9)
    outer = bytearray(zip_bytes({"EP1.zip": inner, **GOOD}))
    outer[120] ^= 0xFF
    packages, rejects = contents(source(tmp_path, bytes(outer)))
    assert (packages, rejects) == (GOOD_FOUND, [("EP1.zip", "package_unreadable")])


def test_a_missing_image_and_a_missing_file_have_their_reasons(tmp_path: Path) -> None:
    found = first_package(source(tmp_path, zip_bytes(GOOD)))
    for name, reason in [("imgf0001.tif", Reason.IMAGE_MISSING), ("a.xml", Reason.MEMBER_UNREADABLE)]:
        with pytest.raises(RejectedItemError) as error:
            found.read(name)
        assert (error.value.reason, error.value.item) == (reason, f"DOC/good.zip!/{name}")


def with_flag(data: bytes, flag: int, method: int | None = None) -> bytes:
    """A zip of one member with a flag set (and another method) in both its headers."""
    changed = bytearray(data)
    central = changed.index(b"PK\x01\x02")
    for position in (6, central + 8):
        struct.pack_into("<H", changed, position, struct.unpack_from("<H", changed, position)[0] | flag)
        if method is not None:
            struct.pack_into("<H", changed, position + 2, method)
    return bytes(changed)


def test_an_encrypted_package_is_rejected_as_such(tmp_path: Path) -> None:
    outer = source(tmp_path, with_flag(zip_bytes({"EP1.zip": package("EP1")}), 1))
    assert contents(outer) == ({}, [("EP1.zip", "member_encrypted")])


@pytest.mark.parametrize(
    ("flag", "method", "reason"), [(1, None, Reason.MEMBER_ENCRYPTED), (0, 9, Reason.MEMBER_UNREADABLE)]
)
def test_a_file_that_cannot_be_inflated_is_rejected_on_reading(
    tmp_path: Path, flag: int, method: int | None, reason: Reason
) -> None:
    inner = with_flag(zip_bytes({"EP1.xml": XML}), flag, method)
    found = first_package(source(tmp_path, zip_bytes({"EP1.zip": inner})))
    with pytest.raises(RejectedItemError) as error:
        found.read("EP1.xml")
    assert error.value.reason is reason


@pytest.mark.parametrize("name", ["../evil.xml", "/etc/evil.xml", "C:\\evil.xml", "a\\..\\..\\evil.xml"])
def test_a_path_that_climbs_out_is_refused_inside_and_outside(tmp_path: Path, name: str) -> None:
    outer = source(tmp_path, zip_bytes({name: XML, **GOOD}))
    assert contents(outer) == (GOOD_FOUND, [(name, "unsafe_path")])
    inner = zip_bytes({name: XML, "EP1.xml": XML})
    packages, rejects = contents(source(tmp_path, zip_bytes({"EP1.zip": inner})))
    assert packages == {"EP1.zip": {"EP1.xml": XML}}
    assert rejects == [(f"EP1.zip!/{name}", "unsafe_path")]


def test_a_name_with_a_nul_is_refused(tmp_path: Path) -> None:
    data = zip_bytes({"evil.xml#.tif": XML, **GOOD}).replace(b"evil.xml#", b"evil.xml\0")
    assert contents(source(tmp_path, data)) == (GOOD_FOUND, [("evil.xml\\x00.tif", "unsafe_path")])


@pytest.mark.parametrize("kind", [tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.CHRTYPE, tarfile.BLKTYPE, tarfile.FIFOTYPE])
def test_links_and_devices_in_a_tar_are_refused(tmp_path: Path, kind: bytes) -> None:
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w") as archive:
        link = tarfile.TarInfo("DOC/a.xml")
        link.type, link.linkname = kind, "/etc/passwd"
        archive.addfile(link)
        good = tarfile.TarInfo("DOC/good.zip")
        good.size = len(GOOD["DOC/good.zip"])
        archive.addfile(good, io.BytesIO(GOOD["DOC/good.zip"]))
    assert contents(source(tmp_path, stream.getvalue(), "week.tar")) == (GOOD_FOUND, [("DOC/a.xml", "unsafe_path")])


def test_a_symbolic_link_in_a_zip_is_refused(tmp_path: Path) -> None:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        link = zipfile.ZipInfo("DOC/a.xml")
        link.create_system, link.external_attr = 3, 0o120777 << 16
        archive.writestr(link, "/etc/passwd")
        archive.writestr("DOC/good.zip", GOOD["DOC/good.zip"])
    assert contents(source(tmp_path, stream.getvalue())) == (GOOD_FOUND, [("DOC/a.xml", "unsafe_path")])


def test_links_that_lead_out_of_a_folder_are_refused(tmp_path: Path) -> None:
    (tmp_path / "secret.xml").write_bytes(b"secret")
    folder = tmp_path / "week"
    (folder / "EP1").mkdir(parents=True)
    (folder / "EP1" / "EP1.xml").write_bytes(XML)
    (folder / "EP1" / "imgf0001.tif").symlink_to(tmp_path / "secret.xml")
    (folder / "EP1" / "same.txt").symlink_to(folder / "EP1" / "EP1.xml")
    (folder / "EP1" / "loop").symlink_to(folder)
    packages, rejects = contents(ArchiveSource("week", str(folder), {}))
    assert packages == {"EP1": {"EP1.xml": XML, "same.txt": XML}}
    assert rejects == [("EP1/imgf0001.tif", "unsafe_path"), ("EP1/loop", "unsafe_path")]


def twice(first: dict[str, bytes], second: dict[str, bytes]) -> bytes:
    stream = io.BytesIO()
    with warnings.catch_warnings(), zipfile.ZipFile(stream, "w") as archive:
        warnings.simplefilter("ignore")
        for name, data in [*first.items(), *second.items()]:
            archive.writestr(name, data)
    return stream.getvalue()


def test_of_members_with_one_name_the_last_is_taken_and_the_others_reported(tmp_path: Path) -> None:
    old, new = zip_bytes({"EP1.xml": b"<old/>"}), zip_bytes({"EP1.xml": b"<new/>"})
    week = source(tmp_path, twice({"DOC/EP1.zip": old}, {"DOC\\EP1.zip": new}))
    assert contents(week) == ({"DOC/EP1.zip": {"EP1.xml": b"<new/>"}}, [("DOC/EP1.zip", "duplicate_document")])
    inner = twice({"EP1.xml": XML, "imgf0001.tif": b"old"}, {"./imgf0001.tif": b"new"})
    packages, rejects = contents(source(tmp_path, zip_bytes({"EP1.zip": inner})))
    assert packages == {"EP1.zip": {"EP1.xml": XML, "imgf0001.tif": b"new"}}
    assert rejects == [("EP1.zip!/imgf0001.tif", "member_unreadable")]


def test_a_duplicate_in_a_tar_is_treated_alike(tmp_path: Path) -> None:
    data = tar_bytes({"DOC/EP1.zip": zip_bytes({"EP1.xml": b"<old/>"}), "./DOC/EP1.zip": zip_bytes({"EP1.xml": XML})})
    assert contents(source(tmp_path, data, "week.tar")) == (
        {"DOC/EP1.zip": {"EP1.xml": XML}}, [("DOC/EP1.zip", "duplicate_document")],
    )  # fmt: skip


def quoted_bomb(kernel: bytes, files: int) -> bytes:
    """A zip whose directory names one stored stretch many times (after Fifield 2019, without quoting)."""
    local = struct.pack("<4s5H3L2H", b"PK\3\4", 20, 0, 8, 0, 0, zlib.crc32(kernel), 0, len(kernel), 5, 0) + b"a.tif"
    packer = zlib.compressobj(9, zlib.DEFLATED, -15)
    data = packer.compress(kernel) + packer.flush()
    local = local[:18] + struct.pack("<L", len(data)) + local[22:]
    directory = b"".join(
        struct.pack("<4s6H3L5H2L", b"PK\1\2", 20, 20, 0, 8, 0, 0, zlib.crc32(kernel), len(data), len(kernel),
                    9, 0, 0, 0, 0, 0, 0) + b"%05d.tif" % number
        for number in range(files)
    )  # fmt: skip
    start = len(local) + len(data)
    return local + data + directory + struct.pack("<4s4H2LH", b"PK\5\6", 0, 0, files, files, len(directory), start, 0)


def test_members_that_overlap_are_refused(tmp_path: Path) -> None:
    bomb = quoted_bomb(bytes(1000), 50)
    assert len(zipfile.ZipFile(io.BytesIO(bomb)).namelist()) == 50
    found = beside_good(tmp_path, "bomb.zip", bomb)
    overlapping = [(f"bomb.zip!/{number:05}.tif", "member_unreadable") for number in range(49)]
    assert found == [*overlapping, ("bomb.zip", "package_without_document")]


def test_a_folder_and_an_archive_of_one_name_do_not_become_one_package(tmp_path: Path) -> None:
    week = source(tmp_path, zip_bytes({"EP1.zip/EP1.xml": XML, "EP1.zip": package("EP1")}))
    packages, rejects = contents(week)
    assert packages == {"EP1.zip": {"EP1.xml": XML}}
    assert rejects == [("EP1.zip", "duplicate_document")]


@pytest.mark.parametrize(
    ("name", "start"), [("b.tar.gz", b"\x1f\x8b\x08"), ("b.7z", b"7z\xbc\xaf"), ("b.rar", b"Rar!")]
)
def test_an_archive_of_an_unsupported_kind_is_not_passed_over(tmp_path: Path, name: str, start: bytes) -> None:
    assert beside_good(tmp_path, name, start + bytes(600)) == [(name, "package_unreadable")]
