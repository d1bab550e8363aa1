"""A folder or a bucket that somebody fills as a source of deliveries."""

from __future__ import annotations

import os
from pathlib import Path

from pipeline.config import FetchSettings
from pipeline.fetch import fetch
from pipeline.fetch.sources import StorageSource
from pipeline.fetch.transport import Transport
from pipeline.storage import Storage
from tests.object_store import object_store


def test_new_files_of_a_folder_come_once(tmp_path: Path) -> None:
    drop, to = tmp_path / "drop", tmp_path / "to"
    drop.mkdir()
    for name, age in (("a.zip", 30), ("b.tar", 20), ("notes.txt", 10), (".hidden.zip", 5)):
        (drop / name).write_bytes(name.encode())
        os.utime(drop / name, (1_700_000_000 - age, 1_700_000_000 - age))
    source, transport = StorageSource(Storage.at(drop)), Transport(FetchSettings())
    assert [path.name for path in fetch(source, to, transport).files] == ["a.zip", "b.tar"]
    assert fetch(source, to, transport).files == ()
    (drop / "b.tar").write_bytes(b"corrected")
    assert [path.read_bytes() for path in fetch(source, to, transport).files] == [b"corrected"]


def test_new_objects_of_a_bucket_come_once_and_are_resumed(tmp_path: Path) -> None:
    data = bytes(range(256)) * 9000
    with object_store() as options:
        bucket = Storage.at("s3://figlake/drop", options)
        bucket.write_bytes(data, "week.zip")
        bucket.write_bytes(b"x", "sub/other.zip")
        source, transport = StorageSource(bucket), Transport(FetchSettings(attempts=2, backoff_s=0.01))
        (offer,) = source.offers()
        (tmp_path / ".week.zip.part").write_bytes(data[:1_000_000])
        (tmp_path / ".week.zip.version").write_text(f'"{offer.version}"')
        with source.open(offer, 1_000_000) as answer:
            assert answer.start == 1_000_000
        done = fetch(source, tmp_path, transport)
        assert [path.read_bytes() for path in done.files] == [data]
        assert fetch(source, tmp_path, transport).files == ()
