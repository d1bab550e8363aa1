"""What an archive may do: every limit refuses before memory is spent."""

from __future__ import annotations

import struct
import zipfile
from dataclasses import replace
from pathlib import Path

import pytest

from pipeline.config import LimitSettings
from pipeline.errors import Reason, RejectedItemError
from tests.archives.build import LIMITS, XML, contents, first_package, source, tar_bytes, zip_bytes

MB = 1 << 20


def refused(found: object, name: str) -> Reason:
    with pytest.raises(RejectedItemError) as error:
        found.read(name)  # type: ignore[attr-defined]
    return error.value.reason


@pytest.mark.parametrize("shape", ["week.zip", "week.tar"])
def test_an_archive_of_too_many_files_is_rejected_whole(tmp_path: Path, shape: str) -> None:
    files = {f"{number}/a.xml": XML for number in range(5)}
    week = source(tmp_path, zip_bytes(files) if shape.endswith("zip") else tar_bytes(files), shape)
    assert len(contents(week, LimitSettings(entries=5))[0]) == 5
    assert contents(week, LimitSettings(entries=4)) == ({}, [("week", "too_many_entries")])


def test_a_nested_archive_of_too_many_files_is_rejected_and_its_neighbours_land(tmp_path: Path) -> None:
    many = zip_bytes({f"{number}/a.xml": XML for number in range(5)})
    week = source(tmp_path, zip_bytes({"many.zip": many, "EP1.zip": zip_bytes({"EP1.xml": XML})}))
    packages, rejects = contents(week, LimitSettings(nested_entries=4))
    assert list(packages) == ["EP1.zip"]
    assert rejects == [("many.zip", "too_many_entries")]


def test_archives_nest_no_deeper_than_allowed(tmp_path: Path) -> None:
    data, path = zip_bytes({"EP1.xml": XML}), "EP1.zip"
    for number in range(3):
        data = zip_bytes({path if number == 0 else f"{number}.zip": data}, zipfile.ZIP_STORED)
    week = source(tmp_path, zip_bytes({"top.zip": data}))
    path = "top.zip!/2.zip!/1.zip!/EP1.zip"
    assert contents(week, LimitSettings(depth=5)) == ({path: {"EP1.xml": XML}}, [])
    assert contents(week, LimitSettings(depth=4)) == ({}, [(path, "too_deep")])


def test_a_member_that_inflates_beyond_the_limit_is_too_large(tmp_path: Path) -> None:
    inner = zip_bytes({"EP1.xml": XML, "big.tif": bytes(range(256)) * 8192})
    found = first_package(source(tmp_path, zip_bytes({"EP1.zip": inner})), LimitSettings(member_mb=1))
    assert refused(found, "big.tif") is Reason.TOO_LARGE
    assert found.read("EP1.xml") == XML


def test_the_files_read_of_one_package_may_not_exceed_its_limit_together(tmp_path: Path) -> None:
    inner = zip_bytes({"EP1.xml": XML, "a.tif": bytes(700_000), "b.tif": bytes(700_000), "c.tif": b"1"})
    found = first_package(source(tmp_path, zip_bytes({"EP1.zip": inner})), LimitSettings(package_mb=1))
    assert len(found.read("a.tif")) == len(found.read("a.tif")) == 700_000
    assert refused(found, "b.tif") is Reason.TOO_LARGE
    assert found.read("c.tif") == b"1"


def test_a_high_ratio_is_refused_above_the_floor(tmp_path: Path) -> None:
    inner = zip_bytes({"EP1.xml": XML, "low.tif": bytes(MB), "high.tif": bytes(2 * MB + 1)})
    limits = LimitSettings(ratio=100, ratio_floor_mb=2)
    found = first_package(source(tmp_path, zip_bytes({"EP1.zip": inner})), limits)
    assert len(found.read("low.tif")) == MB
    assert refused(found, "high.tif") is Reason.RATIO_TOO_HIGH


def test_a_nested_archive_is_inflated_under_the_same_limits(tmp_path: Path) -> None:
    flat = zip_bytes({"EP1.xml": XML, "big.tif": bytes(3 * MB)}, zipfile.ZIP_STORED)
    week = source(tmp_path, zip_bytes({"EP1.zip": flat}))
    assert contents(week, LimitSettings(nested_mb=2)) == ({}, [("EP1.zip", "too_large")])
    tight = LimitSettings(ratio=100, ratio_floor_mb=2)
    assert contents(week, tight) == ({}, [("EP1.zip", "ratio_too_high")])
    assert list(contents(week)[0]) == ["EP1.zip"]


@pytest.mark.parametrize("claimed", [10, 3 * MB])
def test_a_lie_about_the_size_is_found_where_it_shows(tmp_path: Path, claimed: int) -> None:
    """The directory says 10 bytes, the stream holds 2 MB: reading stops at the first piece too many."""
    inner = bytearray(zip_bytes({"EP1.xml": XML, "lie.tif": bytes(2 * MB)}))
    struct.pack_into("<L", inner, inner.rindex(b"PK\x01\x02") + 24, claimed)
    found = first_package(source(tmp_path, zip_bytes({"EP1.zip": bytes(inner)})))
    assert refused(found, "lie.tif") is Reason.MEMBER_UNREADABLE


def test_a_pdf_is_not_inflated_unless_it_is_read(tmp_path: Path) -> None:
    """A PDF beyond every limit stands in nobody's way."""
    inner = zip_bytes({"EP1.xml": XML, "EP1.pdf": bytes(40 * MB)})
    found = first_package(source(tmp_path, zip_bytes({"EP1.zip": inner})), replace(LIMITS, member_mb=1))
    assert found.read("EP1.xml") == XML
    assert refused(found, "EP1.pdf") is Reason.TOO_LARGE
