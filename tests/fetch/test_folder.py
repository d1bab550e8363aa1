"""A folder or a bucket that somebody fills as a source of deliveries."""

from __future__ import annotations

import dataclasses
import os
import resource
import shutil
from pathlib import Path
from typing import IO

import pytest

from pipeline.config import FetchSettings
from pipeline.errors import UsageError
from pipeline.fetch import fetch
from pipeline.fetch.bucket import _remember, fetch_into, read_record
from pipeline.fetch.sources import StorageSource
from pipeline.fetch.transport import FetchError, Transport
from pipeline.fetch.work import Record
from pipeline.pending import deliveries
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


def test_a_file_that_brings_an_old_time_along_comes_all_the_same(tmp_path: Path) -> None:
    drop, to = tmp_path / "drop", tmp_path / "to"
    drop.mkdir()
    days = {"old.zip": 10, "older.zip": 20, "new.zip": 0}
    for name, age in days.items():
        (drop / name).write_bytes(name.encode())
        os.utime(drop / name, (1_700_000_000 - age * 86400,) * 2)
    source, transport = StorageSource(Storage.at(drop)), Transport(FetchSettings())
    assert [path.name for path in fetch(source, to, transport).files] == ["new.zip"], "the newest delivery"
    (drop / "moved.zip").write_bytes(b"moved")
    os.utime(drop / "moved.zip", (1_700_000_000 - 15 * 86400,) * 2)  # as `mv` and `rsync -a` leave it
    assert [path.name for path in fetch(source, to, transport).files] == ["moved.zip"]
    assert fetch(source, to, transport).files == ()


def test_a_disk_that_fills_keeps_what_came_and_the_next_fetch_goes_on(tmp_path: Path) -> None:
    drop, to = tmp_path / "drop", tmp_path / "to"
    drop.mkdir()
    (drop / "a.zip").write_bytes(bytes(range(256)) * 12_000)
    source, transport = StorageSource(Storage.at(drop)), Transport(FetchSettings())
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (2_500_000, limits[1]))  # in the middle of a write
    try:
        ((name, why),) = fetch(source, to, transport).failures
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert name == "a.zip" and "cannot write" in why and not (to / "a.zip").exists()
    (path,) = fetch(source, to, transport).files
    assert path.read_bytes() == (drop / "a.zip").read_bytes()


def test_a_file_that_is_still_being_copied_does_not_come_before_it_is_whole(tmp_path: Path) -> None:
    drop, to = tmp_path / "drop", tmp_path / "to"
    drop.mkdir()
    (drop / "a.zip").write_bytes(b"a" * 10)
    source, transport = StorageSource(Storage.at(drop)), Transport(FetchSettings())

    def grow(*_: object) -> None:
        if (drop / "a.zip").stat().st_size == 10:
            (drop / "a.zip").write_bytes(b"a" * 20)

    ((name, why),) = fetch(source, to, transport, progress=grow).failures
    assert name == "a.zip" and "has changed while it was fetched" in why
    assert not (to / "a.zip").exists()
    (path,) = fetch(source, to, transport).files
    assert path.read_bytes() == (drop / "a.zip").read_bytes()


def test_a_store_that_tells_times_to_the_second_only_where_asked_for_one_object_changes_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "drop").mkdir()
    (tmp_path / "drop" / "a.zip").write_bytes(b"a" * 10)
    os.utime(tmp_path / "drop" / "a.zip", (1_700_000_000.25, 1_700_000_000.25))
    source = StorageSource(Storage.at(tmp_path / "drop"))
    (offer,) = source.offers()
    os.utime(tmp_path / "drop" / "a.zip", (1_700_000_000, 1_700_000_000))
    with source.open(offer, 0) as answer:
        assert answer.read(100) == b"a" * 10


def test_a_source_that_is_not_there_is_wrong_usage_and_one_that_fails_may_do_so_only_now(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(UsageError, match="cannot list"):
        StorageSource(Storage.at(tmp_path / "gone")).offers()

    def fails(storage: Storage) -> None:
        raise OSError("Input/output error")

    monkeypatch.setattr(Storage, "filesystem", fails)
    with pytest.raises(FetchError, match="Input/output error"):
        StorageSource(Storage.at(tmp_path)).offers()


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


def test_deliveries_come_into_a_bucket_whole_and_once_whichever_machine_fetches(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    drop = tmp_path / "drop"
    drop.mkdir()
    for name, age in (("a.zip", 30), ("b.tar", 20)):
        (drop / name).write_bytes(name.encode() * 1000)
        os.utime(drop / name, (1_700_000_000 - age, 1_700_000_000 - age))
    source, transport = StorageSource(Storage.at(drop)), Transport(FetchSettings())
    with object_store() as options:
        bucket = Storage.at("s3://figlake/deliveries", options)
        assert read_record(bucket).files == {}
        for machine in ("one", "two"):
            monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
            done = fetch_into(source, bucket, transport)
            assert [str(path) for path in done.files] == (["a.zip", "b.tar"] if machine == "one" else [])
            assert not list(tmp_path.glob("figlake-fetch-*")), "nothing is left behind"
        assert bucket.read_bytes("b.tar") == b"b.tar" * 1000
        assert set(read_record(bucket).files) == {"a.zip", "b.tar"}
        assert [one.name for one in deliveries([bucket.root], options)] == ["a", "b"]
        assert deliveries([bucket.uri(".backfill")], options) == []
        (drop / "c.zip").write_bytes(b"c" * 10)
        for stopped in (OSError("AccessDenied"), KeyboardInterrupt()):
            with monkeypatch.context() as change:
                change.setattr("shutil.copyfileobj", lambda file, upload, size, e=stopped: half(file, upload, e))
                if isinstance(stopped, OSError):
                    ((name, why),) = fetch_into(source, bucket, transport).failures
                    assert name == "c.zip" and "cannot be written" in why and "\n" not in why
                else:
                    with pytest.raises(KeyboardInterrupt):
                        fetch_into(source, bucket, transport)
            assert not bucket.exists("c.zip"), "half a file is none"
        (drop / "a.zip").write_bytes(b"corrected")
        with monkeypatch.context() as change:
            change.setattr("shutil.copyfileobj", lambda file, upload, size: half(file, upload, OSError("AccessDenied")))
            assert len(fetch_into(source, bucket, transport).failures) == 2
        assert bucket.read_bytes("a.zip") == b"a.zip" * 1000, "what lies there stays until the whole file has come"
        (drop / "a.zip").unlink()
        assert [str(path) for path in fetch_into(source, bucket, transport).files] == ["c.zip"]
        assert bucket.read_bytes("c.zip") == b"c" * 10
        with pytest.raises(FetchError, match="cannot write to s3://no-such-bucket") as caught:
            fetch_into(source, Storage.at("s3://no-such-bucket/deliveries", options), transport)
        assert "\n" not in str(caught.value)


def test_two_machines_that_fetch_into_one_bucket_both_remember_what_came(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        (tmp_path / name / f"{name}.zip").write_bytes(name.encode() * 10)
    one, two = (StorageSource(Storage.at(tmp_path / name)) for name in ("one", "two"))
    with object_store() as options:
        bucket = Storage.at("s3://figlake/deliveries", options)
        copy, begun = shutil.copyfileobj, []

        def meanwhile(file: IO[bytes], upload: IO[bytes], size: int) -> None:
            if not begun:  # while the first machine uploads, the second does all that it has to
                begun.append(True)
                with monkeypatch.context() as change:
                    change.setattr("tempfile.tempdir", str(tmp_path / "two"))
                    assert len(fetch_into(two, bucket, Transport(FetchSettings())).files) == 1
            copy(file, upload, size)

        monkeypatch.setattr("shutil.copyfileobj", meanwhile)
        assert len(fetch_into(one, bucket, Transport(FetchSettings())).files) == 1
        assert set(read_record(bucket).files) == {"one.zip", "two.zip"}
        # What a machine knew when it began is not written over what another one has added since.
        newer = Record(None, {"one.zip": dataclasses.replace(read_record(bucket).files["one.zip"], version="2")})
        monkeypatch.setattr("shutil.copyfileobj", lambda *_: _remember(newer, bucket))
        (tmp_path / "one" / "three.zip").write_bytes(b"three")
        assert len(fetch_into(one, bucket, Transport(FetchSettings())).files) == 1
        assert read_record(bucket).files["one.zip"].version == "2"


def half(file: IO[bytes], upload: IO[bytes], error: BaseException) -> None:
    upload.write(file.read(5))
    raise error
