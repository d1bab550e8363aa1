"""The real deliveries."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from pipeline.archives import discover
from tests.archives.build import contents, source
from tests.shared_data import SHARED, needs_shared


@needs_shared
@pytest.mark.parametrize(
    ("folder", "packages", "images", "pdfs"), [("epo", 11, 95, 6), ("uspto", 1, 15, 0), ("es_fulltext", 1, 17, 0)]
)
def test_a_real_delivery_gives_all_its_packages_and_images(folder: str, packages: int, images: int, pdfs: int) -> None:
    assert SHARED is not None
    (found,) = discover([str(SHARED / folder)])
    read, rejects = contents(found)
    assert rejects == []
    assert len(read) == packages
    names = [name.lower() for files in read.values() for name in files]
    assert sum(name.endswith(".tif") for name in names) == images
    assert sum(name.endswith(".pdf") for name in names) == pdfs
    assert all(data[:2] in (b"II", b"MM") for files in read.values() for name, data in files.items()
               if name.lower().endswith(".tif"))  # fmt: skip


@needs_shared
def test_all_deliveries_are_found_below_one_folder() -> None:
    assert [found.name for found in discover([str(SHARED)])] == [
        "EPRTBJV2019000007001001", "Full_Text_ES_frontfile", "I20250626",
    ]  # fmt: skip


@needs_shared
def test_the_real_week_cut_in_half_keeps_its_complete_packages(tmp_path: Path) -> None:
    assert SHARED is not None
    (whole,) = discover([str(SHARED / "epo")])
    data = Path(whole.uri).read_bytes()
    read, rejects = contents(source(tmp_path, data[: len(data) // 2]))
    expected, _ = contents(whole)
    assert rejects == [("week", "archive_truncated")]
    assert len(read) == 4
    for path, files in read.items():
        digests = {name: hashlib.sha256(data).hexdigest() for name, data in files.items()}
        assert digests == {name: hashlib.sha256(data).hexdigest() for name, data in expected[path].items()}
