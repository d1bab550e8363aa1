"""Finding archives, hashing them, and the day they state."""

from __future__ import annotations

import hashlib
from datetime import date
from pathlib import Path

import pytest

from pipeline.archives import content_sha256, discover
from pipeline.errors import FiglakeError, UsageError
from tests.archives.build import XML, listing, package, source, tar_bytes, zip_bytes


def places(*uris: Path) -> list[tuple[str, str]]:
    return [(found.name, found.uri) for found in discover(map(str, uris))]


def write(path: Path, data: bytes = b"") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    return path


def test_a_file_is_an_archive_and_its_stem_the_name(tmp_path: Path) -> None:
    first = write(tmp_path / "EPRTBJV2019000007001001.zip")
    second = write(tmp_path / ".Week 7 (new).TAR")
    third = write(tmp_path / "I20250626.tar.gz")
    assert places(first, second, first, third) == [
        ("EPRTBJV2019000007001001", str(first)), ("Week_7__new_", str(second)), ("I20250626", str(third)),
    ]  # fmt: skip


def test_a_folder_stands_for_the_archives_below_it(tmp_path: Path) -> None:
    week = zip_bytes({"DOC/EP1.zip": package("EP1"), "DOC/EP2.zip": package("EP2")})
    write(tmp_path / "2019" / "EPRTBJV2019000007001001.zip", week)
    write(tmp_path / "2019" / "EPRTBJV2019000008001001.zip", b"broken")
    write(tmp_path / "other" / "national.zip", week)
    write(tmp_path / "other" / "notes.txt")
    write(tmp_path / "unpacked" / "I20250626" / "UTIL0204" / "US20250204297A1-20250626.ZIP", package("US1"))
    assert [name for name, _ in places(tmp_path)] == [
        "EPRTBJV2019000007001001", "EPRTBJV2019000008001001", "national", "I20250626",
    ]  # fmt: skip


@pytest.mark.parametrize("mark", ["index.xml", "VOLUMEID", "DOC/EPNWA1/EP1.zip", "ROOT/x.zip"])
def test_a_folder_with_the_marks_of_a_delivery_is_one_archive(tmp_path: Path, mark: str) -> None:
    write(tmp_path / "week" / mark, package("EP1"))
    assert places(tmp_path / "week") == [("week", str(tmp_path / "week"))]
    assert places(tmp_path) == [("week", str(tmp_path / "week"))]


def test_a_folder_of_packages_or_documents_is_one_archive(tmp_path: Path) -> None:
    write(tmp_path / "known" / "EP00000001NWA1.zip", b"not even a zip")
    write(tmp_path / "unknown" / "a.zip", b"broken")
    write(tmp_path / "unknown" / "b.zip", package("b"))
    write(tmp_path / "loose" / "ES1T1" / "ES1T1.xml", XML)
    for name in ("known", "unknown", "loose"):
        assert places(tmp_path / name) == [(name, str(tmp_path / name))]


def test_the_ground_truth_beside_a_drawn_archive_is_no_archive(tmp_path: Path) -> None:
    week = "EPRTBJV2025000008001001"
    (tmp_path / f"{week}.zip").write_bytes(b"")
    (tmp_path / f"{week}.truth").mkdir()
    (tmp_path / f"{week}.truth" / "sheets.jsonl").write_text("{}")
    assert [source.name for source in discover([str(tmp_path)])] == [week]


def test_links_in_a_circle_end(tmp_path: Path) -> None:
    write(tmp_path / "in" / "EPRTBJV2019000007001001.zip")
    (tmp_path / "in" / "loop").symlink_to(tmp_path / "in")
    assert [name for name, _ in places(tmp_path / "in")] == ["EPRTBJV2019000007001001"]


def test_where_nothing_lies_the_message_says_what_to_name(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"nothing at .*absent.*name a zip"):
        places(tmp_path / "absent")
    (tmp_path / "bare").mkdir()
    with pytest.raises(UsageError, match="is empty"):
        places(tmp_path / "bare")


def test_an_archive_that_has_gone_is_an_error_not_a_reject(tmp_path: Path) -> None:
    gone = source(tmp_path, b"")
    (tmp_path / "week.zip").unlink()
    with pytest.raises(FiglakeError, match="no archive at"):
        listing(gone)


def test_a_files_hash_is_the_hash_of_its_bytes(tmp_path: Path) -> None:
    data = bytes(range(256)) * 10_000
    assert content_sha256(source(tmp_path, data)) == hashlib.sha256(data).hexdigest()


def test_a_folders_hash_follows_paths_and_contents_and_nothing_else(tmp_path: Path) -> None:
    def digest(folder: str, files: dict[str, bytes]) -> str:
        for name, data in files.items():
            write(tmp_path / folder / name, data)
        (found,) = discover([str(tmp_path / folder)])
        return content_sha256(found)

    first = digest("1", {"DOC/a.xml": b"1", "DOC/b.xml": b"2"})
    assert digest("2", {"DOC/b.xml": b"2", "DOC/a.xml": b"1", "DOC/.hidden": b"x"}) == first
    assert digest("3", {"DOC/a.xml": b"2", "DOC/b.xml": b"1"}) != first
    assert digest("4", {"DOC/a.xml": b"1", "DOC/c.xml": b"2"}) != first


@pytest.mark.parametrize(
    ("name", "files", "delivered"),
    [
        ("EPRTBJV2019000007001001.zip", {"EP1.xml": XML}, date(2019, 2, 13)),
        ("EPRTBJV2020000053001001.zip", {"EP1.xml": XML}, date(2020, 12, 30)),
        ("EPRTBJV2019000053001001.zip", {"EP1.xml": XML}, None),
        ("I20250626.zip", {"EP1.xml": XML}, date(2025, 6, 26)),
        ("I20251399.zip", {"EP1.xml": XML}, None),
        ("es.zip", {"ROOT/DOC/FTM-20250124-EST1-0001.zip": package("ES1")}, date(2025, 1, 24)),
        ("es.zip", {"ROOT/index.xml": b'<ftm-package-index id="1" date="20250124">', "a.xml": XML}, date(2025, 1, 24)),
        ("es.zip", {"ROOT/index.xml": b'<other date="20250124">', "a.xml": XML}, None),
        ("week.zip", {"EP1.xml": XML, "I20250626.xml": XML}, None),
    ],
)
def test_the_delivery_date_is_the_one_the_archive_states(
    tmp_path: Path, name: str, files: dict[str, bytes], delivered: date | None
) -> None:
    data = tar_bytes(files) if name.endswith("tar") else zip_bytes(files)
    assert listing(source(tmp_path, data, name)).delivery_date == delivered
