"""Archives behind s3:// URIs go through the same code."""

from __future__ import annotations

import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from pipeline.archives import content_sha256, discover
from pipeline.storage import Storage
from tests.archives.build import XML, contents, package, source, tar_bytes, zip_bytes
from tests.object_store import object_store

FILES = {
    "DOC/EPNWA1/EP00000001NWA1.zip": package("EP00000001NWA1"),
    "DOC/batch.zip": zip_bytes({"EST/ES1T1/ES1T1.xml": XML}),
    "DOC/loose/EP2.xml": XML,
    "index.xml": b"<package-index/>",
}


@pytest.fixture(scope="module")
def store() -> Iterator[dict[str, str]]:
    with object_store() as options:
        yield options


@pytest.mark.slow
def test_zip_tar_and_folder_in_a_bucket_give_what_they_give_on_disk(store: dict[str, str], tmp_path: Path) -> None:
    bucket = Storage.at("s3://figlake/in", store)
    bucket.write_bytes(zip_bytes(FILES, zipfile.ZIP_STORED), "zipped.zip")
    bucket.write_bytes(tar_bytes(FILES), "tarred.tar")
    for name, data in FILES.items():
        bucket.write_bytes(data, "unpacked", *name.split("/"))
    found = {each.name: each for each in discover(["s3://figlake/in"], store)}
    assert list(found) == ["tarred", "unpacked", "zipped"]
    on_disk = source(tmp_path, zip_bytes(FILES))
    assert all(contents(each) == contents(on_disk) for each in found.values())
    same_bytes = source(tmp_path, zip_bytes(FILES, zipfile.ZIP_STORED))
    assert content_sha256(found["zipped"]) == content_sha256(same_bytes)
    for name, data in FILES.items():
        path = tmp_path / "unpacked" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    (local,) = discover([str(tmp_path / "unpacked")])
    assert content_sha256(found["unpacked"]) == content_sha256(local)


@pytest.mark.slow
def test_a_cut_archive_in_a_bucket_keeps_its_complete_members(store: dict[str, str]) -> None:
    data = zip_bytes(FILES, zipfile.ZIP_STORED)
    Storage.at("s3://figlake/cut", store).write_bytes(data[: data.index(b"DOC/loose") + 12], "week.zip")
    (week,) = discover(["s3://figlake/cut/week.zip"], store)
    packages, rejects = contents(week)
    assert list(packages) == ["DOC/EPNWA1/EP00000001NWA1.zip", "DOC/batch.zip!/EST/ES1T1"]
    assert rejects == [("week", "archive_truncated")]
