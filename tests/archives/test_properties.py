"""No bytes make the reader raise, and no cut loses a complete member."""

from __future__ import annotations

import io
import tarfile
import tempfile
import zipfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.archives import ArchiveSource, Package, list_archive, open_packages
from pipeline.archives.entries import clean_name
from pipeline.config import LimitSettings
from pipeline.errors import RejectedItemError
from tests.archives.build import EXTRACT, XML, contents, package, source, streamed_zip_bytes, tar_bytes, zip_bytes

NAMES = ["DOC/EP0.zip", "DOC/EP1.zip", "DOC/EP2.zip"]
WEEK = {name: zip_bytes({f"{name[4:7]}.xml": XML}) for name in NAMES}
NESTED = zip_bytes({"DOC/EP.zip": package("EP"), "b/ES.zip": zip_bytes({"f/ES.xml": XML}), "c/US.xml": XML})


def zip_ends(data: bytes) -> list[int]:
    """Where each member is complete: its data, and its descriptor where it has one."""
    infos = zipfile.ZipFile(io.BytesIO(data)).infolist()
    return [i.header_offset + 30 + len(i.filename) + i.compress_size + (16 if i.flag_bits & 8 else 0) for i in infos]


def tar_ends(data: bytes) -> list[int]:
    return [info.offset_data + info.size for info in tarfile.open(fileobj=io.BytesIO(data))]


@pytest.mark.parametrize(
    ("name", "data", "ends"),
    [
        ("week.zip", zip_bytes(WEEK), zip_ends(zip_bytes(WEEK))),
        ("week.zip", streamed_zip_bytes(WEEK), zip_ends(streamed_zip_bytes(WEEK))),
        ("week.tar", tar_bytes(WEEK), tar_ends(tar_bytes(WEEK))),
    ],
    ids=["zip", "streamed zip", "tar"],
)
def test_no_cut_raises_or_loses_a_complete_member(tmp_path: Path, name: str, data: bytes, ends: list[int]) -> None:
    reasons = {"archive_truncated", "archive_unreadable", "archive_empty"}
    for length in range(min(len(data), ends[-1] + 600)):
        found, rejects = contents(source(tmp_path, data[:length], name))
        assert list(found) == [member for member, end in zip(NAMES, ends, strict=True) if end <= length], length
        if name.endswith("zip") or length < ends[-1] + 512:
            assert [item for item, _ in rejects] == ["week"], length
        assert {reason for _, reason in rejects} <= reasons


def test_no_cut_of_a_package_gives_half_a_document(tmp_path: Path) -> None:
    inner = package("EP")
    for length in range(len(inner)):
        found, rejects = contents(source(tmp_path, zip_bytes({"EP.zip": inner[:length]})))
        assert found == {}
        assert [item for item, _ in rejects] == ["EP.zip"]


def read_all(data: bytes, name: str) -> None:
    """Read everything that can be read; only rejects may come out."""
    limits = LimitSettings(member_mb=1, package_mb=1, nested_mb=1)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / name
        path.write_bytes(data)
        for shard in list_archive(ArchiveSource("week", str(path), {}), limits, EXTRACT).shards:
            for item in open_packages(shard, limits):
                if not isinstance(item, Package):
                    continue
                for member in item.names():
                    try:
                        item.read(member)
                    except RejectedItemError as error:
                        assert error.item
                        assert error.detail


@settings(max_examples=150, deadline=None)
@given(st.binary(max_size=2000), st.sampled_from(["PK\3\4", "PK\5\6", ""]))
def test_random_bytes_never_raise(noise: bytes, start: str) -> None:
    read_all(start.encode() + noise, "week.zip")


@settings(max_examples=300, deadline=None)
@given(st.data(), st.sampled_from(["zip", "tar"]))
def test_damaged_bytes_never_raise(data: st.DataObject, form: str) -> None:
    whole = bytearray(NESTED if form == "zip" else tar_bytes({"DOC/EP.zip": package("EP"), "c/US.xml": XML}))
    for _ in range(data.draw(st.integers(1, 8))):
        whole[data.draw(st.integers(0, len(whole) - 1))] = data.draw(st.integers(0, 255))
    read_all(bytes(whole), f"week.{form}")


@given(st.text(alphabet=st.characters(), max_size=30))
def test_a_clean_name_is_safe_and_stays_as_it_is(raw: str) -> None:
    try:
        name = clean_name(raw)
    except RejectedItemError:
        return
    assert name == clean_name(name)
    assert not name.startswith("/")
    assert not {"..", ".", ""} & set(name.split("/"))
    name.encode()
